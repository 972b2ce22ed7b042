package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"repotool/snapshot"
	"repotool/store"
)

// RepairOptions say where good bytes may be found.
type RepairOptions struct {
	Repository string // "": where each snapshot's repository was
	Now        time.Time
}

// Repair puts good bytes in the place of the objects that a report calls
// damaged or missing, where a live repository still has them. The bytes are
// hashed before and while they are taken over; the bad object is kept in
// trash/; day directories that show it are linked to the good one. The
// report says what was repaired. Two repairs at once get in each other's way:
// the caller holds the lock "repair".
func Repair(ctx context.Context, st *store.Store, report *Report, o RepairOptions) error {
	r := &repairer{st: st, o: o, bad: report.bad, done: map[store.Hash]bool{}, w: st.NewWriter(), buf: make([]byte, 1<<20+1),
		quarantine: filepath.Join("trash", "repair-"+o.Now.UTC().Format(snapshot.TimeFormat))}
	if len(r.bad) == 0 {
		return nil
	}
	// First all objects, then all days: a day needs the good object.
	for _, step := range []func(context.Context, *snapshot.Snapshot, *snapshot.Entry) error{r.object, r.day} {
		if err := r.each(ctx, step); err != nil {
			return fmt.Errorf("repair store: %w", err)
		}
	}
	for h := range r.done {
		if i := r.bad[h]; i != notListed {
			report.Findings[i].Repaired = true
		}
		report.Repaired++
	}
	if r.kept > 0 {
		report.Quarantine = r.quarantine
	}
	return st.Sync(ctx)
}

type repairer struct {
	st         *store.Store
	o          RepairOptions
	bad        map[store.Hash]int // findings of a report
	done       map[store.Hash]bool
	w          *store.Writer
	buf        []byte
	quarantine string // in the store
	kept       int    // objects in it
}

// each calls step for every entry of every readable snapshot that refers to
// a bad object.
func (r *repairer) each(ctx context.Context, step func(context.Context, *snapshot.Snapshot, *snapshot.Entry) error) error {
	list, err := everySnapshot(r.st)
	if err != nil {
		return err
	}
	for _, x := range slices.Backward(list) {
		s, err := snapshot.Find(r.st, x.Installation, x.Name)
		if err != nil {
			continue // a finding of another check
		}
		for e, err := range s.Entries(ctx, "") {
			if err != nil {
				break
			}
			if _, bad := r.bad[e.Object]; !bad {
				continue
			}
			if err := step(ctx, s, &e); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// object takes an entry's bytes from the live repository, if they are right.
func (r *repairer) object(ctx context.Context, s *snapshot.Snapshot, e *snapshot.Entry) error {
	if r.done[e.Object] {
		return nil
	}
	from := s.Manifest.Repository
	if r.o.Repository != "" {
		from = r.o.Repository
	}
	fd, err := store.OpenUntouched(unix.AT_FDCWD, filepath.Join(from, e.Path))
	if err != nil {
		return nil // not there any more: another entry may help
	}
	defer unix.Close(fd)
	if got, _, err := store.HashFD(ctx, fd, r.buf); err != nil || got != e.Object {
		return ctx.Err()
	}
	if err := r.keep(e.Object); err != nil {
		return err
	}
	if _, err := unix.Seek(fd, 0, 0); err != nil {
		return err
	}
	put, err := r.w.PutFD(ctx, fd, store.PutOptions{})
	if err != nil {
		return err
	}
	if put.Object == e.Object { // else it changed in this very moment
		r.done[e.Object] = true
	}
	return nil
}

// keep links a bad object into the quarantine, if there is one to keep.
func (r *repairer) keep(h store.Hash) error {
	if _, err := r.st.Stat(h); err != nil {
		return nil // missing
	}
	if err := os.MkdirAll(r.st.Path(r.quarantine), 0o755); err != nil {
		return err
	}
	if err := r.st.KeepAside(h, r.st.Path(r.quarantine, h.String())); err != nil {
		return err
	}
	r.kept++
	return nil
}

// day links a day directory's file to the good object.
func (r *repairer) day(ctx context.Context, s *snapshot.Snapshot, e *snapshot.Entry) error {
	path, ok := s.DayPath(e, s.Summary().Layout)
	if !ok || !r.done[e.Object] {
		return nil
	}
	name := r.st.Path(filepath.FromSlash(path))
	if _, err := os.Lstat(filepath.Dir(name)); errors.Is(err, fs.ErrNotExist) {
		return nil // the day was deleted
	} else if err != nil {
		return err
	}
	dir, err := r.st.TempDir()
	if err != nil {
		return err
	}
	tmp := filepath.Join(dir, "repair-"+e.Object.String())
	if err := r.st.Link(ctx, e.Object, unix.AT_FDCWD, tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, name); err != nil {
		return err
	}
	os.Remove(tmp) // rename does nothing when both already are one file
	return nil
}
