package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"repotool/store"
)

// Hold says that this process reads the snapshot, so that nobody forgets it, until
// the lease is released or the store closed. If it was forgotten a moment ago, the
// error is [ErrNoSnapshot]. In a store that cannot be written to (store.CannotWrite)
// there are no leases; what is read there may go away, and is then an error.
func (s *Snapshot) Hold(ctx context.Context, command string) (*store.Lease, error) {
	return hold(ctx, s.Store, s.Manifest.Installation, s.Name(), command)
}

func hold(ctx context.Context, st *store.Store, installation, name, command string) (*store.Lease, error) {
	gone := fmt.Errorf("snapshot %s was forgotten meanwhile: %w", name, ErrNoSnapshot)
	lease, err := st.Lease(ctx, store.Lease{Snapshot: installation + "/" + name, Command: command}, func() error {
		if !exists(filepath.Join(snapshotsDir(st, installation), name, "manifest")) {
			return gone
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) && !exists(st.Dir()) {
		err = gone // with the cycle that it belonged to
	}
	return lease, err
}

// Hold keeps a cycle from being removed, as [Snapshot.Hold] does a snapshot.
func (c *Cycle) Hold(ctx context.Context, command string) (*store.Lease, error) {
	gone := fmt.Errorf("the cycle of %s was removed meanwhile: %w", c.Base, ErrNoSnapshot)
	lease, err := c.Store.Lease(ctx, store.Lease{Command: command}, func() error {
		if !exists(c.Store.Path("store.json")) {
			return gone
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) && !exists(c.Store.Dir()) {
		err = gone
	}
	return lease, err
}

// begin says that this run adds objects, which no snapshot refers to before it is
// published, and reads its parent. It ends with the run.
func (t *taker) begin(ctx context.Context) error {
	lease, err := t.Store.Lease(ctx, store.Lease{Writes: true, Command: t.Command}, nil)
	if err != nil {
		return err
	}
	t.leases = append(t.leases, lease)
	return nil
}

// holdParent keeps the parent from being forgotten; false if it already was.
func (t *taker) holdParent(ctx context.Context, m *Manifest) (bool, error) {
	lease, err := hold(ctx, t.Store, t.Installation, m.Name(), t.Command)
	if err != nil {
		if !exists(filepath.Join(snapshotsDir(t.Store, t.Installation), m.Name())) {
			return false, nil
		}
		return false, err
	}
	t.leases = append(t.leases, lease)
	return true, nil
}
