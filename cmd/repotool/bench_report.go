package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"repotool/bench"
	"repotool/snapshot"
)

func (t *tool) benchReportCommand() *cli.Command {
	return documented(&cli.Command{
		Name:     "report",
		HelpName: "bench report",
		Usage:    "say what is there, and what each way to back it up costs",
		Description: `
Reads an installation - names and sizes of its files, rows of its database, the
ledger, the snapshots so far - and prints what is there, and what each choice
costs: full or gold, linked or rotating, flat, native or no days, each level of
prune. Bytes are those on the disk after 1, 7, 30 and 365 nights, of a backup
under the installation's retention, or another that --keep-... names; seconds
those of a restore, to service (gold, residue, database) and to the last file
(what gold makes, too, by the ledger's measured costs). Under each table stands
the command that makes its figures.

What a forecast takes for granted is printed with it, and where each value comes
from: from snapshots and restores that were, or else from what this project has
measured. --assume NAME=VALUE changes one:

` + bench.AssumptionsHelp() + `
Without an installation, --assume gives the figures by hand: gold and files at
least, from which the others follow. Nothing is read then.

` + bench.FiguresHelp() + `
No file is opened, so of contents that no snapshot holds yet it is not known how
much of them is zeros, for which a store takes no room. --zeros looks into files
of a megabyte and more: a block of each megabyte, and the rest if that is zeros.

--check compares forecasts with what then was: the bytes of the store, the last
nights and the restores that were whole. Each night and restore is forecast
again, by those before it; what is there, and what gold takes to unpack, is as it
is today. The error is shown. A store of several installations, or with snapshots
of both schemes, is left out: no choice forecasts it.

--html FILE writes all of it as one page, with pictures, that needs nothing
else, and on which what is assumed can be changed.`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "text", Usage: "answer in tables (default; --json has the same as one object)"},
			&cli.StringSliceFlag{Name: "assume", Usage: "take `NAME=VALUE` for granted (repeatable), such as growthGold=2GB"},
			&cli.BoolFlag{Name: "zeros", Usage: "look into large files for runs of zeros, which take no room in a store"},
			&cli.BoolFlag{Name: "check", Usage: "compare forecasts with what then was: the store, the last nights, restores"},
			&cli.StringFlag{Name: "html", Usage: "write a page with pictures to `FILE`, too"},
		}, slices.Concat(retentionFlags(), installationFlags())...),
		Action: t.benchReport,
	}, `
repotool bench report
repotool bench report --check
repotool bench report --html /tmp/cost.html
repotool bench report --assume growthGold=2GB --assume filesRate=8000
repotool bench report --assume gold=4.2GB --assume files=54GB`,
		exitFailed, exitFindings, exitInterrupted)
}

// sizing is what bench report prints with --json.
type sizing struct {
	Survey      *bench.Survey     `json:"survey"`
	Assumptions bench.Assumptions `json:"assumptions"`
	Choices     []bench.Choice    `json:"choices"`
	Prunings    []bench.Pruning   `json:"prunings"`
	Present     string            `json:"present,omitempty"` // the choice of the last snapshot
	Advice      []string          `json:"advice"`
	History     []bench.Taken     `json:"history,omitempty"`
	Checked     []bench.Checked   `json:"checked,omitempty"` // with --check

	history []*snapshot.Summary
	line    bench.CommandLine
}

func (t *tool) benchReport(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	switch {
	case c.NArg() > 0:
		return tooMany(c, 0)
	case c.Bool("text") && s.json:
		return &usageError{err: errors.New("bench report: --text and --json exclude each other"), hint: "take one of them; --html FILE goes with both"}
	}
	texts := c.StringSlice("assume")
	if err := bench.Once(texts); err != nil {
		return &usageError{err: err}
	}
	if c.String("html") == "-" {
		return usagef("bench report: --html writes to a file: name one")
	}
	survey, assume, err := bench.ByHand(texts, humanize.ParseBytes, t.now())
	if err != nil {
		return &usageError{err: err}
	}
	r := &sizing{Survey: survey}
	if survey == nil {
		err = t.withGold(c.Context, s, func(g gold) error { return r.read(c.Context, t, s, g, assume, c.Bool("check"), c.Bool("zeros")) })
	} else if c.Bool("check") || c.Bool("zeros") {
		return usagef("bench report: --check and --zeros look at an installation; of figures by hand there is none")
	} else {
		err = r.forecast(s, assume, nil)
	}
	if err != nil {
		return noRoom(err, os.TempDir())
	}
	r.line = reportLine(os.Args)
	if name := c.String("html"); name != "" {
		if err := r.page(name); err != nil {
			return err
		}
	}
	switch {
	case s.json:
		err = t.answer(r)
	case !s.quiet:
		t.sizingTables(r)
	}
	return cmp.Or(err, t.troubles(r.Survey.Troubles))
}

// page writes the report as a page.
func (r *sizing) page(name string) error {
	p := bench.Page{Survey: r.Survey, Assumptions: &r.Assumptions, Choices: r.Choices, Prunings: r.Prunings, Present: r.Present, Snapshots: r.history, Checked: r.Checked,
		Command: commandLine(), Line: r.line}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		return err
	}
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// reportLine is what the commands below the tables have of the one that made them.
func reportLine(args []string) bench.CommandLine {
	return bench.CommandLine{Report: reportCommand(args), Store: flagsOf(args, commonFlags()), Source: flagsOf(args, slices.Concat(commonFlags(), sourceFlags()))}
}

// flagsOf are the flags of a command line that take a value and are among those known, each
// after a blank.
func flagsOf(args []string, known []cli.Flag) string {
	var words []string
	line := withoutSecrets(args)
	for i, word := range line {
		name, _, joined := strings.Cut(strings.TrimLeft(word, "-"), "=")
		if f := findFlag(known, name); !strings.HasPrefix(word, "-") || f == nil || !takesValue(f) {
			continue
		}
		words = append(words, word)
		if !joined {
			words = append(words, line[i+1:min(i+2, len(line))]...)
		}
	}
	if len(words) == 0 {
		return ""
	}
	return " " + bench.ShellLine(words)
}

// reportCommand is a command line without the flags that say what is to be written.
func reportCommand(args []string) string {
	words := []string{"repotool"}
	for i := 1; i < len(args); i++ {
		name, _, has := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if strings.HasPrefix(args[i], "-") && slices.Contains([]string{"json", "text", "quiet", "check", "html"}, name) {
			if name == "html" && !has {
				i++
			}
			continue
		}
		words = append(words, args[i])
	}
	return bench.ShellLine(withoutSecrets(words))
}

// assumptionKeys documents the keys of what is assumed, of the same table as the help.
func assumptionKeys() string {
	const column = 22
	var b strings.Builder
	for _, x := range new(bench.Assumptions).List() {
		key := "assumptions." + x.Name
		if len(key) >= column {
			fmt.Fprintln(&b, key)
			key = ""
		}
		fmt.Fprintf(&b, "%-*s%s\n", column, key, x.Says)
	}
	return b.String()
}
