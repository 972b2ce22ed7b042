package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"repotool/snapshot"
	"repotool/store"
)

// The phases of checking.
const (
	PhaseObjects   snapshot.Phase = "objects"
	PhaseSnapshots snapshot.Phase = "snapshots"
	PhaseFiles     snapshot.Phase = "repository"
	PhaseRows      snapshot.Phase = "database"
)

// CompleteOptions say how a snapshot is checked.
type CompleteOptions struct {
	Read     bool // the objects' bytes as well; else they are only there, with the right size
	Progress *snapshot.Progress

	// Rebuilder, if not nil, unpacks the gold of what was left out: all of it is compared.
	Rebuilder snapshot.Rebuilder
}

// Complete checks that every object that a snapshot names is there, that its day
// directory shows it, and that for each file that was left out the gold is there.
func Complete(ctx context.Context, st *store.Store, installation, ref string, o CompleteOptions) (*Report, error) {
	if o.Progress == nil {
		o.Progress = new(snapshot.Progress)
	}
	c := &completeness{st: st, find: snapshot.Find, o: o, found: new(findings), r: Report{Scope: ScopeSnapshot}}
	s, err := c.open(installation, ref)
	if err != nil {
		return nil, err
	}
	c.r.Snapshot = ref
	if s != nil {
		c.st, c.r.in = s.Store, s.Store
		if c.keeper, err = newKeeper(c.st, c.found); err != nil {
			return nil, err
		}
		c.r.Snapshot = s.Name()
		total := s.Manifest.Total()
		if !o.Read {
			total.Bytes = 0
		}
		o.Progress.Begin(PhaseSnapshots, total.Files, total.Bytes)
		if err := c.checkHeld(ctx, s); err != nil {
			return nil, err
		}
	}
	return c.found.into(&c.r), nil
}

// completeness checks one snapshot after another.
type completeness struct {
	st     *store.Store
	find   func(st *store.Store, installation, ref string) (*snapshot.Snapshot, error)
	o      CompleteOptions
	found  *findings
	keeper *keeper // nil: a scrub has looked
	r      Report
}

// open opens a snapshot. One that cannot be read is a finding, and nil.
func (c *completeness) open(installation, ref string) (*snapshot.Snapshot, error) {
	c.r.Snapshots++
	s, err := c.find(c.st, installation, ref)
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, snapshot.ErrNoSnapshot):
		return nil, err
	}
	f := Finding{Kind: ManifestUnreadable, What: ref, Detail: err.Error()}
	f.suffer(installation, ref, "")
	c.found.add(f)
	return nil, nil
}

// checkHeld checks a snapshot that nobody forgets meanwhile: what vanishes under a
// check looks like damage. In a store that cannot be written to, nobody here does.
func (c *completeness) checkHeld(ctx context.Context, s *snapshot.Snapshot) error {
	switch lease, err := s.Hold(ctx, "repotool verify"); {
	case err == nil:
		defer lease.Release()
	case !store.CannotWrite(err):
		return err
	}
	return c.check(ctx, s)
}

// check checks a snapshot: its summary, its objects, its day.
func (c *completeness) check(ctx context.Context, s *snapshot.Snapshot) error {
	summary := s.Summary()
	if wrong := summary.Contradicts(s.Manifest); wrong != "" {
		c.found.of(s, Finding{Kind: SummaryDamaged, What: s.Name(), Detail: wrong})
	} else if err := s.CheckSummary(); err != nil {
		c.found.of(s, Finding{Kind: SummaryDamaged, What: s.Name(), Detail: err.Error()})
	}
	if err := s.CheckPin(); err != nil {
		c.found.of(s, Finding{Kind: PinDamaged, What: s.Name(), Detail: err.Error()})
	}
	if summary.Known() { // else nothing says how many there were
		if err := s.CheckFindings(); err != nil {
			c.found.of(s, Finding{Kind: FindingsDamaged, What: s.Name(), Detail: err.Error()})
		}
	}
	layout, err := dayLayout(s, summary)
	if err != nil {
		c.found.of(s, Finding{Kind: DayIncomplete, What: dayDir(s), Detail: err.Error()})
	}
	if layout != snapshot.LayoutNone {
		checkDayOwn(ctx, s, layout, c.found)
	}
	var files, objects, bytes atomic.Int64
	batches := make(chan []snapshot.Use, 8)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(batches)
		return listUses(gctx, s, batches, c.found)
	})
	for range max(2, runtime.GOMAXPROCS(0)) {
		g.Go(func() error {
			buf := make([]byte, 1<<20+1)
			for batch := range batches {
				inBatch := int64(0) // files, as a snapshot counts them
				for _, u := range batch {
					if u.Entry != nil && u.Entry.Kind == snapshot.File {
						inBatch++
					}
					n, read, err := c.use(gctx, u, buf)
					if err != nil {
						return err
					}
					if read {
						objects.Add(1)
						bytes.Add(n)
					}
					c.found.needed(s, u)
					checkDay(gctx, s, u, layout, c.found)
					c.o.Progress.Bytes.Add(n)
				}
				files.Add(inBatch)
				c.o.Progress.Files.Add(inBatch)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("verify snapshot %s: %w", s.Name(), err)
	}
	if err := c.checkLeftOut(ctx, s); err != nil {
		return fmt.Errorf("verify snapshot %s: %w", s.Name(), err)
	}
	if err := c.proveLeftOut(ctx, s); err != nil {
		return fmt.Errorf("verify snapshot %s: %w", s.Name(), err)
	}
	c.r.Files += files.Load()
	c.r.Objects += objects.Load()
	c.r.Bytes += bytes.Load()
	return nil
}

// dayLayout is that of the snapshot's day; none if there is no day. It may have
// been deleted.
func dayLayout(s *snapshot.Snapshot, summary *snapshot.Summary) (snapshot.Layout, error) {
	if summary.Layout == "" {
		return snapshot.LayoutNone, nil // not known: nothing is said of the day
	}
	_, err := os.Stat(s.Store.Path(dayDir(s)))
	switch {
	case err == nil:
		return summary.Layout, nil
	case errors.Is(err, fs.ErrNotExist):
		return snapshot.LayoutNone, nil
	}
	return snapshot.LayoutNone, err
}

// listUses hands on what the snapshot needs. A manifest that breaks off is a
// finding.
func listUses(ctx context.Context, s *snapshot.Snapshot, batches chan<- []snapshot.Use, found *findings) error {
	out := batcher[snapshot.Use]{to: batches}
	for u, err := range s.Uses(ctx) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			found.of(s, Finding{Kind: ManifestUnreadable, What: s.Name(), Detail: err.Error()})
			break
		}
		if err := out.add(ctx, u); err != nil {
			return err
		}
	}
	return out.flush(ctx)
}

// use checks one object, and says how many bytes of it were read.
func (c *completeness) use(ctx context.Context, u snapshot.Use, buf []byte) (n int64, read bool, err error) {
	if u.Object.IsZero() {
		return 0, false, nil
	}
	info, err := c.st.Stat(u.Object)
	switch {
	case err != nil:
		c.found.unlike(u.Object, err)
		return 0, false, nil
	case info.Size != u.Size:
		c.found.object(u.Object, ObjectDamaged, fmt.Sprintf("it has %d bytes, not %d", info.Size, u.Size))
		return 0, false, nil
	case c.o.Read:
		n, err = c.st.Check(ctx, u.Object, buf)
		if err != nil && ctx.Err() == nil {
			c.found.unlike(u.Object, err)
		}
	}
	if err == nil && c.keeper != nil {
		c.keeper.look(info)
	}
	return n, c.o.Read, ctx.Err()
}
