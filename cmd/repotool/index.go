package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/snapshot"
	"repotool/store"
)

func (t *tool) indexCommand() *cli.Command {
	return documented(&cli.Command{
		Name:  "index",
		Usage: "prove which files gold brings back",
		Description: `
Unpacks each gold, the archives as they were uploaded, in memory, and writes down
what comes out in the ledger of the store. Then reads each unpacked file of the
repository once and compares it with what gold makes. A file is confirmed when
they are the same; see repotool gold status for what is not.

What was done stays done: the next run looks at new golds only, and at all of
them if repotool, or a tool of the system that they need, would unpack them in
another way. An interrupted run goes on where it was: it loses the golds that it
was unpacking. With --budget it ends in good order; the golds that are being
unpacked by then are finished, however large they are. FOSSology may work
meanwhile, and goes before: the run has a low priority. Nothing in the
repository or the database is changed.

Golds that are damaged or missing, files with other bytes than gold makes, and
what cannot be read are findings: they make the exit code 3. A damaged ledger is
noticed and made anew; it can be deleted at any time, and costs the time to make
it again.`,
		Flags: append([]cli.Flag{
			&cli.DurationFlag{Name: "budget", Usage: "begin no further gold or file after `DURATION`; the next run goes on"},
			&cli.IntFlag{Name: "parallel", Usage: "work on `N` golds at once (default: one for each processor)"},
		}, sourceFlags()...),
		Action: t.index,
	}, `
repotool index --store /backup/fossology
repotool index --store /backup/fossology --budget 2h
repotool index --json | jq .left`,
		exitFailed, exitFindings, exitLocked, exitInterrupted)
}

func (t *tool) index(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	switch {
	case c.NArg() > 0:
		return tooMany(c, 0)
	case c.Duration("budget") < 0:
		return usagef("--budget %s: expected a positive duration such as 2h", c.Duration("budget"))
	case c.Int("parallel") < 0:
		return usagef("--parallel %d: expected a number above 0", c.Int("parallel"))
	}
	return t.withGold(c.Context, s, func(g gold) error {
		lock, err := g.st.Lock(c.Context, "ledger-"+s.installation, commandLine(), t.now())
		if err != nil {
			return err
		}
		defer lock.Unlock()
		if err := stepBack(); err != nil {
			return err
		}
		ledger, err := g.ledger(c.Context, s)
		if err != nil {
			return err
		}
		defer ledger.Close()
		r, err := t.update(c.Context, s, ledger, goldindex.UpdateOptions{Repository: g.in.Repository, Database: moments{g.db},
			Budget: c.Duration("budget"), Parallel: c.Int("parallel")})
		if err != nil {
			if r.New > 0 || r.Read > 0 {
				fmt.Fprintf(t.stderr, "repotool: done before, and kept: %s unpacked, %s confirmed; the next run goes on\n",
					plural(r.New, "gold", "golds"), plural(r.Read, "file", "files"))
			}
			return noRoom(err, s.store, os.TempDir())
		}
		return t.reportIndex(s, r)
	})
}

// update brings a ledger up to date, and shows how far it is. The report is right even
// if there is an error.
func (t *tool) update(ctx context.Context, s settings, ledger *goldindex.Ledger, o goldindex.UpdateOptions) (*goldindex.Report, error) {
	o.Prefix, o.Now, o.Log = unpackedAt(o.Repository), t.now, t.log
	if t.shows(s) {
		progress := new(snapshot.Progress)
		o.Progress = indexProgress{progress}
		defer t.watch(s, progress)()
	}
	return ledger.Update(ctx, o)
}

// indexProgress shows an update's progress as those of snapshots are shown.
type indexProgress struct{ *snapshot.Progress }

// Begin implements [goldindex.Progress].
func (p indexProgress) Begin(phase goldindex.Phase, files, bytes int64) {
	p.Progress.Begin(snapshot.Phase(phase), files, bytes)
}

// Done implements [goldindex.Progress].
func (p indexProgress) Done(files, bytes int64) {
	p.Files.Add(files)
	p.Bytes.Add(bytes)
}

// gold is what the commands about gold work with.
type gold struct {
	st *store.Store
	in *fossology.Installation
	db *fossology.Database
}

