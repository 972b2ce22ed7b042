package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"repotool/snapshot"
)

// snapshotFacts is what snapshots SNAPSHOT prints with --json.
type snapshotFacts struct {
	Summary  *snapshot.Summary  `json:"summary"`
	Findings []snapshot.Finding `json:"findingList"` // all that were recorded
}

// describeSnapshot says all that is known of one snapshot.
func (t *tool) describeSnapshot(ctx context.Context, s settings, ref string) error {
	snap, err := openSnapshot(ctx, s, ref)
	if err != nil {
		return err
	}
	defer snap.Root.Close()
	sum := snap.Summary()
	list, err := snap.Findings()
	if s.json {
		if err != nil {
			return err
		}
		return t.answer(snapshotFacts{sum, list})
	}
	if !s.quiet {
		fmt.Fprint(t.stdout, summaryPage(sum, snap, dayOf(snap.Root, sum)))
	}
	for _, f := range list {
		if notesOnly[f.Kind] {
			continue // on the page as notes
		}
		fmt.Fprintf(t.stdout, "finding: %s\n", findingLine(f))
	}
	return err // after all that could be read
}

// summaryPage is a summary for people, a fact a line.
func summaryPage(x *snapshot.Summary, snap *snapshot.Snapshot, day string) string {
	m := snap.Manifest
	var b strings.Builder
	line := func(what, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s  %s\n", what, fmt.Sprintf(format, args...))
	}
	line("snapshot", "%s of %s, taken %s by repotool %s", x.Name, x.Installation, x.Time.Local().Format(time.DateTime), cmp.Or(x.Repotool, unknown))
	line("repository", "%s, depth %d", m.Repository, m.Depth)
	line("holds", "%s, %s", plural(x.Files, "file", "files"), size(x.Bytes))
	for _, typ := range slices.Sorted(maps.Keys(x.Types)) {
		if n := x.Types[typ]; n.Files > 0 {
			line("", "%s: %s, %s", typ, plural(n.Files, "file", "files"), size(n.Bytes))
		}
	}
	made := line // what only a summary can say
	if !x.Known() {
		line("summary", "how it was made is not known: %s", x.First[0].Detail)
		made = func(string, string, ...any) {}
	}
	made("read", "%s, %s, of which %s were new to the store (%s)", plural(x.Read.Files, "file", "files"), size(x.Read.Bytes),
		count(x.Added.Files), size(x.Added.Bytes))
	if n := m.LeftOut; n.Files > 0 {
		line("from gold", "%s, %s, are not stored: gold in this snapshot makes them", plural(n.Files, "file", "files"), size(n.Bytes))
		line("", "each was unpacked from its gold and had the bytes of the file; repotool verify --rebuild %s does it again", x.Name)
		line("", "proven by %s", m.Unpacker)
	}
	if n := m.Gone; n.Files > 0 {
		line("gone", "%s, %s, were not in the repository any more; the snapshot has them", plural(n.Files, "file", "files"), size(n.Bytes))
		made("", "of those, gold makes %s (pruned)", count(x.Pruned.Files))
	}
	made("left out", "%s of agents at work", plural(x.WorkFiles, "file or directory", "files and directories"))
	made("scan", "%s, %s directories, %s listings of one", x.Detection, count(x.Dirs), count(x.DirsRead))
	if d := m.Database; d != nil {
		line("database", "%s by %s (%s), %s as SQL, %s of it new; PostgreSQL %s", d.Main, cmp.Or(d.Tool, "a command"), d.Mode,
			size(d.Stats.RawBytes), size(d.Stats.NewRaw), pgVersion(d.ServerVersion))
		for _, w := range d.Warnings {
			line("", "note: %s", w.Text)
			if w.Hint != "" {
				line("", "  hint: %s", w.Hint)
			}
		}
	}
	for _, table := range slices.Sorted(maps.Keys(m.Rows)) {
		line("", "%s: %s", table, plural(m.Rows[table], "row", "rows"))
	}
	made("stood still", "%s", fraction(x.Standstill))
	for _, note := range standstillNotes(recorded(x)) {
		line("", "note: %s", note)
	}
	made("took", "%s", fraction(x.Seconds))
	line("day", "%s", day)
	if x.Cycle != "" {
		line("cycle", "of the base %s", x.Cycle)
		if n := len(m.Chain); n > 0 {
			line("", "the day builds on %s", strings.Join(m.Chain, ", "))
		}
	}
	if pin := snap.Pinned(); pin != nil {
		line("pinned", "%s %s", pin.Since.Local().Format(time.DateTime), printable(pin.Note))
	}
	for _, kind := range slices.Sorted(maps.Keys(x.FindingCount)) {
		made("findings", "%s: %s", kind, count(x.FindingCount[kind]))
	}
	return b.String()
}
