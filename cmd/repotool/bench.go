package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"repotool/bench"
	"repotool/store"
)

func (t *tool) benchCommand() *cli.Command {
	c := documented(&cli.Command{
		Name:      "bench",
		Usage:     "measure, compare, and say what a backup costs",
		ArgsUsage: "report|repo|scale|unpack|iso",
		Description: `
bench report says what an installation holds, and what each way to back it up
costs. bench unpack and bench iso measure what archives unpack to, and how fast.

bench repo makes an installation of FOSSology's shape, as large as you like, and
measures the life of a backup of it, with --peers beside rsync, restic, borg and
others; bench scale does so with several numbers of files. None of them touches
an installation or a store of yours.`,
		Action: func(*cli.Context) error {
			return &usageError{err: errNoCommand, hint: "write repotool bench report, or repotool bench repo DIR"}
		},
	}, `
repotool bench report --html cost.html
repotool bench unpack Fedora-11-source-DVD.iso
repotool bench repo --files 10000 --peers /mnt/test`,
		exitFailed, exitInterrupted)
	c.Subcommands = []*cli.Command{t.benchReportCommand(), t.benchRepoCommand(), t.benchScaleCommand(), t.benchUnpackCommand(), t.benchISOCommand(),
		t.benchChoreCommand(), t.benchUnpackOneCommand()}
	return c
}

// measuringFlags say who is measured, how often, and how that is told.
func measuringFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "runs", Value: 1, Usage: "go through all of it `N` times, and print medians (default 1)"},
		&cli.IntFlag{Name: "nights", Value: 1, Usage: "let `N` nights of each kind pass in a run (default 1)"},
		&cli.BoolFlag{Name: "peers", Usage: "measure the other programs, too"},
		&cli.StringSliceFlag{Name: "contestant", Usage: "measure only `NAME` (repeatable): " + strings.Join(bench.LifeNames(), "; ")},
		&cli.StringSliceFlag{Name: "step", Usage: "measure only the step `NAME` (repeatable): " + strings.Join(stepNames(), "; ")},
		&cli.BoolFlag{Name: "no-database", Usage: "a repository alone, of gold that unpacks to nothing, and without the steps that take a database"},
		&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "the same `NUMBER` makes the same repository (default 1)"},
		&cli.IntFlag{Name: "median", Value: 3 << 10, Usage: "half of the files are smaller than so many `BYTES` (default 3072, as on real servers)"},
		&cli.BoolFlag{Name: "cold", Usage: "drop the system's caches before each step, as root"},
		&cli.BoolFlag{Name: "gobench", Usage: "print every sample in the format of Go's benchmarks, for benchstat"},
	}
}

func stepNames() (names []string) {
	for _, s := range bench.LifeSteps {
		names = append(names, string(s))
	}
	return names
}

// runOptions reads those flags.
func (t *tool) runOptions(c *cli.Context) (bench.RunOptions, error) {
	o := bench.RunOptions{Runs: c.Int("runs"), Cold: c.Bool("cold"), Contestants: c.StringSlice("contestant"), Now: t.now}
	for _, flag := range []string{"runs", "nights", "median"} {
		if n := c.Int(flag); n < 1 {
			return o, usagef("--%s %d: expected a number above 0", flag, n)
		}
	}
	for _, name := range o.Contestants {
		if err := oneOf("--contestant", name, bench.LifeNames()...); err != nil {
			return o, err
		}
	}
	for _, name := range c.StringSlice("step") {
		if err := oneOf("--step", name, stepNames()...); err != nil {
			return o, err
		}
		o.Only = append(o.Only, bench.Step(name))
	}
	if o.Cold {
		f, err := os.OpenFile("/proc/sys/vm/drop_caches", os.O_WRONLY, 0)
		if err != nil {
			return o, &usageError{err: fmt.Errorf("--cold: drop the system's caches: %w", err), hint: "run it as root, or without --cold"}
		}
		f.Close()
	}
	if !c.Bool("quiet") {
		o.Note = t.noteStep
	}
	return o, nil
}

