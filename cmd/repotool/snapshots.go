package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/urfave/cli/v2"

	"repotool/snapshot"
	"repotool/store"
)

func (t *tool) snapshotsCommand() *cli.Command {
	return documented(&cli.Command{
		Name:      "snapshots",
		Usage:     "list the snapshots of an installation",
		ArgsUsage: "[SNAPSHOT]",
		Description: `
Lists the snapshots that the store has of one installation, oldest first, or
of all of them: the name by which other commands know a snapshot, what it
holds, what it added to the store, how long FOSSology stood still for it, its
day directory, and how many findings there were.

With SNAPSHOT, it says all that is known of that one, and prints every finding
that was recorded.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Usage: "of all installations in the store"},
		},
		Action: t.snapshots,
	}, `
repotool snapshots --store /backup/fossology
repotool snapshots --store /backup/fossology --installation internal --json
repotool snapshots latest`,
		exitFailed)
}

// snapshotList is what snapshots prints with --json.
type snapshotList struct {
	Snapshots []*snapshot.Summary `json:"snapshots"`
}

func (t *tool) snapshots(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	if c.NArg() > 1 {
		return tooMany(c, 1)
	}
	if c.NArg() == 1 {
		return t.describeSnapshot(c.Context, s, c.Args().First())
	}
	st, err := openStore(s)
	if err != nil {
		return err
	}
	defer st.Close()
	names := []string{s.installation}
	if c.Bool("all") {
		if names, err = snapshot.Installations(st); err != nil {
			return err
		}
	}
	list := []*snapshot.Summary{}
	for _, name := range names {
		of, err := snapshot.List(st, name)
		if err != nil {
			return err
		}
		list = append(list, of...)
	}
	if s.json {
		return t.answer(snapshotList{list})
	}
	if len(list) == 0 {
		return t.noSnapshots(s, st)
	}
	t.snapshotTable(st, list, c.Bool("all"))
	if err := t.closedCycles(st, names); err != nil {
		return err
	}
	for _, x := range list {
		if !x.Known() {
			fmt.Fprintf(t.stderr, "  note: how %s was made is not known: %s\n", x.Name, x.First[0].Detail)
		}
	}
	return nil
}

// closedCycles names the cycles that cannot be opened: their snapshots are not in the list.
func (t *tool) closedCycles(st *store.Store, installations []string) error {
	for _, name := range installations {
		cycles, err := snapshot.Cycles(st, name)
		if err != nil {
			return err
		}
		for _, c := range cycles {
			if c.Err != nil {
				fmt.Fprintf(t.stderr, "  note: the snapshots in %s are not listed: %s\n  hint: repotool recover\n", c.Dir(), printable(c.Err.Error()))
			}
		}
	}
	return nil
}

// dayOf says what day directory a snapshot has now. It may have been deleted.
func dayOf(st *store.Store, x *snapshot.Summary) string {
	if x.Layout == snapshot.LayoutNone {
		return string(x.Layout)
	}
	_, err := os.Lstat(st.Path(x.DayDir()))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "deleted"
	case !x.Known():
		return unknown
	}
	switch x.Cycle {
	case "":
		return string(x.Layout)
	case x.Name:
		return string(x.Layout) + ", a base"
	}
	return string(x.Layout) + ", what changed"
}

// unknown stands for what only a lost summary could say.
const unknown = "?"

// noSnapshots says that there are none, and where there are some.
func (t *tool) noSnapshots(s settings, st *store.Store) error {
	others, err := withSnapshots(st)
	if err != nil {
		return err
	}
	t.say(s, "no snapshots of %s in %s\n", s.installation, s.store)
	if len(others) > 0 {
		t.say(s, "  there are some of: %s\n", strings.Join(others, ", "))
	}
	return nil
}

func (t *tool) snapshotTable(st *store.Store, list []*snapshot.Summary, all bool) {
	header := []string{"SNAPSHOT", "FILES", "BYTES", "NEW", "DATABASE", "STOOD STILL", "TOOK", "DAY", "FINDINGS"}
	right := []int{2, 3, 4, 5, 6, 7, 9}
	if all {
		header = append([]string{"INSTALLATION"}, header...)
		for i := range right {
			right[i]++
		}
	}
	tw := newTable(t.stdout, header, right...)
	for _, x := range list {
		database := "-"
		if x.Database != nil {
			database = size(x.Database.RawBytes)
		}
		row := table.Row{x.Name, count(x.Files), size(x.Bytes), size(x.Added.Bytes), database,
			fraction(x.Standstill), fraction(x.Seconds), dayOf(st, x), count(countFindings(x.FindingCount))}
		if !x.Known() {
			row[3], row[5], row[6], row[8] = unknown, unknown, unknown, unknown
			if x.Types == nil { // no manifest, either
				row[1], row[2], row[4] = unknown, unknown, unknown
			}
		}
		if all {
			row = append(table.Row{x.Installation}, row...)
		}
		tw.AppendRow(row)
	}
	tw.Render()
}

// fraction shows a number of seconds.
func fraction(s float64) string { return seconds(time.Duration(s * float64(time.Second))) }
