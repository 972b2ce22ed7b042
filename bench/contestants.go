package bench

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
)

// Step is a part of the cycle that every contestant goes through.
type Step string

// The steps, in their order.
const (
	First     Step = "first snapshot"
	Unchanged Step = "night without change"
	Changed   Step = "night with 1 % new files"
	Restore   Step = "restore of everything"
	Verify    Step = "verify all data"
	Remove    Step = "remove the oldest day"
)

// Steps lists the steps in their order.
var Steps = []Step{First, Unchanged, Changed, Restore, Verify, Remove}

// Names of the contestants.
const (
	Flat     = "repotool, flat days"
	NoDays   = "repotool, no days"
	Native   = "repotool, native days"
	RsyncCp  = "rsync -a + cp -al"
	LinkDest = "rsync --link-dest"
	Restic   = "restic"
	Borg     = "borg"
)

// Names lists all contestants; the first one is what others are compared with.
var Names = []string{Flat, NoDays, Native, RsyncCp, LinkDest, Restic, Borg}

// Peers are those that are not repotool.
var Peers = []string{RsyncCp, LinkDest, Restic, Borg}

// place is where a contestant works. The source is the repository; target is
// an empty directory at first, and so is restored.
type place struct {
	source, target, restored, cache string
	repotool                        string // the program
}

// contestant knows the commands of each step; no command, no such step.
type contestant struct {
	prepare  func(p place) []Command // not measured
	commands func(p place, s Step) ([]Command, error)
	version  []string
}

// contestants makes them all.
func contestants() map[string]contestant {
	return map[string]contestant{
		Flat:     repotool("flat"),
		NoDays:   repotool("none"),
		Native:   repotool("native"),
		RsyncCp:  rsyncCp(),
		LinkDest: linkDest(),
		Restic:   restic(),
		Borg:     borg(),
	}
}

// one is a step of a single command.
func one(args ...string) ([]Command, error) { return []Command{{Args: args}}, nil }

// repotool is the program under test with a layout of its day directories. The
// restored tree and the objects are the same for all layouts: only the flat one restores and verifies.
func repotool(layout string) contestant {
	return contestant{
		version: []string{"version"},
		prepare: func(p place) []Command {
			return []Command{{Args: []string{p.repotool, "init", "--store", p.target + "/store", "--quiet"}}}
		},
		commands: func(p place, s Step) ([]Command, error) {
			store := p.target + "/store"
			switch {
			case s == First || s == Unchanged || s == Changed:
				return one(p.repotool, "snapshot", "--store", store, "--repository", p.source, "--database", "none",
					"--quiesce", "none", "--day-layout", layout, "--quiet")
			case s == Restore && layout == "flat":
				return one(p.repotool, "restore", "--store", store, "--to", p.restored, "--quiet", "latest")
			case s == Verify && layout == "flat":
				return one(p.repotool, "verify", "--store", store, "--quiet")
			case s == Remove:
				snapshots, err := filepath.Glob(store + "/snapshots/*/[0-9]*")
				if err != nil || len(snapshots) == 0 {
					return nil, fmt.Errorf("no snapshot in %s: %v", store, err)
				}
				// With all that belongs to it: what it alone had is put into quarantine.
				return one(p.repotool, "forget", "--store", store, "--quiet", filepath.Base(slices.Min(snapshots)))
			}
			return nil, nil
		},
	}
}

// day returns the directory of the day that a step of the rsync methods makes.
func day(p place, s Step) string {
	return p.target + "/day" + strconv.Itoa(slices.Index(Steps, s)+1)
}

// rsyncCp is the classical method: a copy of today, and a tree of links for each day.
func rsyncCp() contestant {
	return contestant{
		version: []string{"rsync", "--version"},
		commands: func(p place, s Step) ([]Command, error) {
			current := p.target + "/current"
			switch s {
			case Restore:
				return one("cp", "-a", current+"/.", p.restored)
			case Verify: // against the source; its own record of checksums does not exist
				return one("rsync", "-anc", "--delete", p.source+"/", current+"/")
			case Remove:
				return one("rm", "-rf", day(p, First))
			}
			return []Command{
				{Args: []string{"rsync", "-a", "--delete", p.source + "/", current + "/"}},
				{Args: []string{"cp", "-al", current, day(p, s)}},
			}, nil
		},
	}
}

// linkDest lets rsync link what did not change.
func linkDest() contestant {
	return contestant{
		version: []string{"rsync", "--version"},
		commands: func(p place, s Step) ([]Command, error) {
			switch s {
			case First:
				return one("rsync", "-a", p.source+"/", day(p, s)+"/")
			case Unchanged, Changed:
				before := Steps[slices.Index(Steps, s)-1]
				return one("rsync", "-a", "--delete", "--link-dest="+day(p, before), p.source+"/", day(p, s)+"/")
			case Restore:
				return one("rsync", "-a", day(p, Changed)+"/", p.restored+"/")
			case Remove:
				return one("rm", "-rf", day(p, First))
			}
			return nil, nil
		},
	}
}

// restic keeps encrypted, compressed packs of chunks.
func restic() contestant {
	with := func(p place, dir string, args ...string) []Command {
		return []Command{{
			Args: append([]string{"restic", "-r", p.target + "/restic", "--quiet"}, args...),
			Dir:  dir,
			Env:  []string{"RESTIC_PASSWORD=bench", "RESTIC_CACHE_DIR=" + p.cache},
		}}
	}
	return contestant{
		version: []string{"restic", "version"},
		prepare: func(p place) []Command { return with(p, "", "init") },
		commands: func(p place, s Step) ([]Command, error) {
			switch s {
			case Restore:
				return with(p, "", "restore", "latest", "--target", p.restored), nil
			case Verify:
				return with(p, "", "check", "--read-data"), nil
			case Remove:
				return with(p, "", "forget", "--keep-last", "2", "--prune"), nil
			}
			return with(p, p.source, "backup", "."), nil
		},
	}
}

// borg keeps compressed segments of chunks; without encryption, as the others but restic.
func borg() contestant {
	with := func(p place, dir string, args ...string) Command {
		return Command{
			Args: append([]string{"borg"}, args...),
			Dir:  dir,
			Env: []string{"BORG_REPO=" + p.target + "/borg", "BORG_BASE_DIR=" + p.cache,
				"BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes", "BORG_RELOCATED_REPO_ACCESS_IS_OK=yes"},
		}
	}
	return contestant{
		version: []string{"borg", "--version"},
		prepare: func(p place) []Command { return []Command{with(p, "", "init", "-e", "none")} },
		commands: func(p place, s Step) ([]Command, error) {
			name := func(s Step) string { return "::day" + strconv.Itoa(slices.Index(Steps, s)+1) }
			switch s {
			case Restore:
				return []Command{with(p, p.restored, "extract", name(Changed))}, nil
			case Verify:
				return []Command{with(p, "", "check", "--verify-data")}, nil
			case Remove:
				return []Command{with(p, "", "delete", name(First)), with(p, "", "compact")}, nil
			}
			return []Command{with(p, p.source, "create", name(s), ".")}, nil
		},
	}
}