// moments is the database, at another moment for each question. A view that is open
// as long as an index may take would keep PostgreSQL from tidying up for hours.
type moments struct{ db *fossology.Database }

// Uploads implements [goldindex.Database].
func (m moments) Uploads(ctx context.Context) iter.Seq2[fossology.Upload, error] {
	return moment(ctx, m.db, (*fossology.View).Uploads)
}

// Uses implements [goldindex.Database].
func (m moments) Uses(ctx context.Context) iter.Seq2[fossology.Use, error] {
	return moment(ctx, m.db, (*fossology.View).Uses)
}

// CutShort implements [goldindex.Database].
func (m moments) CutShort(ctx context.Context) iter.Seq2[int64, error] {
	return moment(ctx, m.db, (*fossology.View).CutShort)
}

// moment streams from a view that is closed behind the last value.
func moment[T any](ctx context.Context, db *fossology.Database, stream func(*fossology.View, context.Context) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		view, err := db.View(ctx)
		if err != nil {
			var zero T
			yield(zero, err)
			return
		}
		defer view.Close()
		stream(view, ctx)(yield)
	}
}

// withGold opens the store and the database.
func (t *tool) withGold(ctx context.Context, s settings, work func(gold) error) error {
	st, err := openStore(s)
	if err != nil {
		return err
	}
	defer st.Close()
	in, err := loadInstallation(s, true)
	if err != nil {
		return err
	}
	if in.Database == "" {
		return &hinted{errors.New("no database is known"),
			"name the directory of Db.conf with --sysconf, or the database with --database-dsn"}
	}
	return connected(ctx, in.Database, func(db *fossology.Database) error { return work(gold{st, in, db}) })
}

// ledger opens the installation's ledger, as the present unpacker sees it.
func (g gold) ledger(ctx context.Context, s settings) (*goldindex.Ledger, error) {
	return openLedger(ctx, s, g.st)
}

func openLedger(ctx context.Context, s settings, st *store.Store) (*goldindex.Ledger, error) {
	unpacker, err := goldindex.Present(ctx)
	if err != nil {
		return nil, err
	}
	ledger, err := goldindex.Open(st.Path("ledger", s.installation), unpacker)
	return ledger, mendLedger(err)
}

// unpackedAt is a directory in which FOSSology would unpack; its names count for the
// rule of paths that repeat a name.
func unpackedAt(r fossology.Repository) string {
	host, _ := os.Hostname()
	return filepath.Join(r.Path, host, "ununpack", "0l")
}

// reportIndex prints what an update did. What somebody should look at is a finding.
func (t *tool) reportIndex(s settings, r *goldindex.Report) error {
	if s.json {
		if err := t.answer(r); err != nil {
			return err
		}
	} else {
		t.say(s, "%s\n", indexLine(s, r))
		for _, note := range r.First {
			fmt.Fprintf(t.stderr, "finding: %s\n", printable(note))
		}
	}
	n := r.Damaged + r.Missing + r.Differ + r.Troubles
	if rest := n - int64(len(r.First)); rest > 0 && !s.json {
		fmt.Fprintf(t.stderr, "finding: %s more\n", count(rest))
	}
	if n > 0 {
		return findingsError{n}
	}
	return nil
}

// indexLine says in one line what was done.
func indexLine(s settings, r *goldindex.Report) string {
	parts := []string{fmt.Sprintf("%s: %s, %s unpacked (%s, %s)", s.installation, plural(r.Golds, "gold", "golds"),
		count(r.New), plural(r.Unpacked.Files, "file", "files"), size(r.Unpacked.Bytes))}
	parts = append(parts, fmt.Sprintf("%s read and confirmed (%s)", plural(r.Read, "file", "files"), size(r.ReadBytes)))
	if r.Left > 0 || r.LeftFiles > 0 {
		parts = append(parts, fmt.Sprintf("left for the next run: %s, %s", plural(r.Left, "gold", "golds"), plural(r.LeftFiles, "file", "files")))
	}
	if r.Rebuilt > 0 {
		parts = append(parts, fmt.Sprintf("%s of the ledger made anew", plural(r.Rebuilt, "damaged file", "damaged files")))
	}
	return strings.Join(parts, "; ") + "; " + seconds(time.Duration(r.Seconds*float64(time.Second)))
}
