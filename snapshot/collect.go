package snapshot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

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
	DryRun   bool // count only, change nothing
	Command  string
	Now      func() time.Time
	Progress *Progress
	window   int // 0: windowMax
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

// An UnsureError says that it is not known what is needed, so nothing is deleted.
type UnsureError struct {
	What string
	Err  error
}

func (e *UnsureError) Error() string {
	return fmt.Sprintf("nothing is collected, since it is not known what %s needs: %v", e.What, e.Err)
}

// Unwrap returns the cause.
func (e *UnsureError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *UnsureError) Hint() string {
	if errors.Is(e.Err, store.ErrNewerFormat) {
		return "collect with the repotool that took that snapshot, or a later one"
	}
	return "'repotool verify' says more; bring it back from another copy of the store, or, if it is not wanted any more, forget it (or move it out of the store)"
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

	objects                                            atomic.Int64
	quarantined, returned, deleted, freed, waitingOnes counted
	troubles                                           Findings
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
	if !c.DryRun {
		// What was forgotten is so for good before anything that it needed goes.
		if err := c.st.Sync(ctx); err != nil {
			return err
		}
	}
	for w := firstWindow(cmp.Or(c.CollectOptions.window, windowMax)); ; {
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

// sweep goes through all folders twice: what is needed and lies in quarantine comes
// back first, and is there for good before anything is deleted.
func (c *collection) sweep(ctx context.Context) error {
	before := c.returned.objects.Load()
	c.Progress.Begin(PhaseReturn, 0, 0)
	if err := c.each(ctx, c.bringBack); err != nil {
		return err
	}
	if c.returned.objects.Load() > before && !c.DryRun {
		if err := c.st.Sync(ctx); err != nil {
			return err
		}
	}
	c.Progress.Begin(PhaseSweep, 0, 0)
	return c.each(ctx, c.sweepFolder)
}

// each calls f for the folders of the window, side by side.
func (c *collection) each(ctx context.Context, f func(context.Context, byte) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(2, runtime.GOMAXPROCS(0)))
	for folder := c.window.from >> 56; folder <= c.window.to>>56; folder++ {
		g.Go(func() error { return f(ctx, byte(folder)) })
	}
	return g.Wait()
}

// names calls f for the objects of a folder that the window covers. A folder that
// cannot be read is a trouble, and nothing in it is touched.
func (c *collection) names(ctx context.Context, generation uint64, folder byte, f func(store.Hash) error) error {
	for h, err := range c.st.Names(ctx, generation, folder) {
		var unreadable *store.FolderError
		switch {
		case errors.As(err, &unreadable):
			c.troubles.Add(Unreadable, unreadable.Folder, unreadable.Err.Error())
			return nil
		case err != nil:
			return err
		case !c.window.covers(h):
			continue
		}
		if err := f(h); err != nil {
			return err
		}
	}
	return nil
}

func (c *collection) bringBack(ctx context.Context, folder byte) error {
	for _, generation := range c.older {
		err := c.names(ctx, generation, folder, func(h store.Hash) error {
			if !c.window.has(h) {
				return nil
			}
			back, err := c.DryRun && !c.st.InPlace(h), error(nil)
			if !c.DryRun {
				back, err = c.st.Return(generation, h)
			}
			if err != nil {
				return err
			}
			info, err := c.st.Stat(h)
			if back && err == nil {
				c.returned.add(info.Size)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *collection) sweepFolder(ctx context.Context, folder byte) error {
	for _, generation := range c.older {
		if err := c.names(ctx, generation, folder, func(h store.Hash) error { return c.expel(generation, h) }); err != nil {
			return err
		}
	}
	return c.names(ctx, 0, folder, func(h store.Hash) error {
		c.Progress.Files.Add(1)
		if c.window.has(h) {
			c.objects.Add(1)
			return nil
		}
		return c.quarantine(h)
	})
}

// expel takes an object out of the quarantine that is in objects/ again, or that
// nobody needs and nobody can come to need.
func (c *collection) expel(generation uint64, h store.Hash) error {
	needed := c.window.has(h)
	if !needed && generation >= c.protected || c.DryRun {
		info, err := c.st.Stat(h)
		switch {
		case errors.Is(err, store.ErrNoObject):
			return nil
		case needed:
		case generation >= c.protected:
			c.waitingOnes.add(info.Size)
		default:
			c.count(info)
		}
		return err
	}
	info, err := c.st.Expel(generation, h)
	if errors.Is(err, store.ErrNoObject) || needed {
		return ignoreMissing(err)
	}
	if err == nil {
		c.count(info)
	}
	return err
}

// count counts an object that is deleted. A day may show its bytes still.
func (c *collection) count(info store.Info) {
	c.deleted.add(info.Size)
	if info.Links <= 1 {
		c.freed.add(info.Size)
	}
}

func (c *collection) quarantine(h store.Hash) error {
	var info store.Info
	var err error
	if c.DryRun {
		info, err = c.st.Stat(h)
	} else {
		info, err = c.st.Quarantine(c.report.Generation, h)
	}
	switch {
	case errors.Is(err, store.ErrNoFile):
		c.troubles.Add(SpecialFile, "objects/"+h.String()[:2]+"/"+h.String(), "it is no regular file")
		return nil
	case err == nil:
		c.quarantined.add(info.Size)
	}
	return ignoreMissing(err)
}

func ignoreMissing(err error) error {
	if errors.Is(err, store.ErrNoObject) {
		return nil
	}
	return err
}

func (c *collection) done() *CollectReport {
	r := &c.report
	r.Objects = c.objects.Load()
	r.Quarantined, r.Returned, r.Deleted, r.Freed, r.Waiting = c.quarantined.sum(), c.returned.sum(), c.deleted.sum(), c.freed.sum(), c.waitingOnes.sum()
	if r.Waiting.Objects == 0 {
		r.Held = nil
	}
	r.Troubles = c.troubles.First()
	r.Seconds = c.Now().Sub(c.start).Seconds()
	return r
}

// A listed is a snapshot that there is.
type listed struct{ installation, name string }

// everySnapshot lists the snapshots of all installations, in Exclusive. It is stricter
// than those who list them for people: whatever stands among snapshots must be one, or
// nothing is known of what it needs; and a day without one shows that one was lost.
func everySnapshot(st *store.Store) ([]listed, error) {
	installations, err := strictly(st.Path("snapshots"))
	if err != nil {
		return nil, err
	}
	var all []listed
	for _, installation := range installations {
		names, err := strictly(st.Path("snapshots", installation))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			all = append(all, listed{installation, name})
		}
	}
	if len(all) == 0 {
		return nil, &UnsureError{"this store", errors.New("it has no snapshot at all: are they on a disk that is not mounted?")}
	}
	return all, noLostSnapshot(st, all)
}

// noLostSnapshot looks for days whose snapshot is neither listed nor forgotten.
func noLostSnapshot(st *store.Store, all []listed) error {
	forgotten, err := ListForgotten(st)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, f := range forgotten {
		known["days/"+f.Installation+"/"+f.Snapshot] = true
	}
	for _, x := range all {
		known["days/"+x.installation+"/"+x.name] = true
	}
	days, err := fs.Glob(os.DirFS(st.Dir()), "days/*/*")
	if err != nil {
		return err
	}
	for _, day := range days {
		if _, err := time.Parse(TimeFormat, filepath.Base(day)); err == nil && !known[day] {
			return &UnsureError{day, errors.New("its snapshot is gone, and was not forgotten")}
		}
	}
	return nil
}

// readAll reads their manifests. One that was forgotten meanwhile needs nothing.
func readAll(st *store.Store, list []listed) ([]*Manifest, error) {
	var all []*Manifest
	for _, x := range list {
		m, err := loadManifest(st, x.installation, x.name)
		switch {
		case err == nil:
			all = append(all, m)
		case errors.Is(err, fs.ErrNotExist) && !exists(filepath.Join(snapshotsDir(st, x.installation), x.name)):
		default:
			return nil, &UnsureError{"snapshot " + x.name + " of " + x.installation, err}
		}
	}
	return all, nil
}

// strictly lists a directory whose entries all must be directories.
func strictly(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, &UnsureError{dir, err}
	}
	var names []string
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.Name(), building): // of a run with a lease, or of one that is no more
		case !e.IsDir():
			return nil, &UnsureError{filepath.Join(dir, e.Name()), errors.New("it is no directory")}
		default:
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// checkAllSegments reads the segments of all manifests: what they say decides what is
// deleted.
func checkAllSegments(ctx context.Context, st *store.Store, manifests []*Manifest) error {
	checked, buf := map[store.Hash]bool{}, make([]byte, 1<<20)
	for _, m := range manifests {
		for _, seg := range m.Segments {
			if checked[seg.Object] {
				continue
			}
			if _, err := st.Check(ctx, seg.Object, buf); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return &UnsureError{"snapshot " + m.Name() + " of " + m.Installation, fmt.Errorf("manifest segment: %w", err)}
			}
			checked[seg.Object] = true
		}
	}
	return nil
}

// BringBack returns all that is in quarantine to objects/.
func BringBack(ctx context.Context, st *store.Store, o CollectOptions) (*CollectReport, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	lock, err := st.Lock(ctx, "gc", o.Command, o.Now())
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	c := &collection{CollectOptions: o, st: st, start: o.Now(), window: firstWindow(0)}
	if c.older, err = st.Generations(); err != nil {
		return nil, err
	}
	err = c.each(ctx, func(ctx context.Context, folder byte) error {
		return c.allOf(ctx, folder, func(generation uint64, h store.Hash) error {
			_, err := st.Return(generation, h)
			return err
		})
	})
	if err == nil {
		err = st.Sync(ctx)
	}
	if err == nil {
		err = c.each(ctx, func(ctx context.Context, folder byte) error {
			return c.allOf(ctx, folder, func(generation uint64, h store.Hash) error {
				info, err := st.Expel(generation, h)
				if err == nil {
					c.returned.add(info.Size)
				}
				return ignoreMissing(err)
			})
		})
	}
	if err = errors.Join(err, st.CloseGenerations()); err != nil {
		return nil, fmt.Errorf("bring back from quarantine: %w", err)
	}
	return c.done(), nil
}

// allOf calls f for all of a folder in all generations.
func (c *collection) allOf(ctx context.Context, folder byte, f func(uint64, store.Hash) error) error {
	for _, generation := range slices.Clone(c.older) {
		if err := c.names(ctx, generation, folder, func(h store.Hash) error { return f(generation, h) }); err != nil {
			return err
		}
	}
	return nil
}
