package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dustin/go-humanize"

	"repotool/store"
)

// Step is a part of what a suite measures.
type Step string

// A Contestant knows how some steps are done.
type Contestant struct {
	Name    string
	Version []string // the command that says its version; nil: that of repotool
	Steps   []Step   // that it does, in the order of the suite
	Once    bool     // it is slow: only in the first run

	Prepare  func(p Place) []Command // not measured; may be nil
	Commands func(p Place, s Step) ([]Command, error)
}

// Place is where a contestant works. Target is an empty directory at first, and stays for
// its turn; Restored is one before each step.
type Place struct {
	Root       string // what is backed up: the repository, and a dump of the database
	Repository string
	Target     string
	Restored   string
	Cache      string // on another file system, perhaps
	Repotool   string // the program
	Site       *Site  // nil: there is no database
	Day        int    // how many snapshots there are, this one included
}

// A Suite is something to measure: steps, and those who do them. The hooks around steps
// are not measured, and may be nil.
type Suite struct {
	Steps       []Step // in the order of a turn; one may stand there several times
	Contestants []Contestant
	Files       int           // there are, for rates and tables
	Bytes       int64         // that are read, for rates; 0: none are told
	Back        map[Step]Step // what takes a step back, and is done behind it in any case
	Seed        uint64        // told in the report
	Place       Place         // for all turns, but for Day

	Make     func(ctx context.Context) error // before everything
	Before   func(ctx context.Context, t *Turn, s Step) error
	After    func(ctx context.Context, t *Turn, s Step, sample *Sample) error
	End      func(ctx context.Context, t *Turn) error
	Outcomes func(r *Report) []Outcome
}

// A Turn is one contestant's way through all steps.
type Turn struct {
	Run        int // from 1
	Contestant *Contestant
	Place      Place
	Report     *Report
}

// RunOptions say how to measure.
type RunOptions struct {
	Runs        int         // times that everything is measured; 0: 5
	Contestants []string    // by their names; empty: all of the suite
	Only        []Step      // the steps that are measured; empty: all. What they build on is done all the same
	Cold        bool        // drop the system's caches before each step, which only root may do
	Note        func(Event) // called before each step, after each sample, and before what takes long between; may be nil
	Now         func() time.Time
}

// Event tells of the progress of Run.
type Event struct {
	Run, Runs  int // from 1
	Contestant string
	Step       Step
	Sample     *Sample // nil before the step
	Aside      string  // work around the steps that now begins, in words; then there is no step
}

