package verify

import (
	"context"

	"repotool/snapshot"
	"repotool/store"
)

// Store reads the objects of a store, then checks each snapshot of each
// installation for completeness. What is wrong with an object is one finding,
// which says how many snapshots need it.
func Store(ctx context.Context, st *store.Store, o ScrubOptions) (*Report, error) {
	if o.Progress == nil {
		o.Progress = new(snapshot.Progress)
	}
	found := new(findings)
	r, err := scrubStore(ctx, st, o, found)
	if err != nil {
		return nil, err
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
	c := &completeness{st: st, o: CompleteOptions{Progress: o.Progress}, found: found, r: *r}
	for _, x := range list {
		s, err := c.open(x.Installation, x.Name)
		if err == nil && s != nil {
			err = c.check(ctx, s)
		}
		if err != nil {
			return nil, err
		}
	}
	return found.into(&c.r), nil
}

// everySnapshot lists the snapshots of all installations.
func everySnapshot(st *store.Store) ([]*snapshot.Summary, error) {
	installations, err := snapshot.Installations(st)
	if err != nil {
		return nil, err
	}
	var all []*snapshot.Summary
	for _, name := range installations {
		list, err := snapshot.List(st, name)
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
