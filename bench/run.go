package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"repotool/store"
)

// RunOptions say how to compare.
type RunOptions struct {
	Options                 // the repository
	Dir         string      // an empty directory; what is measured happens below it
	Cache       string      // directory for the caches of restic and borg, best on another file system
	Repotool    string      // path of the program
	Chores      []string    // a command that hands its further arguments to Chore; empty: chores run in this process
	Runs        int         // times that the whole cycle is measured; 0: 5
	Contestants []string    // some of Names; empty: all
	Note        func(Event) // called before each step and after each sample; may be nil
	Now         func() time.Time
}

// Event tells of the progress of Run.
type Event struct {
	Run        int     // from 1
	Contestant string  //
	Step       Step    //
	Sample     *Sample // nil before the step
}

// Run measures every contestant in every step. A step that fails is noted in
// its sample and ends the cycle of that contestant, not the run.
func Run(ctx context.Context, opt RunOptions) (*Report, error) {
	opt.Options = opt.withDefaults()
	if opt.Runs <= 0 {
		opt.Runs = 5
	}
	if len(opt.Contestants) == 0 {
		opt.Contestants = Names
	}
	if opt.Note == nil {
		opt.Note = func(Event) {}
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	all := contestants()
	for _, name := range opt.Contestants {
		if all[name].commands == nil {
			return nil, fmt.Errorf("no contestant %q", name)
		}
	}
	r := &runner{RunOptions: opt, source: filepath.Join(opt.Dir, "source")}
	r.report = newReport(ctx, opt)
	if err := r.chore(ctx, "generate", 0); err != nil {
		return nil, err
	}
	for run := range opt.Runs {
		turn := run % len(opt.Contestants)
		for _, name := range slices.Concat(opt.Contestants[turn:], opt.Contestants[:turn]) {
			if err := r.cycle(ctx, run, name, all[name]); err != nil {
				return r.report, err
			}
		}
	}
	return r.report, nil
}

// Chore does one of the tasks around the measurements: generate, night or undo
// (DIR, files, seed, night). scripts/bench hands it its
// arguments, because memory that a process once used counts as its children's.
func Chore(ctx context.Context, args []string) error {
	if len(args) != 5 {
		return fmt.Errorf("chore %q: not generate|night|undo DIR FILES SEED NIGHT", args)
	}
	files, err1 := strconv.Atoi(args[2])
	seed, err2 := strconv.ParseUint(args[3], 10, 64)
	night, err3 := strconv.Atoi(args[4])
	err := errors.Join(err1, err2, err3)
	if err != nil {
		return fmt.Errorf("chore %q: %w", args, err)
	}
	opt := Options{Files: files, Seed: seed}
	switch args[0] {
	case "generate":
		_, err = Generate(ctx, args[1], opt)
	case "night":
		_, err = Night(ctx, args[1], opt, night)
	case "undo":
		_, err = Undo(ctx, args[1], opt, night)
	default:
		err = fmt.Errorf("no chore %q", args[0])
	}
	return err
}

// runner is the state of Run.
type runner struct {
	RunOptions
	source string
	report *Report
}

// chore does a chore with the source.
func (r *runner) chore(ctx context.Context, what string, night int) error {
	args := []string{what, r.source, strconv.Itoa(r.Files), strconv.FormatUint(r.Seed, 10), strconv.Itoa(night)}
	if len(r.Chores) == 0 {
		return Chore(ctx, args)
	}
	_, err := Command{Args: append(slices.Clone(r.Chores), args...)}.Run(ctx)
	return err
}

// cycle takes one contestant through all steps once and cleans up behind it.
func (r *runner) cycle(ctx context.Context, run int, name string, c contestant) (err error) {
	p := place{
		source: r.source, target: filepath.Join(r.Dir, "target"), restored: filepath.Join(r.Dir, "restored"),
		cache: filepath.Join(r.Cache, "cache"), repotool: r.Repotool,
	}
	work := []string{p.target, p.restored, p.cache}
	for _, dir := range work {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	changed := false
	defer func() {
		for _, dir := range work {
			err = errors.Join(err, store.RemoveTree(context.WithoutCancel(ctx), dir))
		}
		if changed {
			err = errors.Join(err, r.chore(context.WithoutCancel(ctx), "undo", run+1))
		}
	}()
	if c.prepare != nil {
		for _, cmd := range c.prepare(p) {
			if _, err := cmd.Run(ctx); err != nil {
				r.fail(run, name, First, err)
				return ctx.Err()
			}
		}
	}
	for _, step := range Steps {
		if step == Changed {
			if err := r.chore(ctx, "night", run+1); err != nil {
				return err
			}
			changed = true
		}
		commands, err := c.commands(p, step)
		if err != nil {
			r.fail(run, name, step, err)
			return ctx.Err()
		}
		if len(commands) == 0 {
			continue
		}
		r.Note(Event{Run: run + 1, Contestant: name, Step: step})
		s := r.measure(ctx, p, commands)
		r.report.add(name, step, commands, s)
		r.Note(Event{Run: run + 1, Contestant: name, Step: step, Sample: &s})
		if err := ctx.Err(); err != nil || s.Failure != "" {
			return err
		}
		if step == Restore {
			d, err := Compare(ctx, p.source, repositoryIn(p.restored, r.Host))
			if err != nil {
				return err
			}
			r.report.compared(name, d)
			// The space of the restored tree is not the store's.
			if err := store.RemoveTree(ctx, p.restored); err != nil {
				return err
			}
		}
	}
	return nil
}

// fail notes that a step could not even begin.
func (r *runner) fail(run int, name string, step Step, err error) {
	s := Sample{Failure: err.Error()}
	r.report.add(name, step, nil, s)
	r.Note(Event{Run: run + 1, Contestant: name, Step: step})
	r.Note(Event{Run: run + 1, Contestant: name, Step: step, Sample: &s})
}

// measure runs the commands of a step.
func (r *runner) measure(ctx context.Context, p place, commands []Command) Sample {
	var s Sample
	fail := func(err error) Sample { return Sample{Failure: err.Error()} }
	if err := Settle(p.target); err != nil {
		return fail(err)
	}
	before, err := used(p.target)
	if err != nil {
		return fail(err)
	}
	walkedBefore, err := walked(ctx, p.target)
	if err != nil {
		return fail(err)
	}
	for _, cmd := range commands {
		u, err := cmd.Run(ctx)
		if err != nil {
			return fail(err)
		}
		s.Usage = s.Usage.plus(u)
		if len(commands) > 1 {
			s.Parts = append(s.Parts, u)
		}
	}
	start := time.Now()
	if err := Settle(p.target); err != nil {
		return fail(err)
	}
	s.Settle = time.Since(start).Seconds()
	after, err := used(p.target)
	if err != nil {
		return fail(err)
	}
	walkedAfter, err := walked(ctx, p.target)
	if err != nil {
		return fail(err)
	}
	s.Added, s.Walked = after.minus(before), walkedAfter.minus(walkedBefore)
	return s
}
