package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Names of the contestants that are repotool.
const (
	Flat      = "repotool, flat days"
	NoDays    = "repotool, no days"
	Native    = "repotool, native days"
	Gold      = "repotool, gold only"
	OurDedup  = "repotool dedup"
	DeepDedup = "repotool dedup --deep"
)

// restoredDatabase is the name that a restored database gets.
const restoredDatabase = "restored"

// lifeContestants lists all of the life of a backup.
func lifeContestants(database bool) (all []Contestant) {
	whole := []Step{First, Unchanged, Changed, Restore, Verify, Remove, Free}
	nights := []Step{First, Unchanged, Changed, Remove, Free} // what the others restore and verify is the same
	all = []Contestant{
		repotool(Flat, whole, "--day-layout", "flat"),
		repotool(NoDays, nights, "--day-layout", "none"),
		repotool(Native, nights, "--day-layout", "native"),
	}
	if database { // which the ledger needs
		// It leaves out what gold makes, and prunes that.
		steps := []Step{Index, First, Unchanged, Changed, Restore, Verify, Plan, Prune, Undo, Remove, Free}
		all = append(all, repotool(Gold, steps, "--strategy", "gold", "--day-layout", "flat"))
	}
	all = append(all, rsyncCp(), linkDest(), restic(), borg(), dedup(OurDedup), dedup(DeepDedup, "--deep"))
	return append(all, linkers()...)
}

// LifeNames lists the contestants of the life of a backup.
func LifeNames() (names []string) {
	for _, c := range lifeContestants(true) {
		names = append(names, c.Name)
	}
	return names
}

// one is a step of a single command.
func one(args ...string) ([]Command, error) { return []Command{{Args: args}}, nil }

func storeOf(p Place) string { return filepath.Join(p.Target, "store") }

// own is a command of repotool, without what this machine has configured for it: that may
// name a repository which somebody needs.
func own(p Place, command string, args ...string) []Command {
	return aloud(p, command, append([]string{"--quiet"}, args...)...)
}

// aloud is one whose answer is a part of the work.
func aloud(p Place, command string, args ...string) []Command {
	return []Command{{
		Args: slices.Concat([]string{p.Repotool, command, "--config", os.DevNull, "--store", storeOf(p)}, args),
		Env:  []string{"REPOTOOL_STATE_DIR=" + filepath.Join(p.Target, "state")},
	}}
}

// source are the flags that say what is backed up.
func source(p Place) []string {
	if p.Site != nil {
		return []string{"--sysconf", p.Site.Sysconf, "--pg-bin", p.Site.Bin()}
	}
	return []string{"--repository", p.Repository}
}

// repotool is the program under test, with flags of its snapshots.
func repotool(name string, steps []Step, flags ...string) Contestant {
	return Contestant{
		Name:     name,
		Steps:    steps,
		Prepare:  func(p Place) []Command { return own(p, "init") },
		Commands: func(p Place, s Step) ([]Command, error) { return repotoolStep(p, s, flags) },
	}
}

func repotoolStep(p Place, s Step, flags []string) ([]Command, error) {
	run := func(command string, args ...string) ([]Command, error) { return own(p, command, args...), nil }
	switch s {
	case Index:
		return run("index", "--sysconf", p.Site.Sysconf)
	case First, Unchanged, Changed:
		args := slices.Concat(source(p), []string{"--quiesce", "none"}, flags)
		if p.Site == nil {
			args = append(args, "--database", "none")
		}
		return run("snapshot", args...)
	case Restore:
		args := []string{"--to", p.Restored, "latest"}
		if p.Site != nil {
			args = slices.Concat(source(p), []string{"--database-name", restoredDatabase}, args)
		}
		if slices.Contains(flags, "gold") {
			args = append([]string{"--rebuild", "now"}, args...)
		}
		return run("restore", args...)
	case Verify:
		return run("verify")
	case Plan:
		return run("prune", append(source(p), "--level", "derived")...)
	case Prune:
		return run("prune", append(source(p), "--level", "derived", "--execute", "--quiesce", "none")...)
	case Undo:
		return run("prune", append(source(p), "--undo", "last", "--quiesce", "none")...)
	case Remove:
		snapshots, err := filepath.Glob(storeOf(p) + "/snapshots/*/[0-9]*")
		if err != nil || len(snapshots) == 0 {
			return nil, fmt.Errorf("no snapshot in %s: %v", storeOf(p), err)
		}
		// With all that belongs to it: what it alone had is put into quarantine.
		return run("forget", filepath.Base(slices.Min(snapshots)))
	case Free:
		return run("gc")
	}
	return nil, fmt.Errorf("repotool has no step %q", s)
}
