package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"repotool/snapshot"
)

func (t *tool) diffCommand() *cli.Command {
	return documented(&cli.Command{
		Name:      "diff",
		Usage:     "compare two snapshots",
		ArgsUsage: "A B",
		Description: `
Prints what changed from snapshot A to snapshot B, one path a line:

    +   is in B only
    -   is in A only
    M   has other bytes
    m   has another mode, owner, time or kind, but the same bytes (--all)

A file that is gone from the repository, and that a snapshot keeps all the same
since the database refers to it, is not in it here.

FOSSology touches and rewrites files without changing them, so the last kind is
counted only, unless --all asks for it; so are directories. At the end stand the
counts, and the row counts of the database where they differ.

With --json, each line is one object; the last one has the key summary.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Usage: "print directories, and files of which only mode, owner or time changed, too"},
		},
		Action: t.diff,
	}, `
repotool diff latest~1 latest
repotool diff --all 2026-11-22 2026-11-23
repotool diff --json latest~7 latest | jq 'select(.change == "removed")'`,
		exitFailed)
}

// diffLine is one line of diff --json: a change, or at the end the summary.
type diffLine struct {
	Path    string       `json:"path,omitempty"`
	Change  string       `json:"change,omitempty"`
	Old     *listed      `json:"old,omitempty"`
	New     *listed      `json:"new,omitempty"`
	Summary *diffSummary `json:"summary,omitempty"`
}

// diffSummary counts the changes.
type diffSummary struct {
	From         string              `json:"from"`
	To           string              `json:"to"`
	Added        int64               `json:"added"`
	AddedBytes   int64               `json:"addedBytes"`
	Removed      int64               `json:"removed"`
	RemovedBytes int64               `json:"removedBytes"`
	Content      int64               `json:"content"`
	Metadata     int64               `json:"metadata"`
	Directories  int64               `json:"directories"`    // that came, went or have another mode or owner
	Rows         map[string][2]int64 `json:"rows,omitempty"` // of tables whose counts differ: in A, in B
}

var changeSigns = map[string]string{"added": "+", "removed": "-", "content": "M", "metadata": "m"}

func (t *tool) diff(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	switch c.NArg() {
	case 0:
		return missing(c, "A")
	case 1:
		return missing(c, "B")
	case 2:
	default:
		return tooMany(c, 2)
	}
	from, err := openSnapshot(c.Context, s, c.Args().Get(0))
	if err != nil {
		return err
	}
	defer from.Root.Close()
	to, err := findSnapshot(c.Context, s, from.Root, c.Args().Get(1))
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(t.stdout, 64<<10)
	sum := diffSummary{From: from.Name(), To: to.Name(), Rows: differentRows(from, to)}
	if err := sum.compare(c.Context, out, from, to, s.json, c.Bool("all")); err != nil {
		return err
	}
	switch {
	case s.json:
		err = encode(out, diffLine{Summary: &sum})
	case !s.quiet:
		_, err = fmt.Fprintln(out, sum)
	}
	if err == nil {
		err = out.Flush()
	}
	return err
}

// compare prints and counts the changes.
func (d *diffSummary) compare(ctx context.Context, out io.Writer, from, to *snapshot.Snapshot, asJSON, all bool) error {
	for ch, err := range snapshot.Diff(ctx, from, to) {
		if err != nil {
			return err
		}
		kind, minor := d.count(ch)
		switch {
		case minor && !all:
		case asJSON:
			line := diffLine{Path: ch.Path, Change: kind}
			if ch.Old != nil {
				x := describe(ch.Old)
				line.Old = &x
			}
			if ch.New != nil {
				x := describe(ch.New)
				line.New = &x
			}
			err = encode(out, line)
		default:
			_, err = fmt.Fprintf(out, "%s %s\n", changeSigns[kind], printable(ch.Path))
		}
		if err != nil {
			return fmt.Errorf("write comparison: %w", err)
		}
	}
	return nil
}

// count adds a change to the summary and names its kind. Minor ones are printed
// only when somebody asks for all.
func (d *diffSummary) count(c snapshot.Change) (kind string, minor bool) {
	directory := (c.Old == nil || c.Old.Kind == snapshot.Dir) && (c.New == nil || c.New.Kind == snapshot.Dir)
	if directory {
		d.Directories++
	}
	switch {
	case directory && c.Old != nil && c.New != nil:
		return "metadata", true
	case directory && c.Old == nil:
		return "added", true
	case directory:
		return "removed", true
	case c.Old == nil:
		d.Added++
		d.AddedBytes += c.New.Size
		return "added", false
	case c.New == nil:
		d.Removed++
		d.RemovedBytes += c.Old.Size
		return "removed", false
	case c.Content():
		d.Content++
		return "content", false
	default:
		d.Metadata++
		return "metadata", true
	}
}

// differentRows are the tables whose row counts changed.
func differentRows(from, to *snapshot.Snapshot) map[string][2]int64 {
	rows := map[string][2]int64{}
	for table, n := range to.Manifest.Rows {
		if was, ok := from.Manifest.Rows[table]; ok && was != n {
			rows[table] = [2]int64{was, n}
		}
	}
	return rows
}

// String is the last line of diff.
func (d diffSummary) String() string {
	parts := []string{
		fmt.Sprintf("%s added (%s)", count(d.Added), size(d.AddedBytes)),
		fmt.Sprintf("%s removed (%s)", count(d.Removed), size(d.RemovedBytes)),
		fmt.Sprintf("%s with other bytes", count(d.Content)),
		fmt.Sprintf("%s with other mode, owner or time only", count(d.Metadata)),
	}
	line := fmt.Sprintf("%s to %s: %s", d.From, d.To, strings.Join(parts, ", "))
	for _, table := range slices.Sorted(maps.Keys(d.Rows)) {
		line += fmt.Sprintf("; %s %s to %s rows", table, count(d.Rows[table][0]), count(d.Rows[table][1]))
	}
	return line
}
