package snapshot

import (
	"context"
	"fmt"
	"iter"

	"repotool/fossology"
)

// Compose publishes a snapshot of entries that somebody makes up, in the order of
// fossology.ComparePaths, as [Take] does of those that a walk finds: they are merged with
// the snapshot before, and what differs becomes a segment. Nothing is read from a
// repository, and nobody asks whether the objects are there. So it can be measured what
// manifests cost of repositories for which there is no disk. The snapshot has no day.
func Compose(ctx context.Context, o TakeOptions, list iter.Seq2[Entry, error]) (*Summary, error) {
	o.setDefaults()
	o.Layout = LayoutNone
	lock, err := o.Store.Lock(ctx, "snapshot-"+o.Installation, o.Command, o.Now())
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	t := &taker{TakeOptions: o}
	defer t.close()
	if err := t.prepare(ctx); err != nil {
		return nil, err
	}
	if t.fresh, err = newCacheWriter(t.tmp); err != nil { // it knows of no directory
		return nil, err
	}
	if err := t.compose(ctx, list); err != nil {
		return nil, fmt.Errorf("compose snapshot: %w", err)
	}
	return t.publish(ctx)
}

// compose writes what differs from the snapshot before.
func (t *taker) compose(ctx context.Context, list iter.Seq2[Entry, error]) error {
	a := t.addendum()
	defer a.discard()
	byPath := func(a, b Entry) int { return fossology.ComparePaths(a.Path, b.Path) }
	for p, err := range pairs(entries(ctx, t.Store, t.manifest.Segments, ""), list, byPath) {
		switch {
		case err != nil:
			return err
		case p.b == nil:
			p.b = &Entry{Path: p.a.Path, Kind: removed}
			t.summary.Removed++
		case p.a != nil && *p.a == *p.b:
			continue
		}
		if err := a.change(p.a, p.b); err != nil {
			return err
		}
	}
	return a.close(ctx)
}
