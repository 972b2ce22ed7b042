package verify

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"repotool/snapshot"
	"repotool/store"
)

// All checks a store and, one after another, the cycles that lie in it, each as [Store]
// does. A budget is divided among them; what one does not use is for those behind it. If
// repair is not nil, each is repaired, too.
func All(ctx context.Context, st *store.Store, o ScrubOptions, repair *RepairOptions) (*Report, error) {
	o = o.orDefault()
	cycles, err := snapshot.AllCycles(st)
	if err != nil {
		return nil, err
	}
	all := new(findings).into(&Report{Scope: ScopeStore})
	places := append([]snapshot.Cycle{{Store: st}}, cycles...)
	start := o.Now()
	for i, c := range places {
		if c.Err != nil {
			all.add(&c, new(findings).with(Finding{Kind: CycleUnreadable, What: c.Dir(), Detail: c.Err.Error(), Installation: c.Installation}))
			continue
		}
		its := o
		if o.Budget > 0 {
			its.Budget = max(1, (o.Budget-o.Now().Sub(start))/time.Duration(len(places)-i))
		}
		r, err := one(ctx, &c, its, repair)
		if errors.Is(err, snapshot.ErrNoSnapshot) {
			continue // the cycle has just gone
		}
		if err != nil {
			return nil, err
		}
		all.add(&c, r)
	}
	return all, nil
}

// one checks the store itself, or a cycle, which nobody removes meanwhile: what vanishes
// under a check looks like damage.
func one(ctx context.Context, c *snapshot.Cycle, o ScrubOptions, repair *RepairOptions) (*Report, error) {
	if c.Base != "" {
		switch lease, err := c.Hold(ctx, "repotool verify"); {
		case err == nil:
			defer lease.Release()
		case !store.CannotWrite(err):
			return nil, err
		}
	}
	r, err := Store(ctx, c.Store, o)
	if err == nil && repair != nil {
		err = Repair(ctx, c.Store, r, *repair)
	}
	return r, err
}

// with is a report of one finding.
func (f *findings) with(x Finding) *Report {
	f.add(x)
	return f.into(new(Report))
}

// add takes up the report of a cycle, or, if it is none, of the store itself.
func (r *Report) add(c *snapshot.Cycle, o *Report) {
	r.Objects += o.Objects
	r.Skipped += o.Skipped
	r.Bytes += o.Bytes
	r.Snapshots += o.Snapshots
	r.SnapshotsSkipped += o.SnapshotsSkipped
	r.Files += o.Files
	r.LeftOut += o.LeftOut
	r.Repaired += o.Repaired
	if o.Quarantine != "" {
		place := o.Quarantine
		if c.Base != "" {
			place = filepath.Join(c.Dir(), place)
		}
		r.Quarantine = joined(r.Quarantine, place)
	}
	for kind, n := range o.Counts {
		r.Counts[kind] += n
	}
	room := min(len(o.Findings), maxFindings-len(r.Findings))
	for _, f := range slices.Clone(o.Findings[:room]) {
		if c.Base != "" {
			f.Cycle = c.Base
		}
		r.Findings = append(r.Findings, f)
	}
	r.NotListed += o.NotListed + int64(len(o.Findings)-room)
}

// joined lists places, as people read them.
func joined(places, another string) string {
	if places == "" {
		return another
	}
	return places + ", " + another
}