// Run has the contestants of a suite take turns, in an order that rotates from run to run.
// A step that fails is noted in its sample and ends the turn of that contestant, not the
// run. What was measured before an error is returned with it.
func (s *Suite) Run(ctx context.Context, opt RunOptions) (*Report, error) {
	if opt.Runs <= 0 {
		opt.Runs = 5
	}
	if opt.Note == nil {
		opt.Note = func(Event) {}
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	chosen, err := s.choose(opt)
	if err != nil {
		return nil, err
	}
	r := &runner{Suite: s, opt: opt}
	r.report = newReport(ctx, s, chosen, opt)
	if s.Make != nil {
		opt.Note(Event{Runs: opt.Runs, Aside: "make " + humanize.Comma(int64(s.Files)) + " files"})
		if err := s.Make(ctx); err != nil {
			return r.report, err
		}
	}
	for run := range opt.Runs {
		turn := run % len(chosen)
		for _, c := range slices.Concat(chosen[turn:], chosen[:turn]) {
			if c.Once && run > 0 {
				continue
			}
			if err := r.turn(ctx, run+1, &c); err != nil {
				return r.report, err
			}
		}
	}
	return r.report, nil
}

// ErrNobody means that none of the contestants does one of the steps.
var ErrNobody = errors.New("nobody is left to be measured: none of the contestants does such a step")

// choose returns the contestants that have a step to be measured.
func (s *Suite) choose(opt RunOptions) (chosen []Contestant, err error) {
	for _, name := range opt.Contestants {
		if !slices.ContainsFunc(s.Contestants, func(c Contestant) bool { return c.Name == name }) {
			return nil, fmt.Errorf("nobody here is called %q", name)
		}
	}
	for _, c := range s.Contestants {
		wanted := len(opt.Contestants) == 0 || slices.Contains(opt.Contestants, c.Name)
		if wanted && slices.ContainsFunc(c.Steps, opt.measured) {
			chosen = append(chosen, c)
		}
	}
	if len(chosen) == 0 {
		return nil, ErrNobody
	}
	return chosen, nil
}

// own are the contestants that are repotool.
func (s *Suite) own() (names []string) {
	for _, c := range s.Contestants {
		if c.Version == nil {
			names = append(names, c.Name)
		}
	}
	return names
}

// measured says whether a step is one to be measured.
func (o *RunOptions) measured(s Step) bool { return len(o.Only) == 0 || slices.Contains(o.Only, s) }

// runner is the state of Run.
type runner struct {
	*Suite
	opt    RunOptions
	report *Report
}

// turn takes a contestant through all steps once and cleans up behind it.
func (r *runner) turn(ctx context.Context, run int, c *Contestant) (err error) {
	t := &Turn{Run: run, Contestant: c, Place: r.Place, Report: r.report}
	work := []string{t.Place.Target, t.Place.Restored, t.Place.Cache}
	for _, dir := range work {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	defer func() {
		r.opt.Note(Event{Run: run, Runs: r.opt.Runs, Contestant: c.Name, Aside: "remove what it wrote"})
		for _, dir := range work {
			err = errors.Join(err, store.RemoveTree(context.WithoutCancel(ctx), dir))
		}
		if r.End != nil {
			err = errors.Join(err, r.End(context.WithoutCancel(ctx), t))
		}
	}()
	steps := r.stepsOf(c)
	if c.Prepare != nil {
		for _, cmd := range c.Prepare(t.Place) {
			if _, err := cmd.Run(ctx); err != nil {
				r.fail(t, steps[0], err)
				return ctx.Err()
			}
		}
	}
	for _, step := range steps {
		if ok, err := r.step(ctx, t, step); !ok || err != nil {
			return err
		}
	}
	return nil
}

// stepsOf returns those up to the last that is measured.
func (r *runner) stepsOf(c *Contestant) (steps []Step) {
	last := 0
	for _, s := range r.Steps {
		if !slices.Contains(c.Steps, s) {
			continue
		}
		if steps = append(steps, s); r.opt.measured(s) {
			last = len(steps)
		}
	}
	if last < len(steps) && r.Back[steps[last-1]] == steps[last] {
		last++
	}
	return steps[:last]
}

// step does one, and says whether the turn goes on.
func (r *runner) step(ctx context.Context, t *Turn, step Step) (bool, error) {
	if r.Before != nil {
		if err := r.Before(ctx, t, step); err != nil {
			return false, fmt.Errorf("prepare %s of %s: %w", step, t.Contestant.Name, err)
		}
	}
	commands, err := t.Contestant.Commands(t.Place, step)
	if err != nil {
		r.fail(t, step, err)
		return false, ctx.Err()
	}
	r.note(t, step, nil)
	s := r.measure(ctx, t.Place.Target, commands)
	if r.After != nil && s.Failure == "" {
		if err := r.After(ctx, t, step, &s); err != nil {
			return false, fmt.Errorf("after %s of %s: %w", step, t.Contestant.Name, err)
		}
	}
	if r.opt.measured(step) || s.Failure != "" {
		r.report.add(t.Contestant.Name, step, commands, s)
	}
	r.note(t, step, &s)
	return s.Failure == "", ctx.Err()
}

// note tells of a step, before it and after it.
func (r *runner) note(t *Turn, step Step, s *Sample) {
	r.opt.Note(Event{Run: t.Run, Runs: r.opt.Runs, Contestant: t.Contestant.Name, Step: step, Sample: s})
}

// fail notes that a step could not even begin.
func (r *runner) fail(t *Turn, step Step, err error) {
	s := Sample{Failure: err.Error()}
	r.report.add(t.Contestant.Name, step, nil, s)
	r.note(t, step, nil)
	r.note(t, step, &s)
}

// repositoryBelow is the repository that is backed up, below the directory of a measurement.
func repositoryBelow(dir string) string { return filepath.Join(dir, "source", "repository") }

// placeBelow is where contestants work there.
func placeBelow(dir, cache, repotool string) Place {
	repository := repositoryBelow(dir)
	return Place{Root: filepath.Dir(repository), Repository: repository,
		Target: filepath.Join(dir, "target"), Restored: filepath.Join(dir, "restored"), Cache: filepath.Join(cache, "cache"), Repotool: repotool}
}
