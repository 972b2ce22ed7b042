package main

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"repotool/goldindex"
)

// goldTable prints a status for people.
func (t *tool) goldTable(s settings, st *goldindex.Status) {
	for _, note := range st.First {
		fmt.Fprintf(t.stderr, "finding: %s\n", printable(note))
	}
	if s.quiet {
		return
	}
	tw := newTable(t.stdout, []string{"CLASS", "REASON", "FILES", "BYTES", "SHARE"}, 3, 4, 5)
	row := func(class, reason string, n goldindex.Sum) {
		tw.AppendRow(table.Row{class, reason, count(n.Files), size(n.Bytes), share(n.Bytes, st.Files.Bytes)})
	}
	for _, class := range []goldindex.Class{goldindex.Confirmed, goldindex.Recorded} {
		row(string(class), "", st.Classes[class])
	}
	for _, reason := range goldindex.Reasons() {
		if n := st.Reasons[reason]; n.Files > 0 {
			row(string(goldindex.Residue), string(reason), n)
		}
	}
	row("all", "", st.Files)
	tw.Render()
	if st.Absent.Files.Files > 0 {
		t.absentTable(&st.Absent)
	}
	t.goldLines(s, st)
}

// absentTable prints what the repository lacks.
func (t *tool) absentTable(a *goldindex.Absence) {
	fmt.Fprintln(t.stdout)
	tw := newTable(t.stdout, []string{"ABSENT", "REASON", "FILES", "BYTES", "SHARE"}, 3, 4, 5)
	row := func(what, reason string, n goldindex.Sum) {
		if n.Files > 0 {
			tw.AppendRow(table.Row{what, reason, count(n.Files), size(n.Bytes), share(n.Bytes, a.Files.Bytes)})
		}
	}
	row("rebuildable", "", a.Made)
	row("unknown", string(goldindex.NotIndexed), a.Reasons[goldindex.NotIndexed])
	for _, reason := range goldindex.Reasons() {
		what := "lost"
		if reason == goldindex.NotReferenced {
			what = "unused"
		}
		row(what, string(reason), a.Reasons[reason])
	}
	row("all", "", a.Files)
	tw.Render()
	fmt.Fprintln(t.stdout)
}

// goldLines prints what is no sum of files.
func (t *tool) goldLines(s settings, st *goldindex.Status) {
	if st.Ledger.Records == 0 {
		t.say(s, "the ledger is empty: repotool index finds out what gold makes\n")
	} else {
		t.goldCounts(s, st)
	}
	t.uploadLines(s, st)
	if st.Ledger.Broken > 0 {
		t.say(s, "%s of the ledger: repotool index makes them anew\n", plural(st.Ledger.Broken, "damaged file", "damaged files"))
	}
}

// goldCounts prints how many golds there are, by what became of them.
func (t *tool) goldCounts(s settings, st *goldindex.Status) {
	t.say(s, "%s unpacked", plural(st.Golds.Unpacked, "gold", "golds"))
	for _, n := range []struct {
		n    int64
		what string
	}{{st.Golds.Outdated, "by another unpacker"}, {st.Golds.Damaged, "damaged"}, {st.Golds.Missing, "missing"}} {
		if n.n > 0 {
			t.say(s, ", %s %s", count(n.n), n.what)
		}
	}
	t.say(s, "; the ledger has %s\n", size(st.Ledger.Bytes))
}

// uploadLines prints uploads with which something is special.
func (t *tool) uploadLines(s settings, st *goldindex.Status) {
	if len(st.CutShort) > 0 {
		t.say(s, "first unpack not finished: %s\n", strings.Trim(fmt.Sprint(st.CutShort), "[]"))
	}
	if len(st.Unpacking) > 0 {
		t.say(s, "unpacking now, or waiting for it: %s\n", strings.Trim(fmt.Sprint(st.Unpacking), "[]"))
	}
	if st.Renamed > 0 {
		t.say(s, "%s another name than the gold was unpacked under: the contents are the same, the paths of gold which are not\n",
			plural(st.Renamed, "upload has", "uploads have"))
	}
}

// share is a percentage.
func share(n, of int64) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(of))
}