// noteStep tells of a step: on a terminal when it begins, and of all when they end.
func (t *tool) noteStep(e bench.Event) {
	who := fmt.Sprintf("%d/%d  %s: %s", e.Run, e.Runs, e.Contestant, e.Step)
	switch {
	case e.Aside != "" && e.Contestant == "":
		fmt.Fprintf(t.stderr, "%s\n", e.Aside)
	case e.Aside != "":
		fmt.Fprintf(t.stderr, "%d/%d  %s: %s\n", e.Run, e.Runs, e.Contestant, e.Aside)
	case e.Sample == nil && t.terminal:
		fmt.Fprintf(t.stderr, "%-60s …\r", who)
	case e.Sample == nil:
	case e.Sample.Failure != "":
		fmt.Fprintf(t.stderr, "%-60s failed: %s\n", who, e.Sample.Failure)
	default:
		fmt.Fprintf(t.stderr, "%-60s %8.2f s %8.2f CPU s %8s\n", who, e.Sample.Wall, e.Sample.CPU, amount(e.Sample.RSS))
	}
}

// measured measures in an empty directory, which is as empty afterwards.
func (t *tool) measured(c *cli.Context, measure func(bench.LifeOptions) error) error {
	dir, unlock, err := benchPlace(c)
	if err != nil {
		return err
	}
	defer unlock()
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}
	cache, err := os.MkdirTemp("", "repotool-bench-")
	if err != nil {
		return fmt.Errorf("make cache: %w", err)
	}
	defer os.RemoveAll(cache)
	err = measure(bench.LifeOptions{
		Options: bench.Options{Seed: c.Uint64("seed"), Median: c.Int("median")}, Dir: dir, Cache: cache, Repotool: self, Chores: []string{self, "bench", "chore"},
		Nights: c.Int("nights"), Database: !c.Bool("no-database"), Peers: c.Bool("peers"),
	})
	if errors.Is(err, bench.ErrNobody) {
		err = &usageError{err: err, hint: "see repotool bench " + c.Command.Name + " --help"}
	}
	return errors.Join(err, emptied(context.WithoutCancel(c.Context), dir))
}

// benchPlace makes and locks the directory of a measurement. It is nobody's store, and no
// other run is at work there.
func benchPlace(c *cli.Context) (dir string, unlock func() error, err error) {
	if dir, err = benchDir(c); err != nil {
		return "", nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil { // contestants run elsewhere
		return "", nil, fmt.Errorf("find %s: %w", c.Args().First(), err)
	}
	if err := nobodys(dir); err != nil {
		return "", nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, fmt.Errorf("make directory: %w", err)
	}
	f, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return "", nil, errors.Join(f.Close(), usagef("bench %s: another bench is at work in %s", c.Command.Name, dir))
	}
	left, err := os.ReadDir(dir)
	if err == nil && len(left) > 0 {
		e := usagef("bench %s: %s is not empty", c.Command.Name, dir)
		if slices.ContainsFunc(left, func(e os.DirEntry) bool { return e.Name() == "source" }) {
			e.hint = "if that is what a bench left that was killed, remove it: rm -r " + filepath.Join(dir, "*")
		}
		err = e
	}
	if err != nil {
		return "", nil, errors.Join(err, f.Close())
	}
	return dir, f.Close, nil
}

// nobodys says that a directory is not below a store or a repository.
func nobodys(dir string) error {
	for at := dir; ; at = filepath.Dir(at) {
		for _, sign := range []string{"store.json", "localhost/gold"} {
			if _, err := os.Lstat(filepath.Join(at, sign)); err == nil {
				return usagef("%s lies in %s, which has %s: a bench needs a directory apart from stores and repositories", dir, at, sign)
			}
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

// emptied empties a directory that only a measurement has written to.
func emptied(ctx context.Context, dir string) error {
	left, err := os.ReadDir(dir)
	for _, e := range left {
		err = errors.Join(err, store.RemoveTree(ctx, filepath.Join(dir, e.Name())))
	}
	return err
}

// benchDir is the directory that a benchmark works in.
func benchDir(c *cli.Context) (string, error) {
	switch {
	case c.NArg() == 0:
		return "", &usageError{err: fmt.Errorf("bench %s: DIR is not given", c.Command.Name), hint: "write repotool bench " + c.Command.Name + " DIR"}
	case c.NArg() > 1:
		return "", tooMany(c, 1)
	}
	return c.Args().First(), nil
}

// benchChoreCommand does the work around the measurements in a process of its
// own, so that its memory is not counted as a contestant's.
func (t *tool) benchChoreCommand() *cli.Command {
	return &cli.Command{
		Name:            "chore",
		Hidden:          true,
		SkipFlagParsing: true,
		Action:          func(c *cli.Context) error { return bench.RunChore(c.Context, c.Args().First()) },
	}
}
