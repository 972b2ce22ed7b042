package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"repotool/store"
)

// Rebuild brings the files back that were left out of a snapshot, from the gold that
// Restore has brought back, or else from that in the store. Like Restore it leaves
// alone what is there and right, checks every byte, shows no file before it is
// complete, and gives it owner, mode, time and links that it had; what gold does not
// bring back is a finding.
func (s *Snapshot) Rebuild(ctx context.Context, o RestoreOptions, rb Rebuilder) (*RebuildReport, error) {
	s = s.atHome(ctx, o.NoOwner, nil) // Restore has told
	r, err := s.restorer(o)
	if err != nil {
		return nil, err
	}
	defer r.close()
	to := &rebuildInto{restorer: r, lister: newFileWriter(r), matched: make([]bool, len(r.o.Only))}
	to.writers.New = func() any { return newFileWriter(r) }
	b := &rebuild{Snapshot: s, from: rb, to: to, progress: r.o.Progress}
	err = b.count(ctx)
	if err == nil && !o.Plan && b.report.Wanted.Files > 0 {
		err = b.all(ctx)
		if err == nil {
			err = to.link(ctx, b)
		}
		if err == nil {
			err = r.sync()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("rebuild in %s: %w", o.To, err)
	}
	b.report.Foreign = r.count.foreign.Load()
	return &b.report, nil
}

// rebuildInto is a directory in which a snapshot was restored.
type rebuildInto struct {
	*restorer
	lister  *fileWriter
	matched []bool
	asked   int       // how many files wants was asked of
	writers sync.Pool // of fileWriters
	failed  sync.Map  // paths of files with several names that did not come
}

func (t *rebuildInto) wants(ctx context.Context, e *Entry) (wanted, linked bool) {
	n := t.asked
	t.asked++
	switch {
	case !selected(e, t.o.Only, t.matched), t.o.Plan && stored(t.Store, e), t.brought(n, e):
		return false, false // what is stored Restore brings
	case t.deferLink(*e):
		return !t.lister.sameFile(t.links[e.Inode].Path, e.Path), true
	}
	_, right := t.lister.present(ctx, e)
	if right && !t.o.Plan {
		t.lister.setMeta(e)
	}
	return !right, false
}

// brought says whether Restore has brought a file, the nth that is left out, and it is not
// to become a further name of one that it has not.
func (t *rebuildInto) brought(n int, e *Entry) bool {
	r := t.o.Restored
	return r != nil && r.leftovers.brought.at(n) && !r.leftovers.rotten[e.Path] && t.links[e.Inode] == nil
}

// gold opens what Restore made of a gold.
func (t *rebuildInto) gold(e *Entry) *os.File {
	fd, err := store.OpenUntouched(t.fd, e.Path)
	if err != nil {
		return nil
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size != e.Size {
		unix.Close(fd)
		return nil
	}
	return os.NewFile(uintptr(fd), e.Path)
}

func (t *rebuildInto) put(ctx context.Context, e *Entry, content io.ReadSeeker) error {
	w := t.writers.Get().(*fileWriter)
	defer t.writers.Put(w)
	err := w.mkdirFor(e.Path)
	if err == nil {
		there, right := w.present(ctx, e)
		if right {
			return nil
		}
		err = w.writeFile(e, there, func(fd int) error {
			if err := seekStart(content); err != nil {
				return err
			}
			return copyChecked(fdWriter(fd), content, e)
		})
	}
	if err == nil || errors.Is(err, errOtherBytes) {
		return err
	}
	t.failed.Store(e.Path, true)
	if err := w.wrong(e, err); err != nil {
		return err
	}
	return errToldOf
}

func (t *rebuildInto) missed(e *Entry, why string) {
	t.failed.Store(e.Path, true)
	t.o.Findings.Add(NotRebuilt, e.Path, why)
}

// link makes the further names of files. Where a link cannot be made, it is a copy.
func (t *rebuildInto) link(ctx context.Context, b *rebuild) error {
	for i := range t.again {
		from, e := t.again[i].from, &t.again[i].to
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, failed := t.failed.Load(from); failed {
			t.unlinked(ctx, b, from, e)
			continue
		}
		if t.lister.sameFile(from, e.Path) {
			continue
		}
		linked, err := t.lister.linkBeside(ctx, from, e)
		if err != nil {
			if err := t.lister.wrong(e, err); err != nil {
				return err
			}
			b.report.Lost++
			continue
		}
		b.report.Rebuilt = b.report.Rebuilt.plus(e.Size)
		if linked {
			b.report.Linked++
		}
		t.o.Progress.Files.Add(1)
		t.o.Progress.Bytes.Add(e.Size)
	}
	return nil
}

// unlinked deals with a further name of a file that did not come. Its bytes may stand there
// all the same: then nothing is lacking under this name.
func (t *rebuildInto) unlinked(ctx context.Context, b *rebuild, from string, e *Entry) {
	if _, right := t.lister.present(ctx, e); right {
		t.lister.setMeta(e)
		b.report.Wanted.Files--
		b.report.Wanted.Bytes -= e.Size
		return
	}
	b.report.Lost++
	t.o.Findings.Add(NotRebuilt, e.Path, "it was a link to "+from+", which did not come back")
}

// linkBeside makes a further name of a file that is there, or else a copy of it.
func (w *fileWriter) linkBeside(ctx context.Context, from string, e *Entry) (linked bool, err error) {
	if err := w.mkdirFor(e.Path); err != nil {
		return false, err
	}
	there, _ := w.present(ctx, e)
	name := w.tmpName(e.Path)
	if err := unix.Linkat(w.fd, from, w.fd, name, 0); err == nil {
		return true, w.rename(name, e.Path)
	}
	return false, w.writeFile(e, there, func(fd int) error {
		src, err := store.OpenUntouched(w.fd, from)
		if err != nil {
			return err
		}
		f := os.NewFile(uintptr(src), from)
		defer f.Close()
		return copyChecked(fdWriter(fd), f, e)
	})
}
