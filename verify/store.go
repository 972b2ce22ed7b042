package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"repotool/snapshot"
	"repotool/store"
)

// Store reads the objects of a store, then checks each snapshot of each
// installation for completeness. What is wrong with an object is one finding,
// which says how many snapshots need it. A budget is divided: a quarter is kept
// for the snapshots, of which at least one is checked each time.
func Store(ctx context.Context, st *store.Store, o ScrubOptions) (*Report, error) {
	o = o.orDefault()
	found, start := new(findings), o.Now()
	at := openCursor(st, o.Budget)
	objects := o
	objects.Budget -= o.Budget / 4
	r, err := scrubStore(ctx, st, objects, &at, found)
	if err != nil {
		return nil, err
	}
	if err := checkOrphans(st, found); err != nil {
		return nil, fmt.Errorf("verify store: %w", err)
	}
	if err := st.CheckHeader(); err != nil {
		found.add(Finding{Kind: HeaderDamaged, What: st.Dir(), Detail: err.Error()})
	}
	list, err := everySnapshot(st)
	if err != nil {
		return nil, err
	}
	total := int64(0)
	for _, x := range list {
		total += x.Files
	}
	o.Progress.Begin(PhaseSnapshots, total, 0)
	c := &completeness{st: st, find: snapshot.FindOwn, o: CompleteOptions{Progress: o.Progress}, found: found, r: *r}
	list, at.Snapshot = turned(list, at.Snapshot), ""
	for i, x := range list {
		if i > 0 && o.Budget > 0 && o.Now().Sub(start) > o.Budget {
			at.Snapshot, c.r.SnapshotsSkipped = x.Installation+"/"+x.Name, int64(len(list)-i)
			break
		}
		s, err := c.open(x.Installation, x.Name)
		if err == nil && s != nil {
			err = c.checkHeld(ctx, s)
		}
		if errors.Is(err, snapshot.ErrNoSnapshot) {
			c.r.Snapshots-- // forgotten meanwhile
			continue
		}
		if err != nil {
			return nil, err
		}
	}
	at.save(st, o.Budget, found)
	return found.into(&c.r), nil
}

// turned is a list that begins with the snapshot of that key, or, if it is gone,
// as before.
func turned(list []*snapshot.Summary, key string) []*snapshot.Summary {
	i := max(0, slices.IndexFunc(list, func(x *snapshot.Summary) bool { return x.Installation+"/"+x.Name == key }))
	return append(list[i:len(list):len(list)], list[:i]...)
}

// everySnapshot lists the snapshots of all installations.
func everySnapshot(st *store.Store) ([]*snapshot.Summary, error) {
	installations, err := snapshot.Installations(st)
	if err != nil {
		return nil, err
	}
	var all []*snapshot.Summary
	for _, name := range installations {
		list, err := snapshot.ListOwn(st, name)
		if err != nil {
			return nil, err
		}
		for _, x := range list {
			x.Installation = name // whatever the summary says
		}
		all = append(all, list...)
	}
	return all, nil
}
