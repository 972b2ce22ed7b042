package main

import (
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"repotool/prune"
)

// differentTexts say in a few words why files with a double stay as they are.
var differentTexts = map[prune.Reason]string{
	prune.Shared:     "they share their bytes already",
	prune.OtherDisk:  "their double is on another file system",
	prune.Metadata:   "owner, mode, time or attributes are not those of their double",
	prune.Gone:       "gone meanwhile",
	prune.Changed:    "another file now, or touched since the plan",
	prune.InUse:      "open for writing",
	prune.Full:       "their double has as many names as the file system allows",
	prune.Refused:    "the system does not allow it: immutable, not yours, or no leases there",
	prune.Different:  "not the bytes of their double of the same Name (repotool verify --source)",
	prune.Unreadable: "they, or their double, could not be read",
}

// reportPlan prints a plan.
func (x *deduping) reportPlan(p *prune.DedupPlan) error {
	if x.s.json {
		if err := x.answer(p); err != nil {
			return err
		}
	} else if !x.s.quiet {
		x.keptTable(p.Kept, prune.DedupReasons(), differentTexts)
		if p.Same.Files == 0 {
			fmt.Fprintf(x.stdout, "%s looked at: nothing is there twice that could be kept once\n", plural(p.Files, "file", "files"))
		} else {
			fmt.Fprintf(x.stdout, "%s looked at: %s (%s) would share the bytes of %s, by %s, which frees %s\n", plural(p.Files, "file", "files"),
				plural(p.Same.Files, "file", "files"), size(p.Same.Bytes), plural(p.Groups, "other one", "others"), p.How, size(p.Freed))
			fmt.Fprintln(x.stdout, "nothing was changed: --execute does it")
		}
		if p.Kept[prune.Metadata].Files > 0 {
			fmt.Fprintln(x.stdout, "  hint: --how reflink keeps owner, mode and time of each, where the file system can")
		}
	}
	return x.troubles(p.Troubles)
}

// reportRun prints what was done, also when an error ended it.
func (x *deduping) reportRun(r *prune.DedupReport, err error) error {
	if err != nil {
		if r != nil && r.Same.Files > 0 {
			fmt.Fprintf(x.stderr, "repotool: done before: %s (%s); repotool dedup --resume %s goes on, --undo %s takes it back\n",
				plural(r.Same.Files, "file", "files"), size(r.Same.Bytes), r.Plan, r.Plan)
		}
		return err
	}
	if x.s.json {
		err = x.answer(r)
	} else if !x.s.quiet {
		x.keptTable(r.Kept, prune.DedupReasons(), differentTexts)
		fmt.Fprintf(x.stdout, "%s (%s) share the bytes of another one now; %s freed; %s\n", plural(r.Same.Files, "file", "files"), size(r.Same.Bytes),
			size(r.Freed), fraction(r.Seconds))
		fmt.Fprintf(x.stdout, "to give them their own again: repotool dedup --undo %s\n", r.Plan)
	}
	for _, d := range r.Differ {
		fmt.Fprintf(x.stderr, "finding: %s\n", printable(d))
	}
	if findings := x.alarm(r.Kept, differentTexts, prune.Different, prune.Unreadable); err == nil && findings > 0 {
		err = findingsError{findings}
	}
	return err
}

// dedupUndone is what dedup --undo prints with --json.
type dedupUndone struct {
	*prune.DedupUndo
	Seconds float64 `json:"seconds"`
}

func (x *deduping) reportUndo(u *prune.DedupUndo, took time.Duration) (err error) {
	if x.s.json {
		err = x.answer(dedupUndone{u, took.Seconds()})
	} else if !x.s.quiet {
		x.keptTable(u.Left, prune.DedupReasons(), leftTexts)
		line := fmt.Sprintf("%s (%s) have bytes of their own again", plural(u.Back.Files, "file", "files"), size(u.Back.Bytes))
		if u.Apart.Files > 0 {
			line += fmt.Sprintf("; %s had them already", count(u.Apart.Files))
		}
		fmt.Fprintf(x.stdout, "%s; %s\n", line, fraction(took.Seconds()))
	}
	if findings := x.alarm(u.Left, leftTexts, prune.Gone, prune.Changed, prune.Refused, prune.Unreadable); err == nil && findings > 0 {
		err = findingsError{findings}
	}
	return err
}

// leftTexts say why files are not given their own bytes again.
var leftTexts = map[prune.Reason]string{
	prune.Gone:       "not there any more",
	prune.Changed:    "something else stands there now",
	prune.Refused:    "the system does not allow it (immutable, or not yours: undo as root)",
	prune.Unreadable: "they could not be read",
}

// dedupList is what dedup --list prints with --json.
type dedupList struct {
	Runs []*prune.DedupRun `json:"runs"`
}

// list prints the earlier runs.
func (x *deduping) list() error {
	runs, err := prune.DedupRuns(x.dir)
	if err != nil {
		return err
	}
	if x.s.json {
		return x.answer(dedupList{append([]*prune.DedupRun{}, runs...)})
	}
	if len(runs) == 0 {
		fmt.Fprintln(x.stdout, "there was no dedup yet")
		return nil
	}
	w := newTable(x.stdout, []string{"RUN", "BEGAN", "FILES", "FREED", ""}, 3, 4)
	for _, d := range runs {
		w.AppendRow(table.Row{d.Plan, d.Start.Local().Format(time.DateTime), count(d.Report.Same.Files), size(d.Report.Freed), runState(&d.Run)})
	}
	w.Render()
	return nil
}
