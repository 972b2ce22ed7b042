package main

import (
	"fmt"
	"maps"
	"slices"

	"repotool/snapshot"
)

// findings prints what was found, by kind, with the first of each and what to
// do about it, to standard error: cron sends that by mail. more says how to see
// those that are only counted. With --json the answer has them already. The
// result is their number, without notes.
func (t *tool) findings(s settings, counts map[snapshot.FindingKind]int64, list []snapshot.Finding, more string) int64 {
	n := countFindings(counts)
	if s.json {
		return n
	}
	cut := false
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		if notesOnly[kind] {
			continue
		}
		shown := int64(0)
		for _, f := range list {
			if f.Kind == kind {
				shown++
				fmt.Fprintf(t.stderr, "finding: %s\n", findingLine(f))
			}
		}
		if rest := counts[kind] - shown; rest > 0 {
			cut = true
			fmt.Fprintf(t.stderr, "finding: %s: %s more\n", kind, count(rest))
		}
		if hint := kind.Hint(); hint != "" {
			fmt.Fprintf(t.stderr, "  hint: %s\n", hint)
		}
	}
	if cut && more != "" {
		fmt.Fprintf(t.stderr, "  %s\n", more)
	}
	return n
}

// notesOnly are kinds that are worth knowing, but nothing to look at: they would
// be the same every night.
var notesOnly = map[snapshot.FindingKind]bool{snapshot.DatabaseWarning: true, snapshot.NoPasswords: true}

// countFindings adds up all kinds but notes.
func countFindings(counts map[snapshot.FindingKind]int64) (n int64) {
	for kind, c := range counts {
		if !notesOnly[kind] {
			n += c
		}
	}
	return n
}

func findingLine(f snapshot.Finding) string {
	line := fmt.Sprintf("%s: %s", f.Kind, printable(f.Path))
	if f.Detail != "" {
		line += ": " + printable(f.Detail)
	}
	return line
}
