package bench

import (
	"context"
	"slices"

	"repotool/fossology"
	"repotool/snapshot"
	"repotool/store"
)

// Manifests is the contestant of [RunManifests]: repotool with a store of manifests
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

// ManifestSteps lists them. What writes is a chore; all else are commands of repotool as
// people type them. Nothing of their cost is that of files.
var ManifestSteps = []Step{ManifestFirst, ManifestRead, ManifestFind, ManifestNight, ManifestDiff, ManifestMark}

// RunManifests measures what manifests cost.
func RunManifests(ctx context.Context, opt LifeOptions, run RunOptions) (*Report, error) {
	opt.Options = opt.withDefaults()
	s := &Suite{
		Steps: ManifestSteps, Files: opt.Files, Seed: opt.Seed, Place: placeBelow(opt.Dir, opt.Cache, opt.Repotool),
		Contestants: []Contestant{{
			Name: Manifests, Steps: ManifestSteps,
			Prepare:  func(p Place) []Command { return own(p, "init") },
			Commands: func(p Place, s Step) ([]Command, error) { return manifestCommands(opt, p, s) },
		}},
	}
	return s.Run(ctx, run)
}

// manifestCommands are the commands of a step.
func manifestCommands(opt LifeOptions, p Place, step Step) ([]Command, error) {
	night := 0
	switch step {
	case ManifestRead:
		return aloud(p, "ls", "--depth", "1", "latest"), nil // sums alone are printed
	case ManifestFind:
		return aloud(p, "ls", "latest", newMadeUp(opt.Options, 0).entry("files", opt.Files/2, false).Path), nil
	case ManifestDiff:
		return aloud(p, "diff", "latest~1", "latest"), nil
	case ManifestMark:
		// All manifests are read, and all objects noted. That there are none costs nothing.
		return aloud(p, "gc", "--dry-run"), nil
	case ManifestNight:
		night = 1
	}
	text, err := Chore{Do: "manifest", Dir: storeOf(p), Options: opt.Options, Night: night}.text()
	return []Command{{Args: append(slices.Clone(opt.Chores), text)}}, err
}

// writeManifest writes the one of a night into a store.
func writeManifest(ctx context.Context, dir string, opt Options, night int) error {
	st, err := store.Open(dir)
	if err != nil {
		return err
	}
	defer st.Close()
	_, err = snapshot.Compose(ctx, snapshot.TakeOptions{
		Store: st, Installation: "fossology", Repository: "/srv/fossology/repository", Depth: fossology.DefaultDepth, Command: "bench",
	}, newMadeUp(opt, night).entries())
	return err
}
