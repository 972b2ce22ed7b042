package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"repotool/snapshot"
	"repotool/store"
	"repotool/verify"
)

// rotateFlags choose the scheme of snapshot.
func rotateFlags() []cli.Flag {
	return []cli.Flag{
		setting("scheme", "by `SCHEME`: linked (each day complete, all share what is the same) or rotating (a base, days of what changed, then a new base)"),
		setting("cycle", "with --scheme rotating: begin with a new base after `N` snapshots, or on a day such as sunday (default "+snapshot.DefaultCycle.String()+")"),
		&cli.IntFlag{Name: "keep-cycles", Usage: "keep `N` old cycles beside the newest (default 0)", EnvVars: env("keep-cycles")},
	}
}

// cycleOf is how long a cycle is, and how many stay, by flags and configuration.
func cycleOf(c *cli.Context, in installationConfig, zone *time.Location) (snapshot.CycleLength, int, error) {
	keep := in.Retention.Cycles
	if c.IsSet("keep-cycles") {
		keep = c.Int("keep-cycles")
	}
	if keep < 0 {
		return snapshot.CycleLength{}, 0, fmt.Errorf("--keep-cycles %d: expected how many cycles stay beside the newest", keep)
	}
	length := snapshot.DefaultCycle
	if v := cmp.Or(c.String("cycle"), in.Cycle); v != "" {
		var err error
		if length, err = snapshot.ParseCycle(v); err != nil {
			return length, 0, err
		}
	}
	length.Zone = zone
	return length, keep, nil
}

// rotation are the options of a snapshot in the scheme rotating.
func rotation(s settings, o snapshot.TakeOptions) snapshot.RotateOptions {
	return snapshot.RotateOptions{TakeOptions: o, Length: s.cycle, Keep: s.keepCycles, Check: func(ctx context.Context, base *store.Store) error {
		r, err := verify.Store(ctx, base, verify.ScrubOptions{Now: o.Now, Progress: o.Progress})
		if err != nil || r.Good() {
			return err
		}
		return errors.New(verifyFinding(r.Findings[0]))
	}}
}

// checkScheme finds settings that do not go together.
func checkScheme(s settings) error {
	if s.scheme == string(snapshot.SchemeRotating) && s.dayLayout == string(snapshot.LayoutNone) {
		return &usageError{err: errors.New("snapshot: --scheme rotating is made of days, and --day-layout none makes none"),
			hint: "choose --day-layout flat or native, or --scheme linked"}
	}
	return nil
}

// rotationLine says which part of a cycle a snapshot is.
func rotationLine(x *snapshot.Summary) string {
	r := x.Rotation
	switch {
	case r == nil:
		return ""
	case r.NewBase == "":
		return "; in the cycle of " + x.Cycle
	}
	line := "; a new base, since " + printable(r.NewBase)
	if len(r.Removed) > 0 {
		line += fmt.Sprintf("; it was read back, and %s gone", plural(int64(len(r.Removed)), "old cycle is", "old cycles are"))
	}
	return line
}

// keptCycles says which cycles were to go, and why they stay.
func (t *tool) keptCycles(s settings, r *snapshot.Rotation) {
	if r == nil || s.json {
		return
	}
	for _, k := range r.Kept {
		t.say(s, "  note: the cycle of %s stays: %s\n", k.Base, printable(k.Why))
	}
}
