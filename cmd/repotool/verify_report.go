package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"repotool/verify"
)

// reportVerify prints what was checked and found.
func (t *tool) reportVerify(s settings, r *verify.Report, repair bool) error {
	if s.json {
		if err := t.answer(r); err != nil {
			return err
		}
	} else {
		t.say(s, "%s\n", verifyLine(r))
		t.verifyFindings(s, r, repair)
	}
	if !r.Good() {
		return findingsError{r.Wrong()}
	}
	return nil
}

// verifyLine says in one line what was checked, what was not, and the verdict.
func verifyLine(r *verify.Report) string {
	var done []string
	add := func(format string, args ...any) { done = append(done, fmt.Sprintf(format, args...)) }
	whole := true
	switch r.Scope {
	case verify.ScopeSource:
		add("%s read (%s)", plural(r.Files-r.Unnamed, "file", "files"), size(r.Bytes))
		if r.Unnamed > 0 {
			add("%s without a checksum for a name not checked", count(r.Unnamed))
		}
		if r.Pruned > 0 {
			add("%s not there, that gold makes: pruned", count(r.Pruned))
		}
		if whole = r.Compared; r.Compared {
			add("compared with the database")
		} else {
			add("the database was not asked")
		}
	case verify.ScopeSnapshot:
		switch whole = r.Objects > 0; {
		case whole:
			add("snapshot %s: %s and what belongs to them read (%s)", r.Snapshot, plural(r.Files, "file", "files"), size(r.Bytes))
		case r.Files == 0:
			add("snapshot %s: not one file was looked at", r.Snapshot)
		default:
			add("snapshot %s: presence and size of %s and what belongs to them checked", r.Snapshot, plural(r.Files, "file", "files"))
			add("their bytes were not read (--read reads them)")
		}
		switch b := r.Rebuild; {
		case b != nil && b.Wanted.Files > 0:
			add("of %s that were left out, %s came out of %s, byte for byte", count(b.Wanted.Files), count(b.Rebuilt.Files), plural(b.Golds, "gold", "golds"))
		case r.LeftOut > 0:
			add("%s of them left out, the gold that was seen to make them is there (--rebuild unpacks it again)", count(r.LeftOut))
		}
	default:
		add("%s read (%s)", plural(r.Objects, "object", "objects"), size(r.Bytes))
		if whole = r.Skipped == 0; !whole {
			add("%s not read this time", count(r.Skipped))
		}
		add("%s checked", plural(r.Snapshots, "snapshot", "snapshots"))
		if r.SnapshotsSkipped > 0 {
			whole = false
			add("%s not checked this time", count(r.SnapshotsSkipped))
		}
	}
	return strings.Join(done, ", ") + ": " + verdict(r, whole)
}

// verdict calls nothing good that was not checked.
func verdict(r *verify.Report, whole bool) string {
	found := r.Wrong() + r.Repaired
	switch {
	case found == 0 && r.Scope == verify.ScopeStore && r.Snapshots+r.SnapshotsSkipped == 0:
		return "there is no snapshot that could be restored"
	case found == 0 && r.Scope == verify.ScopeStore && r.Objects == 0:
		return "not one object was read, nothing is known of their bytes (a larger --sample or --budget reads some)"
	case found == 0 && r.Scope == verify.ScopeSource && r.Files == r.Unnamed:
		return "not one file was read"
	case found == 0 && whole:
		return "all good"
	case found == 0:
		return "nothing wrong in what was checked"
	case r.Repaired > 0:
		return fmt.Sprintf("%s, %s repaired", plural(found, "finding", "findings"), count(r.Repaired))
	}
	return plural(found, "finding", "findings")
}

// shownFindings is how many findings of a kind are printed one by one.
const shownFindings = 20

// verifyFindings prints what was found, by kind, and what to do next.
func (t *tool) verifyFindings(s settings, r *verify.Report, repair bool) {
	for _, kind := range slices.Sorted(maps.Keys(r.Counts)) {
		shown, repaired := int64(0), int64(0)
		for _, f := range r.Findings {
			if f.Kind != kind {
				continue
			}
			if f.Repaired {
				repaired++
			}
			if shown++; shown <= shownFindings {
				fmt.Fprintf(t.stderr, "finding: %s\n", verifyFinding(f))
			}
		}
		if rest := r.Counts[kind] - min(shown, shownFindings); rest > 0 {
			listed := "--json lists them"
			if r.NotListed > 0 {
				listed = "--json lists " + count(int64(len(r.Findings))) + " in all"
			}
			fmt.Fprintf(t.stderr, "finding: %s: %s more (%s)\n", kind, count(rest), listed)
		}
		hint := kind.Hint()
		if repair {
			hint = kind.HintAfterRepair()
		}
		if hint != "" && repaired < r.Counts[kind] {
			fmt.Fprintf(t.stderr, "  hint: %s\n", hint)
		}
	}
	if r.Repaired > 0 {
		t.afterRepair(s, r)
	}
}

func verifyFinding(f verify.Finding) string {
	line := fmt.Sprintf("%s: %s", f.Kind, printable(f.What))
	if f.Detail != "" {
		line += ": " + printable(f.Detail)
	}
	if f.Cycle != "" {
		line += "; in the cycle of " + f.Cycle
	}
	if f.For != "" {
		line += "; needed for " + printable(f.For)
	}
	if f.Snapshots > 0 {
		line += fmt.Sprintf(" (%s %s", f.Installation, f.Snapshot)
		if more := f.Snapshots - 1; more > 0 {
			line += " and " + plural(more, "other snapshot", "other snapshots")
		}
		line += ")"
	}
	if f.Repaired {
		line += ": repaired"
	}
	return line
}

// afterRepair says what to do when bytes had to be put right.
func (t *tool) afterRepair(s settings, r *verify.Report) {
	next := "run 'repotool verify' once more"
	if r.Counts[verify.ObjectDamaged] > 0 {
		next = "what damages files does it again: look at the disk and the memory (dmesg, smartctl), and " + next
	}
	if r.Quarantine != "" {
		next += "; what was replaced is in " + filepath.Join(s.store, r.Quarantine) + ", delete it when nobody wants to look at it"
	}
	fmt.Fprintf(t.stderr, "  hint: %s\n", next)
}
