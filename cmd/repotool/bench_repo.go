package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"repotool/bench"
)

func (t *tool) benchRepoCommand() *cli.Command {
	return documented(&cli.Command{
		Name:      "repo",
		HelpName:  "bench repo",
		Usage:     "measure the life of a backup",
		ArgsUsage: "DIR",
		Description: `
Makes an installation in the empty directory DIR: a repository of true names,
with sizes as measured on real servers, uploads whose gold makes their files,
and, in a PostgreSQL of its own, the database that says so. Then measures the
life of its backup: index, first snapshot, quiet nights, nights with 1 % of new
files and 0.2 % fewer old ones, restore of everything, verification of all data,
prune and its undo, removal of a day, gc, and dedup. Nothing is left in DIR.

With --peers, rsync, restic and borg go through the same, as far as they do
such things, each with a dump of the database, and hardlink, jdupes, rdfind and
rmlint link equal files. All take turns. Files that were restored are compared
with the source, every byte, mode and time; a database is restored and loaded,
and not compared. A step that fails, since a program is not installed, say, is
told, and makes the exit code 3; rmlint is so slow that it has one run.

The answer is a report with tables in Markdown: wall and processor seconds,
memory, bytes and inodes added, medians and ratios, the machine, and every
command. With --json, it holds every sample; with --gobench it is every sample in
the format of Go's benchmarks, which benchstat reads.

With --make, the repository is only made, and stays in DIR; without rows, since
no database is left. --night then changes it, with the same --files, --median and
--seed.`,
		Flags: append([]cli.Flag{
			&cli.IntFlag{Name: "files", Value: 100_000, Usage: "make `N` files, without gold and its copies (default 100000)"},
			&cli.Float64Flag{Name: "doubles", Usage: "with --no-database --step dedup: a `SHARE` of the files, such as 0.3, is there twice"},
			&cli.BoolFlag{Name: "make", Usage: "only make the repository in DIR"},
			&cli.BoolFlag{Name: "targets", Usage: "compare with the targets of those who make repotool, from 100,000 files on"},
			&cli.IntFlag{Name: "night", Usage: "with --make: change the one in DIR as night `N` does, from 1"},
		}, measuringFlags()...),
		Action: t.benchRepo,
	}, `
repotool bench repo --files 10000 /mnt/test
repotool bench repo --peers --runs 5 --no-database /mnt/test
repotool bench repo --step dedup --no-database --doubles 0.3 --peers /mnt/test
repotool bench repo --make --files 100000 /mnt/test/repository`,
		exitFailed, exitFindings, exitInterrupted)
}

func (t *tool) benchRepo(c *cli.Context) error {
	shape, err := shapeOf(c)
	if err != nil {
		return err
	}
	if c.Bool("make") {
		return t.benchMake(c, shape)
	}
	run, err := t.runOptions(c)
	if err != nil {
		return err
	}
	return t.measured(c, func(o bench.LifeOptions) error {
		o.Files, o.Doubles, o.Targets = shape.Files, shape.Doubles, c.Bool("targets")
		r, err := bench.RunLife(c.Context, o, run)
		if r == nil || len(r.Samples) == 0 {
			return err
		}
		if n := r.Failures(); n > 0 && err == nil {
			err = findingsError{n} // what was measured is worth having all the same
		}
		return errors.Join(t.tell(c, r, r.GoBench, r.Markdown), err)
	})
}

// tell answers in the form that was asked for.
func (t *tool) tell(c *cli.Context, result any, gobench, markdown func(io.Writer) error) error {
	switch {
	case c.Bool("json"):
		return t.answer(result)
	case c.Bool("gobench"):
		return gobench(t.stdout)
	}
	return markdown(t.stdout)
}

// shapeOf reads what the repository is to be like.
func shapeOf(c *cli.Context) (bench.Options, error) {
	o := bench.Options{Files: c.Int("files"), Seed: c.Uint64("seed"), Doubles: c.Float64("doubles"), Median: c.Int("median")}
	switch {
	case o.Median < 1:
		return o, usagef("--median %d: expected a number above 0", o.Median)
	case o.Files < 1:
		return o, usagef("--files %d: expected a number above 0", o.Files)
	case c.IsSet("night") && !c.Bool("make"):
		return o, usagef("--night changes a repository that is there: it goes with --make")
	case c.IsSet("night") && c.Int("night") < 1:
		return o, usagef("--night %d: expected a number above 0", c.Int("night"))
	case !(o.Doubles >= 0 && o.Doubles < 0.5): // NaN, too
		return o, usagef("--doubles %g: expected a share below 0.5", o.Doubles)
	case o.Doubles > 0 && c.IsSet("night"):
		return o, usagef("--doubles and --night do not go together")
	case o.Doubles > 0 && !c.Bool("make") && !(c.Bool("no-database") && slices.Equal(c.StringSlice("step"), []string{string(bench.Dedup)})):
		return o, usagef("--doubles goes with --no-database --step dedup: nights and uploads have no files twice")
	}
	return o, nil
}

// benchMake makes a repository, or changes it.
func (t *tool) benchMake(c *cli.Context, o bench.Options) error {
	dir, err := benchDir(c)
	if err != nil {
		return err
	}
	var facts bench.Facts
	if n := c.Int("night"); n > 0 {
		facts, err = bench.Night(c.Context, dir, o, n)
	} else if err = nobodys(dir); err == nil {
		facts, err = bench.Generate(c.Context, dir, o)
	}
	var other *bench.NotMadeError
	switch {
	case errors.As(err, &other):
		return &usageError{err: err, hint: "give the --files, --median and --seed of bench repo --make, and each --night once"}
	case err != nil:
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
