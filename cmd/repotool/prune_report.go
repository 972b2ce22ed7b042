package main

import (
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"repotool/prune"
	"repotool/reunpack"
)

// keptTexts say in a few words why files stay.
var keptTexts = map[prune.Reason]string{
	prune.Unknown:      "no row of the database refers to them",
	prune.OtherClass:   "of another class, for some upload",
	prune.Filtered:     "left out by the filters",
	prune.NotConfirmed: "gold is not proven to make them (repotool gold status)",
	prune.GoldMissing:  "the gold that makes them is not there",
	prune.OtherGold:    "only the gold of another upload makes them, and may be deleted with it",
	prune.FewCopies:    "fewer golds make them than are wanted",
	prune.NotUnpacked:  "an upload that has them waits to be unpacked",
	prune.Job:          "an upload that has them has a job that runs or waits",
	prune.CutShort:     "an upload that has them was never unpacked to its end",
	prune.NotBackedUp:  "the last good snapshot does not know them",
	prune.RecentlyRead: "read or written lately",
	prune.Budget:       "enough is freed without them",
	prune.Gone:         "gone meanwhile",
	prune.Changed:      "another file now, or with other links, since the plan",
	prune.WrongBytes:   "their bytes are not what gold makes (repotool verify --source)",
	prune.GoldDamaged:  "the bytes of their gold are not those of its name",
	prune.NotProven:    "the ledger does not say any more that gold makes them",
	prune.Unreadable:   "they, or their gold, could not be read",
}

// goldsShown is how many golds of a plan are listed for people.
const goldsShown = 8

// reportPlan prints a plan.
func (x *pruning) reportPlan(p *prune.Plan) error {
	if x.s.json {
		if err := x.answer(p); err != nil {
			return err
		}
		return x.troubles(p.Troubles)
	}
	if x.s.quiet {
		return x.troubles(p.Troubles)
	}
	if p.Victims.Files > 0 {
		w := newTable(x.stdout, []string{"GOES", "FILES", "BYTES"}, 2, 3)
		for _, c := range prune.Classes() {
			if s := p.Classes[c]; s.Files > 0 {
				w.AppendRow(table.Row{c, count(s.Files), size(s.Bytes)})
			}
		}
		w.AppendRow(table.Row{"all", count(p.Victims.Files), size(p.Victims.Bytes)})
		w.Render()
		fmt.Fprintln(x.stdout)
	}
	x.keptTable(p.Kept, prune.Reasons(), keptTexts)
	if p.Victims.Files == 0 {
		fmt.Fprintf(x.stdout, "nothing goes at level %s\n", p.Level)
		if p.Kept[prune.NotConfirmed].Files > 0 {
			fmt.Fprintln(x.stdout, "  hint: repotool index proves what gold brings back; only that goes")
		}
	} else {
		for i, g := range p.Golds {
			if i == goldsShown {
				fmt.Fprintf(x.stdout, "and %s more (--json lists them)\n", plural(int64(len(p.Golds)-i), "gold", "golds"))
				break
			}
			fmt.Fprintf(x.stdout, "%s  %s: %s, %s; %s to unpack\n", g.Name, printable(g.Upload), plural(g.Victims.Files, "file", "files"), size(g.Victims.Bytes), fraction(g.Seconds))
		}
		fmt.Fprintf(x.stdout, "%s (%s) of %s would go at level %s, which frees %s; to bring all of it back: %s, at most %s of unpacking\n",
			plural(p.Victims.Files, "file", "files"), size(p.Victims.Bytes), count(p.Files), p.Level, size(p.Freed), plural(int64(len(p.Golds)), "gold", "golds"), fraction(p.Seconds))
		fmt.Fprintln(x.stdout, x.missed(p))
	}
	return x.troubles(p.Troubles)
}

// missed says what FOSSology misses for the moment.
func (x *pruning) missed(p *prune.Plan) string {
	what := "FOSSology can then not show or download these archives, nor unpack them again by themselves"
	if p.Level == prune.Derived {
		what = "FOSSology can then not show, download or analyse these files"
	}
	return what + "; repotool reunpack --upload N, or --name NAME, brings them back.\nnothing was changed: --execute does it"
}

