package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/urfave/cli/v2"

	"repotool/bench"
	"repotool/prune"
	"repotool/snapshot"
	"repotool/store"
)

func (t *tool) benchReportCommand() *cli.Command {
	return documented(&cli.Command{
		Name:     "report",
		HelpName: "bench report",
		Usage:    "say what is there, and what each way to back it up costs",
		Description: `
Reads an installation - names and sizes of its files, rows of its database, the
ledger, the snapshots so far; no file is opened - and prints what is there, and
what each choice costs: full or gold, linked or rotating, flat, native or no
days. Bytes are those on the disk after 1, 7, 30 and 365 nights under the
installation's retention; seconds those of a restore, to service (gold, residue,
database) and to the last file (what gold makes, too, by the ledger's measured
costs).

What a forecast takes for granted is printed with it, and where each value comes
from; --assume NAME=VALUE changes one: growthGold and growthFiles (bytes a day),
dump and dumpNight, databaseRaw (bytes), standstill (seconds), filesRate,
bytesRate, databaseRate (a second), manifest (bytes a file), parallel (golds at
once), cycle (snapshots), block (bytes).

--check compares forecasts with what then was: the bytes of the store, the last
nights, each by those before it, and the restores that were whole; the error is
shown.

--html FILE writes all of it as one page, with pictures, that needs nothing
else.`,
		Flags: append([]cli.Flag{
			&cli.StringSliceFlag{Name: "assume", Usage: "take `NAME=VALUE` for granted (repeatable), such as growthGold=2GB"},
			&cli.BoolFlag{Name: "check", Usage: "compare forecasts with what then was: the store, the last nights, restores"},
			&cli.StringFlag{Name: "html", Usage: "write a page with pictures to `FILE`, too"},
		}, installationFlags()...),
		Action: t.benchReport,
	}, `
repotool bench report
repotool bench report --check
repotool bench report --html /tmp/cost.html
repotool bench report --assume growthGold=2GB --assume filesRate=8000`,
		exitFailed, exitFindings, exitInterrupted)
}

// sizing is what bench report prints with --json.
type sizing struct {
	Survey      *bench.Survey     `json:"survey"`
	Assumptions bench.Assumptions `json:"assumptions"`
	Choices     []bench.Choice    `json:"choices"`
	Present     string            `json:"present,omitempty"` // the choice of the last snapshot
	Advice      []string          `json:"advice"`
	Checked     []bench.Checked   `json:"checked,omitempty"` // with --check

	history []*snapshot.Summary
}

func (t *tool) benchReport(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	if c.NArg() > 0 {
		return tooMany(c, 0)
	}
	var r *sizing
	err = t.withGold(c.Context, s, func(g gold) error {
		ledger, err := g.ledger(c.Context, s)
		if err != nil {
			return err
		}
		defer ledger.Close()
		view, err := g.db.View(c.Context)
		if err != nil {
			return err
		}
		defer view.Close()
		var entries iter.Seq2[snapshot.Entry, error]
		if snap, err := findSnapshot(c.Context, s, g.st, "latest"); err == nil {
			entries = snap.Entries(c.Context, "")
		}
		progress := new(snapshot.Progress)
		progress.Begin("look at files", 0, 0)
		stop := t.watch(s, progress)
		survey, err := bench.MakeSurvey(c.Context, view, bench.SurveyOptions{Repository: g.in.Repository, Ledger: ledger, Now: t.now,
			Stored: func(object store.Hash) (int64, bool) { // one that is lost is known less exactly
				info, err := g.st.Stat(object)
				return info.Disk, err == nil
			},
			Entries:  entries,
			Progress: func(files, bytes int64) { progress.Files.Add(files); progress.Bytes.Add(bytes) }})
		stop()
		if err != nil {
			return mendLedger(err)
		}
		history, err := snapshot.List(g.st, s.installation)
		if err != nil {
			return err
		}
		a := bench.Assume(survey, history, s.retention)
		for _, x := range c.StringSlice("assume") {
			if err := a.Set(x, humanize.ParseBytes); err != nil {
				return &usageError{err: err}
			}
		}
		r = &sizing{Survey: survey, Assumptions: a, Choices: bench.Forecast(survey, &a), Present: presentChoice(history), history: history}
		r.Advice = bench.Advice(survey, r.Choices, r.Present)
		if c.Bool("check") {
			return r.check(c.Context, g.st, s.installation)
		}
		return nil
	})
	if err != nil {
		return noRoom(err, os.TempDir())
	}
	if name := c.String("html"); name != "" {
		if err := r.page(name); err != nil {
			return err
		}
	}
	if s.json {
		err = t.answer(r)
	} else {
		t.sizingTables(r)
	}
	return cmp.Or(err, t.troubles(r.Survey.Troubles))
}

