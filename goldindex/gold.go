package goldindex

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/unpack"
)

// stampOf is what tells a damaged gold from the one that takes its place.
func stampOf(f *os.File) (*stamp, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: f.Name(), Err: err}
	}
	return &stamp{Inode: st.Ino, Mtime: st.Mtim.Nano(), Ctime: st.Ctim.Nano(), Size: st.Size}, nil
}

// isUp says whether a gold in the repository needs no further look.
func (l *Ledger) isUp(f found) (bool, error) {
	e, ok := l.entry(f.name)
	switch {
	case !ok:
		return false, nil
	case e.kind == Unpacked:
		return e.isPresent(l) && f.stat.Size == f.name.Size, nil
	case e.kind != Damaged:
		return false, nil
	}
	h, err := l.read(e, nil)
	if errors.Is(err, ErrDamaged) || err == nil && h.Stamp == nil {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var st unix.Stat_t
	if err := unix.Stat(f.path, &st); err != nil {
		return false, nil // whoever opens it says why
	}
	return *h.Stamp == stamp{Inode: st.Ino, Mtime: st.Mtim.Nano(), Ctime: st.Ctim.Nano(), Size: st.Size}, nil
}

// errNoScratch means that there was no room to unpack a gold in: the next may need less.
var errNoScratch = errors.New("it needs more room to be unpacked in")

// scratchless is the error of a gold that could not be unpacked. Nothing is written then but
// what lies in the directory for temporary files.
func scratchless(g found, o *UpdateOptions, err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("unpack gold %s: %w than %s has (TMPDIR): %w", g.name, errNoScratch, cmp.Or(o.TempDir, os.TempDir()), err)
	}
	return fmt.Errorf("unpack gold %s: %w", g.name, err)
}

// gold unpacks one gold and records what came of it.
func (l *Ledger) gold(ctx context.Context, o *UpdateOptions, g found, upload string) (*Header, error) {
	f, err := o.open(g.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := &Header{Upload: upload, Time: o.Now().UTC()}
	before, err := stampOf(f)
	if err != nil {
		return nil, err
	}
	if before.Size != g.name.Size {
		return h, l.damagedGold(g, h, before, fmt.Errorf("%d bytes: %w", before.Size, errGold))
	}
	far := &goldProgress{to: o.Progress, size: g.name.Size}
	defer far.over()
	how := o.unpack()
	how.Content = far.content
	r, err := unpack.Unpack(ctx, upload, f, how)
	if err != nil {
		return nil, scratchless(g, o, err)
	}
	defer r.Close()
	if d := r.Top.Digests; d == nil || (fossology.Name{SHA1: d.SHA1, MD5: d.MD5, Size: d.Size}) != g.name {
		// It may be read badly: that is no verdict on its bytes.
		if err := readable(ctx, f); err != nil {
			return nil, err
		}
		return h, l.damagedGold(g, h, before, errGold)
	}
	h.Unpacker = l.unpacker.using(r.Tools)
	h.Cost = Cost{Seconds: r.Seconds, Bytes: r.Bytes}
	h.Skips, h.Skipped = r.Skips, r.Skipped[:min(len(r.Skipped), maxSkippedKept)]
	err = treeRows(r, func(x *Row) error {
		h.Cost.Rows++
		if x.Held {
			h.Cost.Files++
		}
		return nil
	})
	if err != nil {
		return nil, scratchless(g, o, err)
	}
	return h, l.record(g.name, Unpacked, h, func(add func(*Row) error) error { return treeRows(r, add) })
}

// readable reads a file to its end.
func readable(ctx context.Context, f *os.File) error {
	r := io.NewSectionReader(f, 0, 1<<62)
	_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, readerUntil{ctx, r}, make([]byte, 256<<10))
	return err
}

func (l *Ledger) damagedGold(g found, h *Header, s *stamp, why error) error {
	h.Why, h.Stamp = why.Error(), s
	return l.record(g.name, Damaged, h, nil)
}

// readerUntil is a reader that ends with its context.
type readerUntil struct {
	ctx context.Context
	r   io.Reader
}

func (r readerUntil) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}
