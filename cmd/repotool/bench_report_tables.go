package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"

	"repotool/bench"
	"repotool/prune"
)

// As many of the last months and snapshots are listed for people; --json and the page have all.
const (
	monthsShown    = 12
	snapshotsShown = 10
)

// notKnown stands where the ledger has no record.
const notKnown = "–"

// sizingTables prints a report for people, each part with the command that makes its figures.
func (t *tool) sizingTables(r *sizing) {
	t.handTable(r)
	t.thereTable(r)
	t.monthsTable(r)
	t.largestTable(r)
	t.prunableTable(r)
	t.choicesTable(r)
	t.assumedTable(r)
	t.nightsTable(r)
	t.checkedTable(r)
	for _, line := range r.Advice {
		fmt.Fprintln(t.stdout, line)
	}
	t.source(r, "advice")
}

// source says which command makes the figures above it.
func (t *tool) source(r *sizing, part string) {
	fmt.Fprintf(t.stdout, "# %s\n\n", r.Survey.Source(part, r.line))
}

func (t *tool) handTable(r *sizing) {
	if len(r.Survey.ByHand) == 0 {
		return
	}
	w := newTable(t.stdout, []string{"BY HAND", "", "FROM", "WHAT IT IS"}, 2)
	for _, x := range r.Survey.ByHand {
		w.AppendRow(table.Row{x.Name, assumption(x), x.From, x.Says})
	}
	w.Render()
	t.source(r, "hand")
}

// amount is a number of bytes as the advice, the page and --assume have it: in thousands.
func amount(n int64) string { return humanize.Bytes(uint64(max(0, n))) }

// longestName is how many letters of an upload's name a table has.
const longestName = 60

// cut leaves the beginning of a name that is too long for a table.
func cut(name string) string {
	if letters := []rune(name); len(letters) > longestName {
		return string(letters[:longestName-1]) + "…"
	}
	return name
}

func assumption(x bench.Assumption) string {
	if x.Bytes {
		return amount(int64(x.Value))
	}
	return humanize.Commaf(math.Round(100*x.Value) / 100)
}

func (t *tool) thereTable(r *sizing) {
	s := r.Survey
	w := newTable(t.stdout, []string{"THERE IS", "FILES", "BYTES", "ON THE DISK", "OF FILES"}, 2, 3, 4, 5)
	row := func(what string, h bench.Holding, share string) {
		if h.Files > 0 {
			w.AppendRow(table.Row{what, count(h.Files), amount(h.Bytes), amount(h.Disk), share})
		}
	}
	row("gold", s.Gold, "")
	row("files", s.Files, "")
	for _, c := range prune.Classes() {
		row("  "+string(c), s.Classes[c], s.Share(s.Classes[c]))
	}
	row("  of no row", s.Unknown, s.Share(s.Unknown))
	row("other", s.Other, "")
	row("work of agents, in no snapshot", s.Work, "")
	row("of files, that gold brings back", s.Proven, s.Share(s.Proven))
	row("of files, that a backup by gold keeps", s.Unproven, s.Share(s.Unproven))
	w.Render()
	fmt.Fprintf(t.stdout, "%s; %s of files for one of gold\n", plural(s.Uploads, "upload", "uploads"), times(s.Ratio()))
	t.source(r, "there")
	takes := "not known yet: repotool index"
	if s.Rebuild.Golds > 0 || s.Rebuild.Missing == 0 {
		takes = fmt.Sprintf("%s, %s known; a restore needs %s of them: %s, the longest %s",
			fraction(s.Rebuild.Seconds), count(s.Rebuild.Golds), count(s.Rebuild.Needed), fraction(s.Rebuild.Least), fraction(s.Rebuild.Longest))
	}
	fmt.Fprintf(t.stdout, "unpacking all %s again: %s\n", plural(s.Rebuild.Golds+s.Rebuild.Missing, "gold", "golds"), takes)
	t.source(r, "rebuild")
}

func (t *tool) monthsTable(r *sizing) {
	months := r.Survey.Months
	if len(months) == 0 {
		return
	}
	w := newTable(t.stdout, []string{"MONTH", "UPLOADS", "GOLD", "WHAT CAME OF IT"}, 2, 3, 4)
	for _, m := range months[max(0, len(months)-monthsShown):] {
		out := amount(m.Out)
		if m.Unknown() {
			out = notKnown
		}
		w.AppendRow(table.Row{m.Month, count(m.Uploads), amount(m.Gold), out})
	}
	w.Render()
	t.source(r, "months")
}

