package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"repotool/snapshot"
	"repotool/store"
)

// Complete checks that every object that a snapshot names is there with the
// right size.
func Complete(ctx context.Context, st *store.Store, installation, ref string, progress *snapshot.Progress) (*Report, error) {
	if progress == nil {
		progress = new(snapshot.Progress)
	}
	var found findings
	s, err := snapshot.Find(st, installation, ref)
	if errors.Is(err, snapshot.ErrNoSnapshot) {
		return nil, err
	}
	if err != nil {
		found.add(Finding{Kind: ManifestUnreadable, What: ref, Detail: err.Error(), Snapshot: ref})
		return found.into(&Report{Snapshots: 1}), nil
	}
	summary := s.Summary()
	if wrong := summary.Contradicts(s.Manifest); wrong != "" {
		found.add(Finding{Kind: SummaryDamaged, What: s.Name(), Detail: wrong, Snapshot: s.Name()})
	}
	layout := summary.Layout
	if layout == "" {
		layout = snapshot.LayoutNone // not known: nothing is said of the day
	}
	if layout != snapshot.LayoutNone {
		if _, err := os.Stat(st.Path("days", installation, s.Name())); err != nil {
			layout = snapshot.LayoutNone // deleted: that is allowed
		}
	}
	total := s.Manifest.Total()
	progress.Begin(snapshot.PhaseVerify, total.Files, 0)
	var files atomic.Int64
	batches := make(chan []snapshot.Use, 8)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(batches)
		return listUses(gctx, s, batches, &found)
	})
	for range max(2, runtime.GOMAXPROCS(0)) {
		g.Go(func() error {
			for batch := range batches {
				for _, u := range batch {
					checkUse(st, s.Name(), u, &found)
					checkDay(gctx, s, u, layout, &found)
				}
				files.Add(int64(len(batch)))
				progress.Files.Add(int64(len(batch)))
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("verify snapshot %s: %w", s.Name(), err)
	}
	return found.into(&Report{Snapshots: 1, Files: files.Load()}), nil
}

// listUses hands on what the snapshot needs. A manifest that breaks off is a
// finding.
func listUses(ctx context.Context, s *snapshot.Snapshot, batches chan<- []snapshot.Use, found *findings) error {
	var batch []snapshot.Use
	for u, err := range s.Objects(ctx) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			found.add(Finding{Kind: ManifestUnreadable, What: s.Name(), Detail: err.Error(), Snapshot: s.Name()})
			break
		}
		if batch = append(batch, u); len(batch) == objectBatch {
			select {
			case batches <- batch:
			case <-ctx.Done():
				return ctx.Err()
			}
			batch = nil
		}
	}
	batches <- batch
	return nil
}

func checkUse(st *store.Store, name string, u snapshot.Use, found *findings) {
	info, err := st.Stat(u.Object)
	switch {
	case err != nil:
		found.add(Finding{Kind: ObjectMissing, What: u.Object.String(), Detail: u.For + ": " + err.Error(), Snapshot: name})
	case info.Size != u.Size:
		found.add(Finding{Kind: ObjectDamaged, What: u.Object.String(), Snapshot: name,
			Detail: fmt.Sprintf("%s: it has %d bytes, not %d", u.For, info.Size, u.Size)})
	}
}

// checkDay checks that the day directory shows the object: as the same inode,
// or, where the object was renewed since, as the same bytes.
func checkDay(ctx context.Context, s *snapshot.Snapshot, u snapshot.Use, layout snapshot.Layout, found *findings) {
	if u.Entry == nil {
		return
	}
	path, ok := s.DayPath(u.Entry, layout)
	if !ok {
		return
	}
	f := Finding{Kind: DayIncomplete, What: path, Snapshot: s.Name()}
	var day unix.Stat_t
	if err := unix.Lstat(s.Store.Path(path), &day); err != nil {
		f.Detail = err.Error()
		found.add(f)
		return
	}
	info, err := s.Store.Stat(u.Object)
	if err != nil || info.Inode == day.Ino {
		return
	}
	fd, err := unix.Open(s.Store.Path(path), unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err == nil {
		defer unix.Close(fd)
		var got store.Hash
		if got, _, err = store.HashFD(ctx, fd, make([]byte, 64<<10)); err == nil && got != u.Object {
			err = fmt.Errorf("its bytes hash to %s", got)
		}
	}
	if err != nil {
		f.Detail = err.Error()
		found.add(f)
	}
}
