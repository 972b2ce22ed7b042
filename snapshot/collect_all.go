package snapshot

import (
	"context"
	"errors"
	"time"

	"repotool/store"
)

// CollectAll collects the garbage of a store and of each cycle in it, which shares no
// object with anything else.
func CollectAll(ctx context.Context, st *store.Store, o CollectOptions) (*CollectReport, error) {
	return inAll(ctx, st, o, Collect)
}

// BringBackAll returns all that is in quarantine, in a store and its cycles.
func BringBackAll(ctx context.Context, st *store.Store, o CollectOptions) (*CollectReport, error) {
	return inAll(ctx, st, o, BringBack)
}

// inAll works in a store and its cycles, one after another, and adds up. A store that has
// cycles and not one snapshot of its own is left alone: what it may have is not known.
func inAll(ctx context.Context, st *store.Store, o CollectOptions, work func(context.Context, *store.Store, CollectOptions) (*CollectReport, error)) (*CollectReport, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	cycles, err := AllCycles(st)
	if err != nil {
		return nil, err
	}
	start, all := o.Now(), new(CollectReport)
	own, err := hasSnapshots(st)
	if err != nil {
		return nil, err
	}
	if own || len(cycles) == 0 {
		if all, err = work(ctx, st, o); err != nil {
			return nil, err
		}
	} else if !o.DryRun {
		if all.Forgotten, err = EmptyTrash(ctx, st); err != nil {
			return nil, err
		}
	}
	for _, c := range cycles {
		if c.Err != nil {
			all.Troubles = append(all.Troubles, Finding{OldSnapshot, c.Dir(), c.Err.Error()})
			continue
		}
		r, err := inCycle(ctx, &c, o, work)
		if errors.Is(err, ErrNoSnapshot) {
			continue // it has just gone
		}
		if err != nil {
			return nil, err
		}
		all.add(r)
	}
	all.Seconds = o.Now().Sub(start).Seconds()
	return all, nil
}

func inCycle(ctx context.Context, c *Cycle, o CollectOptions, work func(context.Context, *store.Store, CollectOptions) (*CollectReport, error)) (*CollectReport, error) {
	if !o.DryRun {
		lease, err := c.Hold(ctx, o.Command)
		if err != nil {
			return nil, err
		}
		defer lease.Release()
	}
	return work(ctx, c.Store, o)
}

func (r *CollectReport) add(o *CollectReport) {
	r.Snapshots += o.Snapshots
	r.Objects += o.Objects
	for to, n := range map[*Garbage]Garbage{&r.Quarantined: o.Quarantined, &r.Returned: o.Returned, &r.Deleted: o.Deleted, &r.Freed: o.Freed, &r.Waiting: o.Waiting} {
		to.Objects += n.Objects
		to.Bytes += n.Bytes
	}
	r.Held = append(r.Held, o.Held...)
	r.Forgotten += o.Forgotten
	r.Troubles = append(r.Troubles, o.Troubles...)
}

// hasSnapshots says whether a store has snapshots of its own, of any installation. One that
// failed before there was one leaves an empty directory.
func hasSnapshots(st *store.Store) (bool, error) {
	installations, err := directories(st.Path("snapshots"))
	if err != nil {
		return false, err
	}
	for _, x := range installations {
		if names, err := listNames(st, x); err != nil || len(names) > 0 {
			return true, err
		}
	}
	return false, nil
}
