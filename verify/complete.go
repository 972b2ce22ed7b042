package verify

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

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
