package bench

import (
	"path/filepath"
	"strconv"
)

// Names of the programs that people use today.
const (
	RsyncCp  = "rsync -a + cp -al"
	LinkDest = "rsync --link-dest"
	Restic   = "restic"
	Borg     = "borg"
)

// Peers are those that make backups.
var Peers = []string{RsyncCp, LinkDest, Restic, Borg}

// backupSteps are what all of them do.
var backupSteps = []Step{First, Unchanged, Changed, Restore, Verify, Remove}

// dumped begins with a dump of the database, where there is one.
func dumped(p Place, commands ...Command) []Command {
	if p.Site == nil {
		return commands
	}
	dump := Command{Args: []string{filepath.Join(p.Site.Bin(), "pg_dump"), "-d", p.Site.DSN(), "-f", dumpIn(p.Root)}}
	return append([]Command{dump}, commands...)
}

// loaded ends with loading the dump that was restored into dir.
func loaded(p Place, dir string, commands ...Command) []Command {
	if p.Site == nil {
		return commands
	}
	bin, to := p.Site.Bin(), p.Site.DSN()
	return append(commands,
		Command{Args: []string{filepath.Join(bin, "psql"), "-XqAt", "-d", to, "-c", "CREATE DATABASE " + restoredDatabase}},
		Command{Args: []string{filepath.Join(bin, "psql"), "-XqAt", "-d", p.Site.cluster.AdminDSN(restoredDatabase), "-f", dumpIn(dir), "-o", "/dev/null"}})
}

func dumpIn(dir string) string { return filepath.Join(dir, "database.sql") }

// day returns the directory of a day of the rsync methods.
func day(p Place, n int) string { return p.Target + "/day" + strconv.Itoa(n) }

// rsyncCp is the classical method: a copy of today, and a tree of links for each day.
func rsyncCp() Contestant {
	return Contestant{
		Name: RsyncCp, Version: []string{"rsync", "--version"}, Steps: backupSteps,
		Commands: func(p Place, s Step) ([]Command, error) {
			current := p.Target + "/current"
			switch s {
			case Restore:
				return loaded(p, p.Restored, Command{Args: []string{"cp", "-a", current + "/.", p.Restored}}), nil
			case Verify: // against the source; its own record of checksums does not exist
				return one("rsync", "-anc", "--delete", p.Root+"/", current+"/")
			case Remove:
				return one("rm", "-rf", day(p, 1))
			}
			return dumped(p,
				Command{Args: []string{"rsync", "-a", "--delete", p.Root + "/", current + "/"}},
				Command{Args: []string{"cp", "-al", current, day(p, p.Day)}}), nil
		},
	}
}

// linkDest lets rsync link what did not change.
func linkDest() Contestant {
	return Contestant{
		Name: LinkDest, Version: []string{"rsync", "--version"}, Steps: []Step{First, Unchanged, Changed, Restore, Remove},
		Commands: func(p Place, s Step) ([]Command, error) {
			switch s {
			case First:
				return dumped(p, Command{Args: []string{"rsync", "-a", p.Root + "/", day(p, 1) + "/"}}), nil
			case Restore:
				return loaded(p, p.Restored, Command{Args: []string{"rsync", "-a", day(p, p.Day) + "/", p.Restored + "/"}}), nil
			case Remove:
				return one("rm", "-rf", day(p, 1))
			}
			return dumped(p, Command{Args: []string{"rsync", "-a", "--delete", "--link-dest=" + day(p, p.Day-1), p.Root + "/", day(p, p.Day) + "/"}}), nil
		},
	}
}

// restic keeps encrypted, compressed packs of chunks.
func restic() Contestant {
	with := func(p Place, dir string, args ...string) Command {
		return Command{
			Args: append([]string{"restic", "-r", p.Target + "/restic", "--quiet"}, args...),
			Dir:  dir,
			Env:  []string{"RESTIC_PASSWORD=bench", "RESTIC_CACHE_DIR=" + p.Cache},
		}
	}
	return Contestant{
		Name: Restic, Version: []string{"restic", "version"}, Steps: backupSteps,
		Prepare: func(p Place) []Command { return []Command{with(p, "", "init")} },
		Commands: func(p Place, s Step) ([]Command, error) {
			switch s {
			case Restore: // below the path that it had
				return loaded(p, filepath.Join(p.Restored, p.Root), with(p, "", "restore", "latest", "--target", p.Restored)), nil
			case Verify:
				return []Command{with(p, "", "check", "--read-data")}, nil
			case Remove:
				return []Command{with(p, "", "forget", "--keep-last", strconv.Itoa(p.Day-1), "--prune")}, nil
			}
			return dumped(p, with(p, p.Root, "backup", ".")), nil
		},
	}
}

// borg keeps compressed segments of chunks; without encryption, as the others but restic.
func borg() Contestant {
	with := func(p Place, dir string, args ...string) Command {
		return Command{
			Args: append([]string{"borg"}, args...),
			Dir:  dir,
			Env: []string{"BORG_REPO=" + p.Target + "/borg", "BORG_BASE_DIR=" + p.Cache,
				"BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes", "BORG_RELOCATED_REPO_ACCESS_IS_OK=yes"},
		}
	}
	return Contestant{
		Name: Borg, Version: []string{"borg", "--version"}, Steps: backupSteps,
		Prepare: func(p Place) []Command { return []Command{with(p, "", "init", "-e", "none")} },
		Commands: func(p Place, s Step) ([]Command, error) {
			name := func(n int) string { return "::day" + strconv.Itoa(n) }
			switch s {
			case Restore:
				return loaded(p, p.Restored, with(p, p.Restored, "extract", name(p.Day))), nil
			case Verify:
				return []Command{with(p, "", "check", "--verify-data")}, nil
			case Remove:
				return []Command{with(p, "", "delete", name(1)), with(p, "", "compact")}, nil
			}
			return dumped(p, with(p, p.Root, "create", name(p.Day), ".")), nil
		},
	}
}
