package bench

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"repotool/fossology"
	"repotool/snapshot"
	"repotool/store"
)

// Manifests is the contestant of [ScaleManifests]: repotool with a store of manifests
// whose files there are not, so that numbers of files can be measured for which there is
// no disk.
const Manifests = "repotool, manifests alone"

// What is done with manifests, in its order.
const (
	ManifestFirst Step = "write the first manifest"
	ManifestRead  Step = "read it from end to end"
	ManifestFind  Step = "find one file in it"
	ManifestNight Step = "merge with a night of 1 % new files"
	ManifestDiff  Step = "compare the two nights"
	ManifestMark  Step = "mark what gc keeps"
)

// ManifestSteps lists them. What writes is a child that calls [ManifestChore]; all else
// are commands of repotool as people type them. Nothing of their cost is that of files.
var ManifestSteps = []Step{ManifestFirst, ManifestRead, ManifestFind, ManifestNight, ManifestDiff, ManifestMark}

// ScaleManifests measures what manifests of several numbers of files cost.
func ScaleManifests(ctx context.Context, opt RunOptions, sizes []int) (*Scaling, error) {
	return scale(ctx, opt, sizes, runManifests)
}

// runManifests goes through all steps, each time with a new store.
func runManifests(ctx context.Context, opt RunOptions) (*Report, error) {
	opt.Options = opt.withDefaults()
	opt.Runs = cmp.Or(opt.Runs, 1)
	r := &runner{RunOptions: opt, report: newReport(ctx, opt)}
	p := place{target: filepath.Join(opt.Dir, "target"), repotool: opt.Repotool}
	for run := range opt.Runs {
		if err := os.Mkdir(p.target, 0o755); err != nil {
			return r.report, err
		}
		if _, err := (Command{Args: []string{p.repotool, "init", "--store", p.target + "/store", "--quiet"}}).Run(ctx); err != nil {
			return r.report, err
		}
		for _, step := range ManifestSteps {
			if opt.Note != nil {
				opt.Note(Event{Run: run + 1, Contestant: Manifests, Step: step})
			}
			commands := r.manifestCommands(p, step)
			s := r.measure(ctx, p, commands)
			s.Added = s.Walked // a few large files: du is right, and does not see what others do on the disk
			r.report.add(Manifests, step, commands, s)
			if s.Failure != "" { // without it, the steps behind it mean nothing
				return r.report, fmt.Errorf("%s: %s", step, s.Failure)
			}
		}
		if err := store.RemoveTree(ctx, p.target); err != nil {
			return r.report, err
		}
	}
	return r.report, nil
}

// manifestCommands are the commands of a step.
func (r *runner) manifestCommands(p place, step Step) []Command {
	st := p.target + "/store"
	repotool := func(args ...string) []Command {
		return []Command{{Args: slices.Concat([]string{p.repotool}, args, []string{"--store", st})}}
	}
	chore := func(night int) []Command {
		return []Command{{Args: append(slices.Clone(r.Chores), ManifestChoreName, st,
			strconv.Itoa(r.Files), strconv.FormatUint(r.Seed, 10), strconv.Itoa(night))}}
	}
	switch step {
	case ManifestFirst:
		return chore(0)
	case ManifestNight:
		return chore(1)
	case ManifestRead:
		return repotool("ls", "--depth", "1", "latest") // sums alone are printed
	case ManifestFind:
		g := newMadeUp(r.Options, 0)
		return repotool("ls", "latest", g.entry("files", r.Files/2, false).Path)
	case ManifestDiff:
		return repotool("diff", "latest~1", "latest")
	case ManifestMark:
		// All manifests are read, and all objects noted. That there are none costs nothing.
		return repotool("gc", "--dry-run")
	}
	return nil
}

// ManifestChoreName is the first argument of those that [ManifestChore] takes.
const ManifestChoreName = "manifest"

// ManifestChore writes a manifest into a store: STORE FILES SEED NIGHT. It is a chore
// (see [Chore]), for the memory that is measured has to be that of a process.
func ManifestChore(ctx context.Context, args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("chore %q: not STORE FILES SEED NIGHT", args)
	}
	files, err := strconv.Atoi(args[1])
	if err != nil {
		return fmt.Errorf("chore %q: %w", args, err)
	}
	seed, err := strconv.ParseUint(args[2], 10, 64)
	if err != nil {
		return fmt.Errorf("chore %q: %w", args, err)
	}
	night, err := strconv.Atoi(args[3])
	if err != nil {
		return fmt.Errorf("chore %q: %w", args, err)
	}
	st, err := store.Open(args[0])
	if err != nil {
		return err
	}
	defer st.Close()
	_, err = snapshot.Compose(ctx, snapshot.TakeOptions{
		Store: st, Installation: "fossology", Repository: "/srv/fossology/repository", Depth: fossology.DefaultDepth, Command: "bench",
	}, newMadeUp(Options{Files: files, Seed: seed}, night).entries())
	return err
}
