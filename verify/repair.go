package verify

import (
	"cmp"
	"context"
	"fmt"
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
// damaged or missing, where a live repository still has them, and makes again
// what it calls incomplete in days, from manifest and good objects. The bytes
// are hashed before and while they are taken over; what is replaced is kept in
// trash/; day directories that show a bad object are linked to the good one. The
// report says what was repaired. If it is about one snapshot, it is repaired where that is
// held, else st is. Two repairs at once get in each other's way:
// the caller holds the lock "repair".
func Repair(ctx context.Context, st *store.Store, report *Report, o RepairOptions) error {
	st = cmp.Or(report.in, st)
	r := &repairer{st: st, o: o, report: report, done: map[store.Hash]bool{}, w: st.NewWriter(), buf: make([]byte, 1<<20+1),
		quarantine: filepath.Join("trash", "repair-"+o.Now.UTC().Format(snapshot.TimeFormat))}
	r.w.Aside = r.quarantine
	if err := r.header(); err != nil {
		return fmt.Errorf("repair store: %w", err)
	}
	if len(report.bad) == 0 && len(report.days) == 0 {
		return nil
	}
	// First all objects, then all days: a day needs the good object.
	for _, step := range []func(context.Context, *snapshot.Snapshot) error{r.objects, r.day} {
		if err := r.each(ctx, step); err != nil {
			return fmt.Errorf("repair store: %w", err)
		}
	}
	for h := range r.done {
		if i := report.bad[h]; i != notListed {
			report.Findings[i].Repaired = true
		}
		report.Repaired++
	}
	if r.kept > 0 {
		report.Quarantine = r.quarantine
	}
	return st.Sync(ctx)
}

// header writes store.json and README.txt anew, if they are not as they were.
func (r *repairer) header() error {
	for i := range r.report.Findings {
		f := &r.report.Findings[i]
		if f.Kind != HeaderDamaged || f.Repaired {
			continue
		}
		if err := r.st.Restate(); err != nil {
			return err
		}
		f.Repaired = true
		r.report.Repaired++
	}
	return nil
}

type repairer struct {
	st         *store.Store
	o          RepairOptions
	report     *Report
	done       map[store.Hash]bool // of report.bad
	w          *store.Writer
	buf        []byte
	quarantine string // in the store
	kept       int    // objects and files in it
}

// each calls step for every readable snapshot, the newest first.
func (r *repairer) each(ctx context.Context, step func(context.Context, *snapshot.Snapshot) error) error {
	list, err := everySnapshot(r.st)
	if err != nil {
		return err
	}
	for _, x := range slices.Backward(list) {
		s, err := snapshot.FindOwn(r.st, x.Installation, x.Name)
		if err != nil {
			continue // a finding of another check
		}
		if err := step(ctx, s); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// objects repairs the bad objects that entries of a snapshot refer to.
func (r *repairer) objects(ctx context.Context, s *snapshot.Snapshot) error {
	if len(r.done) == len(r.report.bad) {
		return nil
	}
	for e, err := range s.Entries(ctx, "") {
		if err != nil {
			break // a finding of another check
		}
		if _, bad := r.report.bad[e.Object]; !bad {
			continue
		}
		if err := r.object(ctx, s, &e); err != nil {
			return err
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
	if _, err := unix.Seek(fd, 0, 0); err != nil {
		return err
	}
	put, err := r.w.PutFD(ctx, fd, store.PutOptions{})
	if err != nil {
		return err
	}
	if put.Healed {
		r.kept++
	}
	if put.Object == e.Object { // else it changed in this very moment
		r.done[e.Object] = true
	}
	return nil
}
