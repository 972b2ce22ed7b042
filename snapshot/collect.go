package snapshot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"repotool/store"
)

// Garbage are objects that no manifest needs. A collection moves them into a new
// generation of the quarantine; a later one deletes what lies in an older generation,
// unless a manifest needs it by then: that comes back.
//
// A run that takes a snapshot relies on objects which no manifest names yet. It has a
// lease from its beginning to its end, with the newest generation that there was when
// it began. What it relies on was either in objects/ then, or came there later, so a
// collection that it does not know of puts it into a newer generation than that of the
// lease, or the same; and such a generation is not deleted while the lease lasts. When
// the run has ended, its manifest is there to be read, or its objects are garbage. So
// nothing depends on a clock, on the age of an object, or on its number of links.
//
// The new generation is made, leases are read and snapshots are listed in one moment. A
// run without a lease at that moment has published, or begins later, and does not rely
// on anything in an older generation: what it needs from there it links back into
// objects/. Its parent has a lease of its own, and is not forgotten meanwhile.

// The phases of a collection.
const (
	PhaseTrash  Phase = "empty trash"
	PhaseMark   Phase = "manifests"
	PhaseReturn Phase = "return"
	PhaseSweep  Phase = "sweep"
)

// CollectOptions say how garbage is collected.
type CollectOptions struct {
	DryRun   bool // count only, change nothing; what has no room in memory goes into a file that is gone afterwards
	Command  string
	Now      func() time.Time
	Progress *Progress
	most     int   // objects that are known at once; 0: windowMax, or narrowMax
	noFile   error // why none is used; nil: it is
}

// A CollectReport says what became of the objects. With DryRun it says what would.
type CollectReport struct {
	Generation  uint64    `json:"generation"`  // of the quarantine, that was begun
	Snapshots   int64     `json:"snapshots"`   // whose manifests were read
	Objects     int64     `json:"objects"`     // that are needed, in objects/
	Quarantined Garbage   `json:"quarantined"` // that are not needed, moved into quarantine
	Returned    Garbage   `json:"returned"`    // that lay there, and are needed again
	Deleted     Garbage   `json:"deleted"`     // that had lain there
	Freed       Garbage   `json:"freed"`       // of those, the ones that no day shows: their room is free
	Waiting     Garbage   `json:"waiting"`     // that lie there still, because of Held
	Held        []string  `json:"heldBy,omitempty"`
	Forgotten   int       `json:"forgotten"` // snapshots that were removed from the trash
	Troubles    []Finding `json:"troubles,omitempty"`
	Seconds     float64   `json:"seconds"`
}

// Garbage counts objects.
type Garbage struct {
	Objects int64 `json:"objects"`
	Bytes   int64 `json:"bytes"`
}

// Collect collects garbage. It may run beside anything, but not beside itself. If one
// manifest cannot be read, nothing is changed.
func Collect(ctx context.Context, st *store.Store, o CollectOptions) (*CollectReport, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Progress == nil {
		o.Progress = new(Progress)
	}
	c := &collection{CollectOptions: o, st: st, start: o.Now()}
	if !o.DryRun {
		lock, err := st.Lock(ctx, "gc", o.Command, o.Now())
		if err != nil {
			return nil, err
		}
		defer lock.Unlock()
		// What was removed, or came back, is so for good before anything is deleted; and
		// before the days go, whose many names would have to be waited for.
		if err := st.Sync(ctx); err != nil {
			return nil, err
		}
		o.Progress.Begin(PhaseTrash, 0, 0)
		if c.report.Forgotten, err = EmptyTrash(ctx, st); err != nil {
			return nil, err
		}
		if _, err := st.Sweep(ctx); err != nil { // what dead runs left in tmp/
			return nil, err
		}
	}
	err := c.run(ctx)
	if !o.DryRun {
		err = errors.Join(err, st.CloseGenerations())
	}
	if err != nil {
		return nil, fmt.Errorf("collect garbage: %w", err)
	}
	return c.done(), nil
}

// collection is one run of Collect.
type collection struct {
	CollectOptions
	st        *store.Store
	start     time.Time
	older     []uint64 // generations before this run's
	protected uint64   // from this one on none is deleted
	window    *window
	report    CollectReport

	objects                                        atomic.Int64
	quarantined, returned, deleted, freed, waiting counted
	met                                            atomic.Bool // something in quarantine is needed
	troubles                                       Findings
}

type counted struct{ objects, bytes atomic.Int64 }

func (c *counted) add(size int64) { c.objects.Add(1); c.bytes.Add(size) }
func (c *counted) sum() Garbage   { return Garbage{c.objects.Load(), c.bytes.Load()} }

func (c *collection) run(ctx context.Context) error {
	list, err := c.begin(ctx)
	if err != nil {
		return err
	}
	manifests, err := readAll(c.st, list)
	if err != nil {
		return err
	}
	if err := checkAllSegments(ctx, c.st, manifests); err != nil {
		return err
	}
	c.report.Snapshots = int64(len(manifests))
	w := firstWindow(cmp.Or(c.most, windowMax), cmp.Or(c.most, narrowMax))
	w.failed = c.noFile
	defer w.close()
	for {
		c.Progress.Begin(PhaseMark, int64(len(manifests)), 0)
		if err := w.fill(ctx, c.st, manifests, c.Progress); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &UnsureError{"a snapshot", err}
		}
		c.window = w
		if err := c.sweep(ctx); err != nil {
			return err
		}
		if !w.next() {
			return nil
		}
	}
}

// begin begins a generation, asks who works in the store, and lists the snapshots, all
// in one moment.
func (c *collection) begin(ctx context.Context) (list []listed, err error) {
	look := func() error {
		leases, err := c.st.Leases()
		if err != nil {
			return err
		}
		if list, err = everySnapshot(c.st); err != nil {
			return err
		}
		if c.older, err = c.st.Generations(); err != nil {
			return err
		}
		if !c.DryRun {
			if c.report.Generation, err = c.st.NewGeneration(leases); err != nil {
				return err
			}
		}
		c.protected = ^uint64(0)
		for _, l := range leases {
			if l.Writes {
				c.protected = min(c.protected, l.Generation)
				c.report.Held = append(c.report.Held, l.Who())
			}
		}
		return nil
	}
	if c.DryRun {
		err = look()
		return list, err
	}
	err = c.st.Exclusive(ctx, look)
	return list, err
}

func (c *collection) done() *CollectReport {
	r := &c.report
	r.Objects = c.objects.Load()
	r.Quarantined, r.Returned, r.Deleted, r.Freed, r.Waiting = c.quarantined.sum(), c.returned.sum(), c.deleted.sum(), c.freed.sum(), c.waiting.sum()
	if r.Waiting.Objects == 0 {
		r.Held = nil
	}
	r.Troubles = c.troubles.First()
	r.Seconds = c.Now().Sub(c.start).Seconds()
	return r
}
