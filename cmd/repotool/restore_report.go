package main

import (
	"fmt"
	"strings"

	"repotool/fossology"
	"repotool/snapshot"
)

// restoreResult is what restore prints with --json.
type restoreResult struct {
	Snapshot     string                         `json:"snapshot"`
	Installation string                         `json:"installation"`
	To           string                         `json:"to"`
	Plan         bool                           `json:"plan"`
	Files        *snapshot.RestoreReport        `json:"files,omitempty"`
	Rebuild      *snapshot.RebuildReport        `json:"rebuild,omitempty"`
	Queue        *fossology.Resumption          `json:"queue,omitempty"`        // with --rebuild queue
	Unheld       int64                          `json:"unheld,omitempty"`       // files left out that no upload holds: the queue does not bring them
	Later        string                         `json:"laterCommand,omitempty"` // with --rebuild later: what brings them back
	Room         *room                          `json:"room,omitempty"`         // with plan
	Databases    []*databaseResult              `json:"databases,omitempty"`
	Problems     []string                       `json:"problems,omitempty"`          // plan: why it would fail
	Standstill   float64                        `json:"standstillSeconds,omitempty"` // of FOSSology, in place
	Stored       float64                        `json:"storedSeconds,omitempty"`     // until all was back that the snapshot stores
	Seconds      float64                        `json:"seconds,omitempty"`
	Findings     map[snapshot.FindingKind]int64 `json:"findings"`
	First        []snapshot.Finding             `json:"firstFindings"`
}

// problem notes in a plan why the restore would fail.
func (r *restoration) problem(format string, args ...any) {
	r.result.Problems = append(r.result.Problems, fmt.Sprintf(format, args...))
}

// report prints what was done, and ends with findings if there are any.
func (r *restoration) report() error {
	r.result.Findings, r.result.First = r.findings.Counts(), r.findings.First()
	if r.s.json {
		if err := r.answer(r.result); err != nil {
			return err
		}
	} else {
		r.say(r.s, "%s", r.result)
		for _, note := range standstillNotes(ended(r.still)) {
			r.say(r.s, "note: %s\n", note)
		}
	}
	n := r.tool.findings(r.s, r.result.Findings, r.result.First, "")
	if n += int64(len(r.result.Problems)); n > 0 {
		return findingsError{n}
	}
	return nil
}

// String is the result for people.
func (r restoreResult) String() string {
	var b strings.Builder
	would := ""
	if r.Plan {
		would = "would be "
		fmt.Fprintf(&b, "plan for %s of %s, nothing was changed\n", r.Snapshot, r.Installation)
	} else {
		fmt.Fprintf(&b, "restored %s of %s\n", r.Snapshot, r.Installation)
	}
	if f := r.Files; f != nil {
		files := plural(f.Files-f.Symlinks, "file", "files")
		if f.Symlinks > 0 {
			files += " and " + plural(f.Symlinks, "symbolic link", "symbolic links")
		}
		fmt.Fprintf(&b, "  files     %s, %s, in %s\n", files, size(f.Bytes), r.To)
		fmt.Fprintf(&b, "            %s right already, %s %swritten (%s), %s %sreplaced\n",
			count(f.Kept), count(f.Written), would, size(f.NewBytes), count(f.Replaced), would)
		if f.Damaged > 0 {
			fmt.Fprintf(&b, "            %s damaged in the store, not restored\n", count(f.Damaged))
		}
	}
	b.WriteString(r.rebuildLines())
	if r.Room != nil {
		fmt.Fprintf(&b, "  room      %s free, %s, on %s\n", size(r.Room.FreeBytes), inodes(r.Room.FreeInodes), r.Room.Dir)
	}
	for _, d := range r.Databases {
		b.WriteString(d.lines(r.Plan))
	}
	if r.Standstill > 0 {
		fmt.Fprintf(&b, "  stood still %s\n", fraction(r.Standstill))
	}
	if !r.Plan {
		b.WriteString(r.tookLine())
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "  problem   %s\n", p)
	}
	return b.String()
}
