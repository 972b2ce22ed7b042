package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"repotool/goldindex"
	"repotool/reunpack"
)

// shownGolds is how many golds of a plan are printed for people: the dearest.
const shownGolds = 20

// reportReunpackPlan prints a plan.
func (t *tool) reportReunpackPlan(s settings, p *reunpack.Plan) error {
	if s.json {
		if err := t.answer(p); err != nil {
			return err
		}
		return lostFindings(&p.Cannot, p.Troubles)
	}
	if !s.quiet && len(p.Golds) > 0 {
		tw := newTable(t.stdout, []string{"GOLD", "UPLOAD", "FILES", "BYTES", "TO UNPACK"}, 3, 4, 5)
		for _, g := range p.Golds[:min(len(p.Golds), shownGolds)] {
			tw.AppendRow(table.Row{g.Name, printable(g.Upload), count(g.Files), size(g.Bytes), fraction(g.Cost.Seconds)})
		}
		tw.Render()
		if rest := len(p.Golds) - shownGolds; rest > 0 {
			t.say(s, "and %s (--json lists them)\n", plural(int64(rest), "gold more", "golds more"))
		}
	}
	if p.Missing.Files == 0 {
		t.say(s, "nothing is missing\n")
		t.printLost(&p.Cannot, p.Troubles)
		return lostFindings(&p.Cannot, p.Troubles)
	}
	t.say(s, "%s missing (%s): %s (%s) from %s, at most %s to unpack one after another; %s cannot be brought back\n",
		plural(p.Missing.Files, "file", "files"), size(p.Missing.Bytes), plural(p.Rebuilt.Files, "file", "files"), size(p.Rebuilt.Bytes),
		plural(int64(len(p.Golds)), "gold", "golds"), seconds(lasting(p.Seconds)), count(p.Cannot.Files()))
	t.printLost(&p.Cannot, p.Troubles)
	return lostFindings(&p.Cannot, p.Troubles)
}

// reportReunpack prints what was brought back.
func (t *tool) reportReunpack(s settings, p *reunpack.Plan, r *reunpack.Report) error {
	if s.json {
		if err := t.answer(r); err != nil {
			return err
		}
		return lostFindings(&r.Lost, p.Troubles)
	}
	if r.Missing.Files == 0 {
		t.say(s, "nothing is missing\n")
		t.printLost(&r.Lost, p.Troubles)
		return lostFindings(&r.Lost, p.Troubles)
	}
	t.say(s, "%s missing: %s brought back (%s) from %s", plural(r.Missing.Files, "file", "files"), count(r.Written.Files), size(r.Written.Bytes),
		plural(r.Golds, "gold", "golds"))
	if r.There.Files > 0 {
		t.say(s, ", %s brought by somebody else meanwhile", count(r.There.Files))
	}
	if n := r.Lost.Files(); n > 0 {
		t.say(s, ", %s not", count(n))
	}
	t.say(s, "; %s\n", seconds(lasting(r.Seconds)))
	if r.Foreign > 0 {
		fmt.Fprintf(t.stderr, "repotool: the owner of %s is not that of the others: run it as root\n", plural(r.Foreign, "new file or directory", "new files and directories"))
	}
	t.printLost(&r.Lost, p.Troubles)
	return lostFindings(&r.Lost, p.Troubles)
}

func lasting(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// printLost prints what is not brought back, by reason, and what to do.
func (t *tool) printLost(l *reunpack.Losses, troubles []string) {
	for _, reason := range slices.Sorted(maps.Keys(l.Reasons)) {
		shown := int64(0)
		for _, f := range l.List {
			if f.Reason != reason || shown == shownFindings {
				continue
			}
			shown++
			line := fmt.Sprintf("finding: %s: %s", reason, f.Name)
			if f.Detail != "" {
				line += ": " + printable(f.Detail)
			}
			fmt.Fprintln(t.stderr, line)
		}
		if rest := l.Reasons[reason].Files - shown; rest > 0 {
			fmt.Fprintf(t.stderr, "finding: %s: %s more (--json lists %s)\n", reason, count(rest), plural(int64(len(l.List)), "file", "files"))
		}
		if hint := lostHints[reason]; hint != "" {
			fmt.Fprintf(t.stderr, "  hint: %s\n", hint)
		}
	}
	for _, text := range troubles {
		fmt.Fprintf(t.stderr, "finding: %s\n", printable(text))
	}
}

// lostHints say what to do about files that gold does not bring back.
var lostHints = map[goldindex.Reason]string{
	goldindex.Metadata:      "no unpacking makes a tool's report again: repotool restore --only files, if a snapshot holds them",
	goldindex.CutShort:      "repotool restore --only files, if a snapshot holds them",
	goldindex.GoldMissing:   "bring the golds back first: repotool restore --only gold",
	goldindex.GoldDamaged:   "bring the golds back first: repotool restore --only gold",
	goldindex.NotOpened:     "repotool restore --only files, if a snapshot holds them",
	goldindex.NotReferenced: "no upload has them: nothing of FOSSology asks for them",
	goldindex.NotIndexed:    "their golds have not been unpacked by this repotool: run repotool index, then this again",
	reunpack.NoPlace:        "move it away, then run this again; files are not written through symbolic links",
	reunpack.WrongBytes:     "repotool verify --source says what is wrong; move the file away, then run this again",
	reunpack.NotMade:        "run repotool index, then this again",
}

// lostFindings is the exit code 3 if something is not brought back.
func lostFindings(l *reunpack.Losses, troubles []string) error {
	if n := l.Files() + int64(len(troubles)); n > 0 {
		return findingsError{n}
	}
	return nil
}
