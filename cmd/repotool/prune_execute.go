package main

import (
	"context"
	"errors"

	"repotool/prune"
)

// execute carries out a plan: that of a file, or a new one.
func (x *pruning) execute(ctx context.Context) error {
	deeds, err := prune.Deeds(x.dir)
	if err != nil {
		return err
	}
	if err := noneInterrupted("prune", deeds, pruneRun); err != nil {
		return err
	}
	var p *prune.Plan
	if name := x.c.String("plan"); name != "" {
		if p, err = x.readPlan(ctx, name); err != nil {
			return err
		}
	} else if p, err = x.make(ctx); err != nil {
		return err
	}
	defer p.Close()
	if err := keepPlan(x.c, p.Write); err != nil {
		return err
	}
	if p.Victims.Files == 0 {
		return x.reportPlan(p)
	}
	return x.whileStill(x.c, x.s, x.g.in, x.g.db, func() error {
		o, end := x.options()
		defer end()
		defer x.shown(x.s, "remove files", p.Victims, &o.Progress)()
		r, err := p.Execute(ctx, o)
		return alsoFound(x.reportDeed(r, err), x.troubles(p.Troubles))
	})
}

func pruneRun(d *prune.Deed) *prune.Run { return &d.Run }

// readPlan reads a plan, and refuses one that is out of date.
func (x *pruning) readPlan(ctx context.Context, name string) (*prune.Plan, error) {
	f, err := openPlan(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := prune.ReadPlan(f, "")
	if err != nil {
		return nil, err
	}
	view, err := x.g.db.View(ctx)
	if err == nil {
		err = errors.Join(p.Check(ctx, view, prune.Options{Installation: x.s.installation, Repository: x.g.in.Repository, Ledger: x.ledger}), view.Close())
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// options are those of a deed; end is called behind it.
func (x *pruning) options() (o prune.ExecuteOptions, end func() error) {
	views := x.g.db.Views()
	return prune.ExecuteOptions{Repository: x.g.in.Repository, Ledger: x.ledger, Dir: x.dir, Now: x.now, Log: x.log,
		Look: func(ctx context.Context) (prune.Moment, error) { return views.View(ctx) }}, views.Close
}
