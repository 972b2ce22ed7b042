package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"repotool/verify"
)

// addReport adds what another check found.
func addReport(sum, r *verify.Report) {
	sum.Objects += r.Objects
	sum.Skipped += r.Skipped
	sum.Bytes += r.Bytes
	sum.Snapshots += r.Snapshots
	sum.Files += r.Files
	sum.Repaired += r.Repaired
	if sum.Counts == nil {
		sum.Counts = map[verify.Kind]int64{}
	}
	for k, n := range r.Counts {
		sum.Counts[k] += n
	}
	sum.Findings = append(sum.Findings, r.Findings...)
}

// reportVerify prints what was checked and found.
func (t *tool) reportVerify(s settings, r *verify.Report) error {
	if s.json {
		if err := t.answer(r); err != nil {
			return err
		}
	} else {
		t.say(s, "%s\n", verifyLine(r))
		t.verifyFindings(r)
	}
	if !r.Good() {
		n := int64(0)
		for _, c := range r.Counts {
			n += c
		}
		return findingsError{n}
	}
	return nil
}

func verifyLine(r *verify.Report) string {
	var parts []string
	if r.Objects > 0 || r.Skipped > 0 {
		parts = append(parts, fmt.Sprintf("%s read (%s)", plural(r.Objects, "object", "objects"), size(r.Bytes)))
	}
	if r.Skipped > 0 {
		parts = append(parts, count(r.Skipped)+" not read this time")
	}
	if r.Snapshots > 0 {
		parts = append(parts, plural(r.Snapshots, "snapshot", "snapshots")+" checked")
	}
	if r.Files > 0 {
		parts = append(parts, plural(r.Files, "file", "files"))
	}
	n := int64(0)
	for _, c := range r.Counts {
		n += c
	}
	verdict := "all good"
	if n > 0 {
		verdict = plural(n, "finding", "findings")
	}
	if r.Repaired > 0 {
		verdict += fmt.Sprintf(", %s repaired", count(r.Repaired))
	}
	return strings.Join(append(parts, verdict), ", ")
}

// shownFindings is how many findings of a kind are printed one by one.
const shownFindings = 20

func (t *tool) verifyFindings(r *verify.Report) {
	for _, kind := range slices.Sorted(maps.Keys(r.Counts)) {
		shown := int64(0)
		for _, f := range r.Findings {
			if f.Kind != kind || shown == shownFindings {
				continue
			}
			shown++
			line := fmt.Sprintf("finding: %s: %s", f.Kind, printable(f.What))
			if f.Detail != "" {
				line += ": " + printable(f.Detail)
			}
			if f.Snapshot != "" {
				line += " (snapshot " + f.Snapshot + ")"
			}
			if f.Repaired {
				line += ": repaired"
			}
			fmt.Fprintln(t.stderr, line)
		}
		if rest := r.Counts[kind] - shown; rest > 0 {
			fmt.Fprintf(t.stderr, "finding: %s: %s more (--json lists them)\n", kind, count(rest))
		}
		if hint := kind.Hint(); hint != "" {
			fmt.Fprintf(t.stderr, "  hint: %s\n", hint)
		}
	}
}
