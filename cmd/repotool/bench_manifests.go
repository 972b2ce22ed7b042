package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"repotool/bench"
)

// scaling is a way to measure at several numbers of files.
type scaling struct {
	sizes   []int
	measure func(context.Context, bench.RunOptions, []int) (*bench.Scaling, error)
}

// scalingOf is what the flags of bench scale ask for.
func scalingOf(c *cli.Context) (scaling, error) {
	s := scaling{[]int{10_000, 100_000}, bench.Scale}
	if c.Bool("manifest-only") {
		if err := exclusive(c, "manifest-only", "contestant"); err != nil {
			return s, err // nobody else has manifests
		}
		// Below, the program itself is most of the memory, and its start most of the time.
		s = scaling{[]int{1_000_000, 10_000_000}, bench.ScaleManifests}
	}
	if c.IsSet("files") {
		s.sizes = slices.Clone(c.IntSlice("files"))
	}
	for _, n := range s.sizes {
		if n < 1 {
			return s, usagef("--files %d: expected a number above 0", n)
		}
	}
	slices.Sort(s.sizes)
	if s.sizes = slices.Compact(s.sizes); len(s.sizes) < 2 {
		return s, usagef("bench scale: one number of files shows no growth: give --files twice")
	}
	return s, nil
}

// benchChore does a chore of a measurement.
func benchChore(c *cli.Context) error {
	args := c.Args().Slice()
	if len(args) > 0 && args[0] == bench.ManifestChoreName {
		return bench.ManifestChore(c.Context, args[1:])
	}
	return bench.Chore(c.Context, args)
}
