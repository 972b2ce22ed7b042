package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/urfave/cli/v2"

	"repotool/bench"
)

// isoMeasured is what bench iso prints with --json.
type isoMeasured struct {
	ISO  string             `json:"iso"`
	Runs []*bench.Unpacking `json:"runs"`
	Rows []isoRow           `json:"table"`
}

// An isoRow is one line of the table.
type isoRow struct {
	What    string  `json:"what"`
	In      int64   `json:"in"`
	Out     int64   `json:"out"`
	Ratio   float64 `json:"ratio"`
	Seconds float64 `json:"seconds"`
	Scaled  bool    `json:"scaled"` // by size; not measured
}

func (t *tool) benchISOCommand() *cli.Command {
	return documented(&cli.Command{
		Name:     "iso",
		HelpName: "bench iso",
		Usage:    "repeat the measurement that FOSSology's design rests on",
		Description: `
In 2009 the source DVD of Fedora 11, 4.2 GB, was unpacked: 54 GB came out, 13
times as much, in 5.5 hours. This makes an ISO of source rpms, from tarballs of
Debian, unpacks it all the way down, and prints both side by side. What a DVD of
4.2 GB would take here is scaled by size, and said to be.

The ISO and the tarballs stay in --keep, and are not made again. Up to 65 MB it
is the same ISO everywhere; a larger one holds further tarballs of Debian 12 as
it is on the day. It takes a mirror of Debian, rpmbuild and xorriso.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "size", Value: "65MB", Usage: "an ISO of at least `SIZE`, up to 4.2GB (default 65MB)"},
			&cli.StringFlag{Name: "keep", Usage: "ISO and tarballs are kept in `DIR` (default: the user's cache)"},
			&cli.StringFlag{Name: "mirror", Usage: "fetch tarballs from the mirror of Debian at `URL`"},
			&cli.StringFlag{Name: "scratch", Usage: "store what comes out below `DIR`, an empty directory, which stays (default: unpack to nowhere)"},
		},
		Action: t.benchISO,
	}, `
repotool bench iso
repotool bench iso --size 4.2GB --keep /mnt/test/iso --scratch /mnt/test/out`,
		exitFailed, exitInterrupted)
}

func (t *tool) benchISO(c *cli.Context) error {
	if c.NArg() > 0 {
		return tooMany(c, 0)
	}
	bytes, err := humanize.ParseBytes(c.String("size"))
	if err != nil || bytes == 0 || bytes > uint64(bench.Classical.In) {
		return usagef("--size %q: expected a size up to 4.2GB", c.String("size"))
	}
	keep := c.String("keep")
	if keep == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return &hinted{fmt.Errorf("bench iso: %w", err), "name a directory with --keep"}
		}
		keep = filepath.Join(cache, "repotool-bench")
	}
	place := c.String("scratch")
	if err := emptyScratch("bench iso", place); err != nil {
		return err
	}
	if err := os.MkdirAll(keep, 0o755); err != nil {
		return fmt.Errorf("bench iso: %w", err)
	}
	iso, err := bench.ISO(c.Context, bench.ISOOptions{Dir: keep, Size: int64(bytes), Mirror: c.String("mirror")})
	if err != nil {
		return err
	}
	u, err := t.unpackApart(c.Context, iso, place)
	if err != nil {
		return err
	}
	all := isoMeasured{ISO: iso, Runs: []*bench.Unpacking{u}, Rows: isoRows(u)}
	if c.Bool("json") {
		return t.answer(all)
	}
	t.unpackTables(&unpackMeasured{Runs: all.Runs})
	fmt.Fprintln(t.stdout)
	w := newTable(t.stdout, []string{"", "BYTES", "STORED", "RATIO", "TIME"}, 2, 3, 4, 5)
	for _, r := range all.Rows {
		w.AppendRow(table.Row{r.What, amount(r.In), amount(r.Out), times(r.Ratio), fraction(r.Seconds)})
	}
	w.Render()
	return nil
}

// isoRows are the measurement of 2009, that of FOSSology's unpacker, and this one.
func isoRows(u *bench.Unpacking) []isoRow {
	row := func(what string, in, out int64, seconds float64, scaled bool) isoRow {
		return isoRow{what, in, out, float64(out) / float64(max(in, 1)), seconds, scaled}
	}
	c, a := bench.Classical, bench.Recorded
	factor := float64(c.In) / float64(max(u.In, 1))
	return []isoRow{
		row(c.Name, c.In, c.Out, c.Seconds, false),
		row("FOSSology, re-unpacking (recorded)", a.In, a.Distinct, a.Seconds, false),
		row("repotool here", u.In, u.Distinct.Bytes, u.Seconds, false),
		row("repotool here, scaled to 4.2 GB", c.In, int64(float64(u.Distinct.Bytes)*factor), u.Seconds*factor, true),
	}
}
