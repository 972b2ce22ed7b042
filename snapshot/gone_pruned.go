package snapshot

import (
	"context"
	"fmt"

	"repotool/fossology"
)

// pruned is an entry for what a row refers to and the manifest does not know, if gold makes
// it; nil if it is not known to.
func (t *taker) pruned(ctx context.Context, n fossology.Name) (*Entry, error) {
	if t.Derived == nil || t.Place == nil {
		return nil, nil
	}
	e := &Entry{Path: t.Place(n), Size: n.Size, Mode: usualFileMode, UID: t.manifest.DirMode.UID, GID: t.manifest.DirMode.GID,
		Mtime: t.manifest.Time.UnixNano(), Gone: true}
	proof, ok, err := made(t.Derived, e, t.Depth)
	if err != nil || !ok {
		return nil, err
	}
	if t.golds == nil {
		if t.golds, err = goldsOf(ctx, t.Store, t.manifest); err != nil {
			return nil, err
		}
	}
	e.Object = proof.Object
	if t.golds[n] {
		return e, nil // it is gold, and stored as that
	}
	gold, there := t.golds.maker(&proof)
	if !there {
		return nil, nil
	}
	e.Gold = gold
	return e, nil
}

// takeUpPruned takes up what rows refer to and the manifest does not know, if gold makes
// it, one directory of derived files after another: a segment is sorted by path.
func (t *taker) takeUpPruned(ctx context.Context, view *View, dirs map[string]bool) error {
	for _, dir := range sortedKeys(dirs) {
		w := t.addendum()
		err := t.eachPruned(ctx, view, func(e *Entry) error {
			if d, _, _ := splitCanonical(e.Path, t.Depth); d != dir {
				return nil
			}
			t.summary.Pruned = t.summary.Pruned.plus(e.Size)
			return w.change(nil, e)
		})
		if err == nil {
			err = w.close(ctx)
		}
		w.discard()
		if err != nil {
			return fmt.Errorf("take up what was pruned: %w", err)
		}
	}
	return nil
}

func (t *taker) eachPruned(ctx context.Context, view *View, take func(*Entry) error) error {
	known, err := storedNames(ctx, t.Store, t.manifest, "files")
	if err != nil {
		return err
	}
	rows := GoodNames(view.PfileNames(ctx), func(*fossology.RowError) {})
	for p, err := range pairs(rows, known, fossology.Name.Compare) {
		if err != nil {
			return err
		}
		if p.b != nil {
			continue
		}
		e, err := t.pruned(ctx, *p.a)
		if err == nil && e != nil {
			err = take(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
