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

func (t *tool) benchCommand() *cli.Command {
	c := documented(&cli.Command{
		Name:      "bench",
		Usage:     "make test repositories, compare with other programs",
		ArgsUsage: "repo|compare",
		Description: `
bench repo makes a repository of FOSSology's shape: true names, sizes as
measured on real servers, as many files as you like. bench compare takes
repotool, rsync, restic and borg through the same days side by side, and prints
what each step cost. Neither touches an installation or a store of yours.`,
		Action: func(*cli.Context) error {
			return &usageError{err: errNoCommand, hint: "write repotool bench repo DIR, or repotool bench compare DIR"}
		},
	}, `
repotool bench repo --files 100000 /mnt/test/repository
repotool bench compare --files 10000 /mnt/test`,
		exitFailed, exitInterrupted)
	c.Subcommands = []*cli.Command{t.benchRepoCommand(), t.benchCompareCommand(), t.benchUnpackCommand(), t.benchISOCommand(), t.benchReportCommand(), t.benchChoreCommand()}
	return c
}

// repositoryFlags say what a generated repository is like.
func repositoryFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "files", Value: 100_000, Usage: "make `N` files (default 100000)"},
		&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "the same `NUMBER` makes the same repository (default 1)"},
	}
}

func (t *tool) benchRepoCommand() *cli.Command {
	return documented(&cli.Command{
		Name:      "repo",
		HelpName:  "bench repo",
		Usage:     "make a repository of FOSSology's shape",
		ArgsUsage: "DIR",
		Description: `
Makes a repository in DIR, which must not hold one. With --night N, changes a
repository that was made with the same --files and --seed as one day of work
does: 1 % more files, 0.2 % fewer of the old ones.`,
		Flags: append(repositoryFlags(),
			&cli.IntFlag{Name: "night", Usage: "change the repository in DIR as night `N` does, from 1"}),
		Action: t.benchRepo,
	}, `
repotool bench repo --files 100000 /mnt/test/repository
repotool bench repo --files 100000 --night 1 /mnt/test/repository`,
		exitFailed, exitInterrupted)
}

func (t *tool) benchRepo(c *cli.Context) error {
	dir, o, err := benchPlace(c)
	if err != nil {
		return err
	}
	var facts bench.Facts
	if n := c.Int("night"); n > 0 {
		facts, err = bench.Night(c.Context, dir, o, n)
	} else {
		facts, err = bench.Generate(c.Context, dir, o)
	}
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return t.answer(facts)
	}
	if !c.Bool("quiet") {
		fmt.Fprintf(t.stdout, "made %s and %s of gold (%s) in %s, removed %s\n", plural(facts.Files, "file", "files"),
			count(facts.Gold), size(facts.Bytes), dir, count(facts.Removed))
	}
	return nil
}

// benchPlace reads the directory and the shape of the repository.
func benchPlace(c *cli.Context) (string, bench.Options, error) {
	o := bench.Options{Files: c.Int("files"), Seed: c.Uint64("seed")}
	switch {
	case c.NArg() == 0:
		return "", o, &usageError{err: fmt.Errorf("bench %s: DIR is not given", c.Command.Name), hint: "write repotool bench " + c.Command.Name + " DIR"}
	case c.NArg() > 1:
		return "", o, tooMany(c, 1)
	case o.Files < 1:
		return "", o, usagef("--files %d: expected a number above 0", o.Files)
	case c.Int("night") < 0:
		return "", o, usagef("--night %d: expected a number above 0", c.Int("night"))
	}
	return c.Args().First(), o, nil
}

func (t *tool) benchCompareCommand() *cli.Command {
	return documented(&cli.Command{
		Name:      "compare",
		HelpName:  "bench compare",
		Usage:     "measure repotool beside rsync, restic and borg",
		ArgsUsage: "DIR",
		Description: `
Takes repotool, rsync, restic and borg through a first snapshot, a night
without change, a night with 1 % of new files, a restore of everything, a check
of all data and the removal of a day, on a repository made in the empty
directory DIR. They take turns, and what they restored is compared with the
source. Programs that are not installed fail in their steps only.

The answer is a report with tables in Markdown: wall and processor seconds,
memory, bytes and inodes added, medians and ratios, and every command. With
--json, it holds every sample.`,
		Flags: append(repositoryFlags(),
			&cli.IntFlag{Name: "runs", Value: 5, Usage: "go through all of it `N` times (default 5)"},
			&cli.StringSliceFlag{Name: "contestant", Usage: "measure only `NAME` (repeatable): " + strings.Join(bench.Names, "; ")}),
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
		return errors.Join(err, usagef("bench compare: %s is not empty", dir))
	}
	cache, err := os.MkdirTemp("", "repotool-bench-")
	if err != nil {
		return fmt.Errorf("make cache: %w", err)
	}
	defer os.RemoveAll(cache)
	r, err := bench.Run(c.Context, bench.RunOptions{
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
	switch {
	case r == nil:
		return err
	case c.Bool("json"): // what was measured before an error is worth having, too
		return errors.Join(t.answer(r), err)
	}
	return errors.Join(r.Markdown(t.stdout), err)
}

// benchChoreCommand does the work around the measurements in a process of its
// own, so that its memory is not counted as a contestant's.
func (t *tool) benchChoreCommand() *cli.Command {
	return &cli.Command{
		Name:            "chore",
		Hidden:          true,
		SkipFlagParsing: true,
		Action:          func(c *cli.Context) error { return bench.Chore(c.Context, c.Args().Slice()) },
	}
}
