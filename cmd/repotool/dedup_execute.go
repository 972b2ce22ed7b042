package main

import (
	"context"
	"errors"
	"time"

	"repotool/prune"
)

// execute carries out a plan: that of a file, or a new one.
func (x *deduping) execute(ctx context.Context) error {
	runs, err := prune.DedupRuns(x.dir)
	if err != nil {
		return err
	}
	if err := noneInterrupted("dedup", runs, dedupRun); err != nil {
		return err
	}
	var p *prune.DedupPlan
	if name := x.c.String("plan"); name != "" {
		if p, err = x.readPlan(name); err != nil {
			return err
		}
	} else if p, err = x.make(ctx); err != nil {
		return err
	}
	defer p.Close()
	if err := keepPlan(x.c, p.Write); err != nil {
		return err
	}
	if p.Same.Files == 0 {
		return x.reportPlan(p)
	}
	return x.whileStill(x.c, x.s, x.in, nil, func() error {
		o := x.options()
		defer x.shown(x.s, "share bytes", p.Same, &o.Progress)()
		r, err := p.Execute(ctx, o)
		if err = x.reportRun(r, err); err == nil {
			err = x.troubles(p.Troubles)
		}
		return err
	})
}

func dedupRun(d *prune.DedupRun) *prune.Run { return &d.Run }

func (x *deduping) readPlan(name string) (*prune.DedupPlan, error) {
	f, err := openPlan(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := prune.ReadDedupPlan(f, "")
	if err != nil {
		return nil, err
	}
	if err := p.Check(x.s.installation, x.in.Repository.Path); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (x *deduping) options() prune.DedupExecuteOptions {
	return prune.DedupExecuteOptions{Dir: x.dir, Now: x.now}
}

// find finds a run by its journal, its plan, or as the last one.
func (x *deduping) find(which string) (*prune.DedupRun, error) {
	runs, err := prune.DedupRuns(x.dir)
	if err != nil {
		return nil, err
	}
	return findRun("dedup", which, runs, dedupRun, prune.ReadDedupRun)
}

// resume goes on with a run that was interrupted.
func (x *deduping) resume(ctx context.Context, which string) error {
	d, err := x.find(which)
	if err != nil {
		return err
	}
	if err := notEnded("dedup", &d.Run); err != nil {
		return err
	}
	return x.whileStill(x.c, x.s, x.in, nil, func() error {
		o := x.options()
		defer x.shown(x.s, "share bytes", prune.Sum{}, &o.Progress)()
		r, err := prune.ResumeDedup(ctx, d, "", o)
		return x.reportRun(r, err)
	})
}

// undo gives files their own bytes again.
func (x *deduping) undo(ctx context.Context, which string) error {
	d, err := x.find(which)
	if err != nil {
		return err
	}
	start := x.now()
	o := prune.DedupUndoOptions{Repository: x.in.Repository.Path}
	stop := x.shown(x.s, "copy", d.Report.Same, &o.Progress)
	u, err := d.Undo(ctx, o)
	stop()
	if err != nil {
		return err
	}
	if err := d.MarkUndone(u.Back, x.now); err != nil {
		return err
	}
	return x.reportUndo(u, x.now().Sub(start).Round(time.Millisecond))
}
