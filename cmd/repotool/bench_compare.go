package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"repotool/bench"
)

// contestantFlags say who is measured, and how often.
func contestantFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "runs", Value: 5, Usage: "go through all of it `N` times (default 5)"},
		&cli.StringSliceFlag{Name: "contestant", Usage: "measure only `NAME` (repeatable): " + strings.Join(bench.Names, "; ")},
		&cli.BoolFlag{Name: "gobench", Usage: "print every sample in the format of Go's benchmarks"},
	}
}

func (t *tool) benchCompareCommand() *cli.Command {
	return documented(&cli.Command{
		Name:      "compare",
		HelpName:  "bench compare",
		Usage:     "measure repotool beside rsync, restic and borg",
		ArgsUsage: "DIR",
		Description: `
Takes repotool, rsync, restic and borg through a first snapshot, a night without
change, a night with 1 % of new files, a restore of everything, a check of all
data and the removal of a day, on a repository made in the empty directory DIR.
They take turns, and what they restored is compared with the source. Programs
that are not installed fail in their steps only.

The answer is a report with tables in Markdown: wall and processor seconds,
memory, bytes and inodes added, medians and ratios, and every command. With
--json, it holds every sample; with --gobench it is every sample in the format
of Go's benchmarks, which benchstat reads.`,
		Flags: append(repositoryFlags(),
			contestantFlags()...),
		Action: t.benchCompare,
	}, `
repotool bench compare --files 10000 --runs 3 /mnt/test
repotool bench compare --contestant restic --contestant borg /mnt/test`,
		exitFailed, exitInterrupted)
}

func (t *tool) benchCompare(c *cli.Context) error {
	dir, o, err := benchPlace(c)
	if err != nil {
		return err
	}
	return t.measured(c, dir, o, func(o bench.RunOptions) error {
		r, err := bench.Run(c.Context, o)
		switch {
		case r == nil:
			return err
		case c.Bool("json"): // what was measured before an error is worth having, too
			return errors.Join(t.answer(r), err)
		case c.Bool("gobench"):
			return errors.Join(r.GoBench(t.stdout), err)
		}
		return errors.Join(r.Markdown(t.stdout), err)
	})
}

func (t *tool) benchScaleCommand() *cli.Command {
	return documented(&cli.Command{
		Name:      "scale",
		HelpName:  "bench scale",
		Usage:     "measure what more files cost",
		ArgsUsage: "DIR",
		Description: `
Takes repotool, and with --contestant others, through the days of bench compare,
on repositories of several numbers of files, in the empty directory DIR. For
each step it prints seconds, microseconds a file and memory at each, and the
exponent that was fitted: with n^1.00 ten times the files take ten times as
long. Memory is not to grow at all.

1,000,000 files take some 60 GB of disk, and half an hour a run.

With --manifest-only there are no files at all, but manifests of as many: what
it costs to write one, to read it, to find a file in it, to merge it with the
next night and compare the two, and what gc does to know which objects are used.
10,000,000 files then take 2 GB of disk, and some minutes.`,
		Flags: append([]cli.Flag{
			&cli.IntSliceFlag{Name: "files", Usage: "measure with `N` files (repeatable; default 10000, 100000)"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "the same `NUMBER` makes the same repositories (default 1)"},
			&cli.BoolFlag{Name: "manifest-only", Usage: "measure manifests without their files"},
		}, contestantFlags()...),
		Action: t.benchScale,
	}, `
repotool bench scale /mnt/test
repotool bench scale --manifest-only --runs 1 /mnt/test
repotool bench scale --files 10000 --files 1000000 --runs 1 /mnt/test`,
		exitFailed, exitInterrupted)
}

func (t *tool) benchScale(c *cli.Context) error {
	scale, err := scalingOf(c)
	if err != nil {
		return err
	}
	dir, err := benchDir(c)
	if err != nil {
		return err
	}
	return t.measured(c, dir, bench.Options{Seed: c.Uint64("seed")}, func(o bench.RunOptions) error {
		if !c.IsSet("contestant") {
			o.Contestants = []string{bench.Flat}
		}
		s, err := scale.measure(c.Context, o, scale.sizes)
		switch {
		case c.Bool("json"):
			return errors.Join(t.answer(s), err)
		case c.Bool("gobench"):
			return errors.Join(s.GoBench(t.stdout), err)
		}
		return errors.Join(s.Markdown(t.stdout), err)
	})
}

// measured measures in an empty directory.
func (t *tool) measured(c *cli.Context, dir string, o bench.Options, run func(bench.RunOptions) error) error {
	for _, name := range c.StringSlice("contestant") {
		if !slices.Contains(bench.Names, name) {
			return oneOf("--contestant", name, bench.Names...)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil { // contestants run elsewhere
		return fmt.Errorf("find %s: %w", c.Args().First(), err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		return errors.Join(err, usagef("bench %s: %s is not empty", c.Command.Name, dir))
	}
	cache, err := os.MkdirTemp("", "repotool-bench-")
	if err != nil {
		return fmt.Errorf("make cache: %w", err)
	}
	defer os.RemoveAll(cache)
	return run(bench.RunOptions{
		Options:     o,
		Dir:         dir,
		Cache:       cache,
		Repotool:    self,
		Chores:      []string{self, "bench", "chore"},
		Runs:        c.Int("runs"),
		Contestants: c.StringSlice("contestant"),
		Now:         t.now,
		Note: func(e bench.Event) {
			if e.Sample == nil && t.terminal && !c.Bool("quiet") {
				fmt.Fprintf(t.stderr, "run %d: %s: %s\n", e.Run, e.Contestant, e.Step)
			}
		},
	})
}
