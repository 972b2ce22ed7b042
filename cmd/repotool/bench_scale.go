package main

import (
	"errors"
	"slices"

	"github.com/urfave/cli/v2"

	"repotool/bench"
)

func (t *tool) benchScaleCommand() *cli.Command {
	return documented(&cli.Command{
		Name:      "scale",
		HelpName:  "bench scale",
		Usage:     "measure what more files cost",
		ArgsUsage: "DIR",
		Description: `
Takes repotool through the life of bench repo on installations of several numbers
of files, in the empty directory DIR, and with --peers others. For each step it
prints seconds, microseconds a file and memory at each, and the exponent that was
fitted: with n^1.00 ten times the files take ten times as long. Memory is not
to grow at all. What grows faster, by more than a tolerance of 0.10, is named
below the tables, and so is what failed, and why. The commands are those of the
largest number of files.

1,000,000 files take some 90 GB, and hours on a disk; with --median 300 they take
10 GB in blocks of 1 KiB, which memory has room for.

With --manifest-only there are no files at all, but manifests of as many: what
it costs to write one, to read it, to find a file in it, to merge it with the
next night and compare the two, and what gc does to know which objects are used.
10,000,000 files then take 2 GB of disk, and some minutes.`,
		Flags: append([]cli.Flag{
			&cli.IntSliceFlag{Name: "files", Usage: "measure with `N` files (repeatable; default 10000, 100000)"},
			&cli.BoolFlag{Name: "manifest-only", Usage: "measure manifests without their files"},
		}, measuringFlags()...),
		Action: t.benchScale,
	}, `
repotool bench scale /mnt/test
repotool bench scale --files 10000 --files 1000000 --cold /mnt/test
repotool bench scale --manifest-only --files 1000000 --files 100000000 /mnt/test`,
		exitFailed, exitFindings, exitInterrupted)
}

func (t *tool) benchScale(c *cli.Context) error {
	sizes, measure := []int{10_000, 100_000}, bench.RunLife
	if c.Bool("manifest-only") {
		for _, flag := range []string{"contestant", "step", "peers"} { // nobody else has manifests
			if err := exclusive(c, "manifest-only", flag); err != nil {
				return err
			}
		}
		// Below, the program itself is most of the memory, and its start most of the time.
		sizes, measure = []int{1_000_000, 10_000_000}, bench.RunManifests
	}
	if c.IsSet("files") {
		sizes = slices.Clone(c.IntSlice("files"))
	}
	for _, n := range sizes {
		if n < 1 {
			return usagef("--files %d: expected a number above 0", n)
		}
	}
	slices.Sort(sizes)
	if sizes = slices.Compact(sizes); len(sizes) < 2 {
		return usagef("bench scale: one number of files shows no growth: give --files twice")
	}
	run, err := t.runOptions(c)
	if err != nil {
		return err
	}
	return t.measured(c, func(o bench.LifeOptions) error {
		s, err := bench.Scale(c.Context, o, run, sizes, measure)
		if s == nil || len(s.Reports) == 0 {
			return err
		}
		var failed int64
		for _, r := range s.Reports {
			failed += r.Failures()
		}
		if failed > 0 && err == nil {
			err = findingsError{failed}
		}
		return errors.Join(t.tell(c, s, s.GoBench, s.Markdown), err)
	})
}
