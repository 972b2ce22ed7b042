package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"repotool/bench"
)

func (t *tool) benchCommand() *cli.Command {
	c := documented(&cli.Command{
		Name:      "bench",
		Usage:     "measure, compare, and say what a backup costs",
		ArgsUsage: "repo|compare|scale|unpack|iso|report",
		Description: `
bench report says what an installation holds, and what each way to back it up
costs. bench unpack and bench iso measure what archives unpack to, and how fast.

bench repo makes a repository of FOSSology's shape: true names, sizes as
measured on real servers, as many files as you like. bench compare takes
repotool, rsync, restic and borg through the same days side by side, and prints
what each step cost; bench scale does so with several numbers of files. None of
them touches an installation or a store of yours.`,
		Action: func(*cli.Context) error {
			return &usageError{err: errNoCommand, hint: "write repotool bench repo DIR, or repotool bench compare DIR"}
		},
	}, `
repotool bench report --html cost.html
repotool bench unpack Fedora-11-source-DVD.iso
repotool bench repo --files 100000 /mnt/test/repository
repotool bench compare --files 10000 /mnt/test`,
		exitFailed, exitInterrupted)
	c.Subcommands = []*cli.Command{t.benchRepoCommand(), t.benchCompareCommand(), t.benchScaleCommand(), t.benchUnpackCommand(), t.benchISOCommand(), t.benchReportCommand(), t.benchChoreCommand()}
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
	dir, err := benchDir(c)
	switch {
	case err != nil:
		return "", o, err
	case o.Files < 1:
		return "", o, usagef("--files %d: expected a number above 0", o.Files)
	case c.Int("night") < 0:
		return "", o, usagef("--night %d: expected a number above 0", c.Int("night"))
	}
	return dir, o, nil
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
		Action:          benchChore,
	}
}
