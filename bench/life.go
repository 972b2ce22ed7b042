package bench

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"

	"repotool/store"
)

// The steps of the life of a backup, in their order.
const (
	Index     Step = "index"
	First     Step = "first snapshot"
	Unchanged Step = "night without change"
	Changed   Step = "night with 1 % new files"
	Restore   Step = "restore of everything"
	Verify    Step = "verify all data"
	Plan      Step = "plan a prune"
	Prune     Step = "prune"
	Undo      Step = "undo of the prune"
	Remove    Step = "remove the oldest day"
	Free      Step = "free what was removed"
	Dedup     Step = "dedup"
)

// LifeSteps lists the steps in their order.
var LifeSteps = []Step{Index, First, Unchanged, Changed, Restore, Verify, Plan, Prune, Undo, Remove, Free, Dedup}

// LifeOptions say what the life of a backup is measured on.
type LifeOptions struct {
	Options           // the repository
	Dir      string   // an empty directory; what is measured happens below it
	Cache    string   // directory for the caches of restic and borg, best on another file system
	Repotool string   // path of the program
	Chores   []string // a command that takes a Chore as its further argument; empty: chores run in this process
	Nights   int      // of each kind; 0: 1
	Database bool     // with a database, in a PostgreSQL that is started for it
	Peers    bool     // measure the other programs, too, if nobody is named
	Targets  bool     // compare with what this project set itself
}

// RunLife measures the life of a backup: snapshots, nights, restore, verification, prune and
// undo, removal. What was measured before an error is returned with it.
func RunLife(ctx context.Context, opt LifeOptions, run RunOptions) (r *Report, err error) {
	var site *Site
	if opt.Database {
		if site, err = NewSite(ctx, opt.Dir, repositoryBelow(opt.Dir)); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, site.Close()) }()
	}
	s := lifeOf(opt, site)
	if len(run.Contestants) == 0 && !opt.Peers {
		run.Contestants = s.own()
	}
	return s.Run(ctx, run)
}

// lifeOf is the suite.
func lifeOf(opt LifeOptions, site *Site) *Suite {
	opt.Options = opt.withDefaults()
	if site != nil {
		opt.Uploads, opt.Rows = true, site.Rows()
	}
	opt.Nights = max(opt.Nights, 1)
	l := &life{LifeOptions: opt, site: site}
	s := &Suite{
		Files: opt.Files, Seed: opt.Seed, Place: placeBelow(opt.Dir, opt.Cache, opt.Repotool),
		Contestants: lifeContestants(site != nil),
		Make:        func(ctx context.Context) error { return l.chore(ctx, "generate", 0) },
		Before:      l.before, After: l.after, End: l.end,
		Back: map[Step]Step{Prune: Undo}, // whoever comes next begins with all files
	}
	s.Place.Site = site
	if opt.Targets {
		s.Outcomes = (*Report).Outcomes
	}
	for _, step := range LifeSteps {
		n := 1
		if step == Unchanged || step == Changed {
			n = opt.Nights
		}
		s.Steps = append(s.Steps, slices.Repeat([]Step{step}, n)...)
	}
	return s
}

// life is what goes on around the steps.
type life struct {
	LifeOptions
	site   *Site
	nights []int // that the source has been through, in this turn
}

func (l *life) chore(ctx context.Context, what string, night int) error {
	return Chore{Do: what, Dir: repositoryBelow(l.Dir), Options: l.Options, Night: night}.in(ctx, l.Chores)
}

// copied is the repository of those who change one for good.
func copied(p Place) string { return filepath.Join(filepath.Dir(p.Root), "copy") }

func (l *life) before(ctx context.Context, t *Turn, s Step) error {
	switch s {
	case First, Unchanged:
		t.Place.Day++
	case Changed:
		t.Place.Day++
		night := (t.Run-1)*l.Nights + len(l.nights) + 1
		l.nights = append(l.nights, night)
		return l.chore(ctx, "night", night)
	case Dedup:
		out, err := exec.CommandContext(ctx, "cp", "-a", t.Place.Repository, copied(t.Place)).CombinedOutput()
		if err != nil {
			return fmt.Errorf("copy the repository: %w: %s", err, out)
		}
	}
	return nil
}

func (l *life) after(ctx context.Context, t *Turn, s Step, sample *Sample) error {
	switch s {
	case Restore:
		return l.restored(ctx, t, sample)
	case Undo: // by repotool itself, every byte of it
		for _, c := range own(t.Place, "verify", "--source", "--sysconf", t.Place.Site.Sysconf) {
			if _, err := c.Run(ctx); err != nil {
				sample.Failure = err.Error()
			}
		}
	}
	return nil
}

// restored compares what came back with the source.
func (l *life) restored(ctx context.Context, t *Turn, sample *Sample) error {
	d, err := Compare(ctx, t.Place.Repository, repositoryIn(t.Place.Restored, l.Host))
	if err != nil {
		return err
	}
	t.Report.compared(t.Contestant.Name, d)
	if !d.Same() { // whoever restores something else is not fast
		sample.Failure = "what was restored is not what was backed up: " + d.String()
	}
	if l.site != nil {
		err = l.site.Drop(ctx, restoredDatabase)
	}
	// The space of the restored tree is not the store's.
	return errors.Join(err, store.RemoveTree(ctx, t.Place.Restored))
}

// end takes back what the turn did to the source.
func (l *life) end(ctx context.Context, t *Turn) error {
	err := store.RemoveTree(ctx, copied(t.Place))
	for _, night := range slices.Backward(l.nights) {
		if undo := l.chore(ctx, "undo", night); undo != nil {
			// A prune that was not undone, perhaps: nobody else may begin with what is left.
			err = errors.Join(err, fmt.Errorf("the installation is not what it was before the turn of %s: %w", t.Contestant.Name, undo))
		}
	}
	l.nights = nil
	return err
}
