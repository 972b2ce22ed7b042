package snapshot

import (
	"context"
	"errors"
	"runtime"

	"golang.org/x/sync/errgroup"

	"repotool/store"
)

// sweep goes through all folders twice: what is needed and lies in quarantine comes
// back first, and is there for good before anything is deleted.
func (c *collection) sweep(ctx context.Context) error {
	c.Progress.Begin(PhaseReturn, 0, 0)
	if err := c.each(ctx, c.returnNeeded); err != nil {
		return err
	}
	if c.met.Swap(false) && !c.DryRun {
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

// returnNeeded brings back from quarantine what is needed again.
func (c *collection) returnNeeded(ctx context.Context, folder byte) error {
	for _, generation := range c.older {
		err := c.names(ctx, generation, folder, func(h store.Hash) error {
			if !c.window.has(h) {
				return nil
			}
			c.met.Store(true)
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

// sweepFolder deletes what may go of older generations, and puts what is not needed into
// the new one.
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
			c.waiting.add(info.Size)
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