// presentChoice is the one by which the last snapshot was taken.
func presentChoice(history []*snapshot.Summary) string {
	for i := len(history) - 1; i >= 0; i-- {
		if x := history[i]; x.Known() {
			c := bench.Choice{Strategy: x.Strategy, Scheme: "linked", Days: string(x.Layout)}
			if x.Scheme == snapshot.SchemeRotating {
				c.Scheme = "rotating"
			}
			return c.Name()
		}
	}
	return ""
}

// check compares the forecasts with what then was.
func (r *sizing) check(ctx context.Context, st *store.Store, installation string) error {
	bytes, err := bench.StoreBytes(ctx, st.Path())
	if err != nil {
		return err
	}
	back, err := restores(st, installation)
	if err != nil {
		return err
	}
	present := r.choice(r.Present)
	for _, x := range r.history { // what one full snapshot has brought is there
		if present != nil && x.Strategy == "full" {
			c := *present
			c.Strategy = "full"
			present = r.choice(c.Name())
		}
	}
	r.Checked = bench.Check(r.Survey, &r.Assumptions, present, r.history, back, bytes)
	return nil
}

// choice finds one by its name.
func (r *sizing) choice(name string) *bench.Choice {
	for i := range r.Choices {
		if r.Choices[i].Name() == name {
			return &r.Choices[i]
		}
	}
	return nil
}

// page writes the report as a page.
func (r *sizing) page(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	p := bench.Page{Survey: r.Survey, Assumptions: &r.Assumptions, Choices: r.Choices, Present: r.Present, Snapshots: r.history, Command: commandLine()}
	return errors.Join(p.Write(f), f.Close())
}

// sizingTables prints a report for people.
func (t *tool) sizingTables(r *sizing) {
	s := r.Survey
	w := newTable(t.stdout, []string{"THERE IS", "FILES", "BYTES", "ON THE DISK"}, 2, 3, 4)
	row := func(what string, h bench.Holding) {
		if h.Files > 0 {
			w.AppendRow(table.Row{what, count(h.Files), size(h.Bytes), size(h.Disk)})
		}
	}
	row("gold", s.Gold)
	row("files", s.Files)
	for _, c := range prune.Classes() {
		row("  "+string(c), s.Classes[c])
	}
	row("  of no row", s.Unknown)
	row("other", s.Other)
	row("of files, that gold brings back", s.Proven)
	row("of files, that a backup by gold keeps", s.Unproven)
	w.Render()
	fmt.Fprintf(t.stdout, "%s; %s of files for one of gold; unpacking all %s again: %s, %s known\n\n", plural(s.Uploads, "upload", "uploads"), times(s.Ratio()),
		plural(s.Rebuild.Golds+s.Rebuild.Missing, "gold", "golds"), fraction(s.Rebuild.Seconds), count(s.Rebuild.Golds))
	if len(s.Prunable) > 0 {
		w = newTable(t.stdout, []string{"PRUNE --LEVEL", "FILES", "FREES AT MOST", "OF FILES"}, 2, 3, 4)
		for _, l := range prune.Levels() {
			h := s.Prunable[l]
			w.AppendRow(table.Row{l, count(h.Files), size(h.Disk), fmt.Sprintf("%.0f %%", 100*float64(h.Bytes)/float64(max(1, s.Files.Bytes)))})
		}
		w.Render()
		fmt.Fprintln(t.stdout)
	}
	header := []string{"CHOICE"}
	for _, h := range bench.Horizons {
		header = append(header, plural(int64(h), "DAY", "DAYS"))
	}
	w = newTable(t.stdout, append(header, "STANDSTILL", "TO SERVICE", "TO LAST FILE"), 2, 3, 4, 5, 6, 7, 8)
	for _, c := range r.Choices {
		line := table.Row{c.Name()}
		if c.Name() == r.Present {
			line[0] = c.Name() + " (now)"
		}
		for _, h := range bench.Horizons {
			line = append(line, size(int64(c.Bytes[h])))
		}
		w.AppendRow(append(line, fraction(c.Standstill), fraction(c.Service), fraction(c.Last)))
	}
	w.Render()
	fmt.Fprintln(t.stdout)
	w = newTable(t.stdout, []string{"ASSUMED", "", "FROM"}, 2)
	for _, x := range r.Assumptions.List() {
		shown := humanize.Commaf(x.Value)
		if x.Bytes {
			shown = size(int64(x.Value))
		}
		w.AppendRow(table.Row{x.Name, shown, x.From})
	}
	w.Render()
	fmt.Fprintln(t.stdout)
	for _, line := range r.Advice {
		fmt.Fprintln(t.stdout, line)
	}
	if r.Checked == nil {
		return
	}
	fmt.Fprintln(t.stdout)
	w = newTable(t.stdout, []string{"CHECKED", "FORECAST", "WAS", "ERROR"}, 2, 3, 4)
	for _, x := range r.Checked {
		shown := fraction
		if x.Bytes {
			shown = func(v float64) string { return size(int64(v)) }
		}
		w.AppendRow(table.Row{x.What, shown(x.Forecast), shown(x.Was), fmt.Sprintf("%+.0f %%", 100*x.Error())})
	}
	w.Render()
}