func (t *tool) largestTable(r *sizing) {
	if len(r.Survey.Largest) == 0 {
		return
	}
	w := newTable(t.stdout, []string{"LARGEST UPLOAD", "NAME", "GOLD", "FILES", "BYTES OF THEM", "TO UNPACK"}, 1, 3, 4, 5, 6)
	for _, u := range r.Survey.Largest {
		files, out, took := notKnown, notKnown, notKnown
		if u.Known {
			files, out, took = count(u.Files), amount(u.Out), fraction(u.Seconds)
		}
		w.AppendRow(table.Row{u.Upload, printable(cut(u.Name)), amount(u.Gold), files, out, took})
	}
	w.Render()
	t.source(r, "largest")
}

func (t *tool) prunableTable(r *sizing) {
	if len(r.Prunings) < 2 {
		return
	}
	w := newTable(t.stdout, slices.Concat([]string{"PRUNE --LEVEL", "FILES", "FREES AT MOST", "OF FILES"}, horizons(), []string{"TO BRING BACK"}), 2, 3, 4, 5, 6, 7, 8, 9)
	for _, p := range r.Prunings {
		h := r.Survey.Prunable[p.Level]
		line := table.Row{p.Level, count(h.Files), amount(h.Disk), r.Survey.Share(h)}
		for _, n := range bench.Horizons {
			line = append(line, amount(int64(p.Bytes[n])))
		}
		w.AppendRow(append(line, fraction(p.Back)))
	}
	w.Render()
	fmt.Fprintln(t.stdout, "of the repository, if each night ends with a prune; a backup takes the same with and without")
	t.source(r, "prunable")
}

// horizons are the columns of bytes.
func horizons() (header []string) {
	for _, h := range bench.Horizons {
		header = append(header, plural(int64(h), "DAY", "DAYS"))
	}
	return header
}

func (t *tool) choicesTable(r *sizing) {
	w := newTable(t.stdout, slices.Concat([]string{"CHOICE"}, horizons(), []string{"STANDSTILL", "TO SERVICE", "TO LAST FILE"}), 2, 3, 4, 5, 6, 7, 8)
	for _, c := range r.Choices {
		line := table.Row{c.Name()}
		if c.Name() == r.Present {
			line[0] = c.Name() + " (now)"
		}
		for _, h := range bench.Horizons {
			line = append(line, amount(int64(c.Bytes[h])))
		}
		w.AppendRow(append(line, fraction(c.Standstill), fraction(c.Service), fraction(c.Last)))
	}
	w.Render()
	fmt.Fprintf(t.stdout, "under %s; of rotating the most up to then\n", bench.Kept(&r.Assumptions.Retention))
	if r.Assumptions.DatabaseRaw == 0 {
		fmt.Fprintln(t.stdout, "seconds without a database, whose size is not known (--assume databaseRaw=SIZE)")
	}
	t.source(r, "choices")
}

func (t *tool) assumedTable(r *sizing) {
	w := newTable(t.stdout, []string{"ASSUMED", "", "FROM"}, 2)
	for _, x := range r.Assumptions.List() {
		w.AppendRow(table.Row{x.Name, assumption(x), x.From})
	}
	w.Render()
	t.source(r, "assumed")
}

func (t *tool) nightsTable(r *sizing) {
	if len(r.History) == 0 {
		return
	}
	w := newTable(t.stdout, []string{"SNAPSHOT", "TOOK", "STANDSTILL", "ADDED", "FINDINGS"}, 2, 3, 4, 5)
	for _, x := range r.History[max(0, len(r.History)-snapshotsShown):] {
		w.AppendRow(table.Row{x.Name, fraction(x.Seconds), fraction(x.Standstill), amount(x.Added), count(x.Findings)})
	}
	w.Render()
	t.source(r, "history")
}

func (t *tool) checkedTable(r *sizing) {
	if r.Checked == nil {
		return
	}
	w := newTable(t.stdout, []string{"CHECKED", "FORECAST", "WAS", "ERROR"}, 2, 3, 4)
	for _, x := range r.Checked {
		shown := fraction
		if x.Bytes {
			shown = func(v float64) string { return amount(int64(v)) }
		}
		w.AppendRow(table.Row{x.What, shown(x.Forecast), shown(x.Was), x.Error()})
	}
	w.Render()
	t.source(r, "checked")
}
