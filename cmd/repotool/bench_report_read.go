package main

import (
	"context"
	"iter"

	"github.com/dustin/go-humanize"

	"repotool/bench"
	"repotool/snapshot"
	"repotool/store"
)

// read looks at the installation.
func (r *sizing) read(ctx context.Context, t *tool, s settings, g gold, assume []string, check, zeros bool) (err error) {
	if r.Survey, err = t.survey(ctx, s, g, zeros); err != nil {
		return err
	}
	if r.history, err = snapshot.List(g.st, s.installation); err != nil {
		return err
	}
	r.History, r.Present = bench.History(r.history), presentChoice(r.history)
	back, err := restores(g.st, s.installation)
	if err != nil {
		return err
	}
	if err := r.forecast(s, assume, back); err != nil || !check {
		return err
	}
	return r.check(ctx, g.st, s, assume, back)
}

// forecast makes the choices of what was assumed and what restores have measured.
func (r *sizing) forecast(s settings, assume []string, back []bench.Restored) (err error) {
	if r.Assumptions, err = r.assume(s, assume); err != nil {
		return err
	}
	r.Assumptions.LearnRestores(r.Survey, back)
	r.Choices, r.Prunings = bench.Forecast(r.Survey, &r.Assumptions), bench.Prunings(r.Survey, &r.Assumptions)
	if err := bench.Shown(r.Choices); err != nil && len(assume)+len(r.Survey.ByHand) > 0 {
		return &usageError{err: err}
	}
	r.Advice = bench.Advice(r.Survey, r.Choices, r.Present)
	return nil
}

// assume is what is taken for granted before any restore.
func (r *sizing) assume(s settings, assume []string) (bench.Assumptions, error) {
	a := bench.Assume(r.Survey, r.history, s.retention)
	a.Cycles(s.cycle, s.keepCycles)
	for _, x := range assume {
		if err := a.Set(x, humanize.ParseBytes); err != nil {
			return a, &usageError{err: err}
		}
	}
	return a, nil
}

// survey looks at what is there.
func (t *tool) survey(ctx context.Context, s settings, g gold, zeros bool) (*bench.Survey, error) {
	ledger, err := g.ledger(ctx, s)
	if err != nil {
		return nil, err
	}
	defer ledger.Close()
	view, err := g.db.View(ctx)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	var entries iter.Seq2[snapshot.Entry, error]
	st := g.st
	if snap, err := findSnapshot(ctx, s, g.st, "latest"); err == nil {
		entries, st = snap.Entries(ctx, ""), snap.Store
	}
	progress := new(snapshot.Progress)
	progress.Begin("look at files", 0, 0)
	stop := t.watch(s, progress)
	defer stop()
	lies, err := bench.LedgerBytes(ctx, g.st.Path("ledger", s.installation))
	if err != nil {
		return nil, err
	}
	survey, err := bench.MakeSurvey(ctx, view, bench.SurveyOptions{Repository: g.in.Repository, Ledger: ledger, Now: t.now,
		Stored: func(object store.Hash) (int64, bool) { // one that is lost is known less exactly
			info, err := st.Stat(object)
			return info.Disk, err == nil
		},
		Zeros:    zeros,
		Entries:  entries,
		Progress: func(files, bytes int64) { progress.Files.Add(files); progress.Bytes.Add(bytes) }})
	if err != nil {
		return nil, mendLedger(err)
	}
	survey.Ledger = lies
	return survey, nil
}

// presentChoice is the one by which the last snapshot was taken.
func presentChoice(history []*snapshot.Summary) string {
	for i := len(history) - 1; i >= 0; i-- {
		if x := history[i]; x.Known() {
			c := bench.Choice{Strategy: x.Strategy, Scheme: "linked", Days: string(x.Layout)}
			if x.Scheme == snapshot.SchemeRotating {
				c.Scheme = "rotating"
			}
			return c.Name()
		}
	}
	return ""
}

// check compares the forecasts with what then was.
func (r *sizing) check(ctx context.Context, st *store.Store, s settings, assume []string, back []bench.Restored) error {
	bytes, err := bench.StoreBytes(ctx, st.Path())
	if err != nil {
		return err
	}
	present := r.choice(r.Present)
	for _, x := range r.history { // what one full snapshot has brought is there
		if present != nil && x.Strategy == "full" && present.Scheme == "linked" {
			c := *present
			c.Strategy = "full"
			present = r.choice(c.Name())
		}
	}
	if present != nil && present.Strategy == "gold" {
		bytes += r.Survey.Ledger // which it needs
	}
	all, err := snapshot.Installations(st)
	if err != nil {
		return err
	}
	if len(all) > 1 { // they share objects: what each takes is not known
		bytes = -1
	}
	before, err := r.assume(s, assume)
	if err != nil {
		return err
	}
	r.Checked = bench.Check(r.Survey, &before, present, r.history, back, bytes)
	return nil
}

// choice finds one by its name.
func (r *sizing) choice(name string) *bench.Choice {
	for i := range r.Choices {
		if r.Choices[i].Name() == name {
			return &r.Choices[i]
		}
	}
	return nil
}
