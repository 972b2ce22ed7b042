package main

import (
	"fmt"
	"maps"
	"slices"

	"repotool/snapshot"
)

// findings prints what was found, by kind, with the first of each and what to
// do about it, to standard error: cron sends that by mail. more says how to see
// those that are only counted. With --json the answer has them already.
func (t *tool) findings(s settings, counts map[snapshot.FindingKind]int64, list []snapshot.Finding, more string) {
	if s.json {
		return
	}
	cut := false
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
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
}

func findingLine(f snapshot.Finding) string {
	line := fmt.Sprintf("%s: %s", f.Kind, printable(f.Path))
	if f.Detail != "" {
		line += ": " + printable(f.Detail)
	}
	return line
}