// reportDeed prints what was done, also when an error ended it.
func (x *pruning) reportDeed(r *prune.Report, err error) error {
	if err != nil {
		if r != nil && r.Removed.Files > 0 {
			fmt.Fprintf(x.stderr, "repotool: removed before: %s (%s); repotool prune --resume %s goes on, --undo %s brings them back\n",
				plural(r.Removed.Files, "file", "files"), size(r.Removed.Bytes), r.Plan, r.Plan)
		}
		return err
	}
	if x.s.json {
		err = x.answer(r)
	} else if !x.s.quiet {
		x.keptTable(r.Kept, prune.Reasons(), keptTexts)
		fmt.Fprintf(x.stdout, "%s removed (%s), and %s; %s freed; %s\n", plural(r.Removed.Files, "file", "files"), size(r.Removed.Bytes),
			plural(r.Directories, "empty directory", "empty directories"), size(r.Freed), fraction(r.Seconds))
		fmt.Fprintf(x.stdout, "to bring them back: repotool prune --undo %s\n", r.Plan)
	}
	// somebody should look at these
	findings := x.alarm(r.Kept, keptTexts, prune.WrongBytes, prune.GoldDamaged, prune.Unreadable)
	if err == nil && findings > 0 {
		err = findingsError{findings}
	}
	return err
}

// undoResult is what prune --undo prints with --json.
type undoResult struct {
	Plan    string          `json:"plan"`
	Journal string          `json:"journal"`
	Removed prune.Sum       `json:"removed"` // by the run
	Back    reunpack.Sum    `json:"back"`
	There   reunpack.Sum    `json:"there"` // had come back before
	Lost    reunpack.Losses `json:"lost"`
	Golds   int64           `json:"golds"`
	Seconds float64         `json:"seconds"`
}

func (u *undoResult) add(r *reunpack.Report) {
	u.Back.Files += r.Written.Files
	u.Back.Bytes += r.Written.Bytes
	u.Golds += r.Golds
	u.Seconds += r.Seconds
	u.Lost.Add(&r.Lost)
}

func (x *pruning) reportUndo(u *undoResult) error {
	u.There.Files = max(0, u.Removed.Files-u.Back.Files-u.Lost.Files())
	u.There.Bytes = max(0, u.Removed.Bytes-u.Back.Bytes)
	if x.s.json {
		if err := x.answer(u); err != nil {
			return err
		}
	} else {
		line := fmt.Sprintf("%s had been removed (%s): %s brought back (%s) from %s", plural(u.Removed.Files, "file", "files"), size(u.Removed.Bytes),
			count(u.Back.Files), size(u.Back.Bytes), plural(u.Golds, "gold", "golds"))
		if u.There.Files > 0 {
			line += fmt.Sprintf(", %s there already", count(u.There.Files))
		}
		if n := u.Lost.Files(); n > 0 {
			line += fmt.Sprintf(", %s not", count(n))
		}
		x.say(x.s, "%s; %s\n", line, fraction(u.Seconds))
		x.printLost(&u.Lost, nil)
	}
	return lostFindings(&u.Lost, nil)
}

// list prints the earlier runs.
func (x *pruning) list() error {
	deeds, err := prune.Deeds(x.dir)
	if err != nil {
		return err
	}
	if x.s.json {
		return x.answer(deedList{append([]*prune.Deed{}, deeds...)})
	}
	if len(deeds) == 0 {
		fmt.Fprintln(x.stdout, "nothing was pruned yet")
		return nil
	}
	w := newTable(x.stdout, []string{"RUN", "BEGAN", "REMOVED", "BYTES", ""}, 3, 4)
	for _, d := range deeds {
		w.AppendRow(table.Row{d.Plan, d.Start.Local().Format(time.DateTime), count(d.Report.Removed.Files), size(d.Report.Removed.Bytes), runState(&d.Run)})
	}
	w.Render()
	return nil
}

// deedList is what prune --list prints with --json.
type deedList struct {
	Runs []*prune.Deed `json:"runs"`
}
