package main

import (
	"context"
	"errors"
	"iter"
	"slices"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/prune"
	"repotool/reunpack"
	"repotool/snapshot"
)

// backedUp are the Names of the files that the last good snapshot knows; nil without one.
func (x *pruning) backedUp(ctx context.Context) (iter.Seq2[fossology.Name, error], error) {
	if x.filters.Unbacked {
		return nil, nil
	}
	list, err := snapshot.List(x.g.st, x.s.installation)
	if err != nil {
		return nil, err
	}
	for _, c := range slices.Backward(list) {
		if c.Damage() != "" || !c.Known() {
			continue
		}
		snap, err := findSnapshot(ctx, x.s, x.g.st, c.Name)
		if errors.Is(err, snapshot.ErrDamagedManifest) || errors.Is(err, snapshot.ErrNoSnapshot) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return snap.Names(ctx, "files")
	}
	return nil, &hinted{errors.New("prune: there is no good snapshot: nothing would be backed up that goes"),
		"take one first: repotool snapshot; --without-snapshot does without"}
}

// deed finds a journal by its file, its plan, or as the last one.
func (x *pruning) deed(which string) (*prune.Deed, error) {
	deeds, err := prune.Deeds(x.dir)
	if err != nil {
		return nil, err
	}
	return findRun("prune", which, deeds, pruneRun, prune.ReadDeed)
}

// resume goes on with a run that was interrupted.
func (x *pruning) resume(ctx context.Context, which string) error {
	d, err := x.deed(which)
	if err != nil {
		return err
	}
	if err := notEnded("prune", &d.Run); err != nil {
		return err
	}
	o, end := x.options()
	defer end()
	defer x.shown(x.s, "remove files", prune.Sum{}, &o.Progress)()
	r, err := prune.Resume(ctx, d, "", o)
	return x.reportDeed(r, err)
}

// undoneAtOnce is how many files are brought back together: their Names are in memory.
const undoneAtOnce = 200_000

// undo brings back what a run removed.
func (x *pruning) undo(ctx context.Context, which string) error {
	lock, err := x.g.st.Lock(ctx, "reunpack-"+x.s.installation, commandLine(), x.now())
	if err != nil {
		return err
	}
	defer lock.Unlock()
	d, err := x.deed(which)
	if err != nil {
		return err
	}
	total := undoResult{Plan: d.Plan, Journal: d.Journal, Removed: d.Report.Removed, Lost: reunpack.Losses{Reasons: map[goldindex.Reason]reunpack.Sum{}}}
	var names []fossology.Name
	for batch, err := range prune.Removed(d.Journal) {
		if err != nil {
			return err
		}
		if names = append(names, batch...); len(names) >= undoneAtOnce {
			if err := x.bringBack(ctx, names, &total); err != nil {
				return err
			}
			names = names[:0]
		}
	}
	if err := x.bringBack(ctx, names, &total); err != nil {
		return err
	}
	back := prune.Sum{Files: total.Back.Files + total.There.Files, Bytes: total.Back.Bytes + total.There.Bytes}
	if err := d.MarkUndone(back, total.Lost.Files(), x.now); err != nil {
		return err
	}
	return x.reportUndo(&total)
}

// bringBack brings some contents back.
func (x *pruning) bringBack(ctx context.Context, names []fossology.Name, total *undoResult) error {
	slices.SortFunc(names, fossology.Name.Compare)
	view, err := x.g.db.View(ctx)
	if err != nil {
		return err
	}
	plan, err := reunpack.Some(ctx, reunpack.Source{Repository: x.g.in.Repository, Ledger: x.ledger}, view, usesOfNames(names), reunpack.PlanOptions{})
	if err = errors.Join(err, view.Close()); err != nil {
		return err
	}
	defer plan.Close()
	r, err := x.rebuild(x.c, x.s, x.g, plan)
	if err != nil {
		return err
	}
	total.add(r)
	return nil
}

// usesOfNames has the Names looked for whose upload nobody asks about.
func usesOfNames(names []fossology.Name) iter.Seq2[fossology.Use, error] {
	return func(yield func(fossology.Use, error) bool) {
		for _, n := range names {
			if !yield(fossology.Use{Name: n}, nil) {
				return
			}
		}
	}
}
