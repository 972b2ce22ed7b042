package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/reunpack"
)

func (t *tool) reunpackCommand() *cli.Command {
	return documented(&cli.Command{
		Name:  "reunpack",
		Usage: "bring missing files back from gold",
		Description: `
Brings back files that the database refers to and that the repository lacks: all
of them, those of an upload, or one. The ledger that repotool index keeps says
which gold, the archive as it was uploaded, makes a file. Each gold is opened
once, and read no further than is needed.

--dry-run, which may be called --plan, prints what would be done: which files are
missing, from which golds they come, how long these took to unpack, and what no
gold brings back, and why.

A file appears under its name when its bytes are right and on the disk, never
before; what is there is never replaced. Owner, group and mode are those of the
other files. The database is not touched, but for --jobs. FOSSology may work
meanwhile. However the run ends, what it brought back stays, and the next run
goes on.

--jobs is for a database that was restored: in it, jobs are running that nobody
runs. For each upload whose jobs had not ended and of which files are missing it
inserts a job that unpacks it again, for which the others wait; then it resets
the jobs that seem to run, all in one transaction, and tells the scheduler. The
job is one of repotool's own agent where that is installed (see repotool agent),
one for each host of the repository, and else of FOSSology's unpacker. With
--in-process it brings the files back itself, and then resets the jobs. Uploads
that the scheduler is at work on are left alone. So are the jobs of an upload
whose files cannot be brought back: they would fail. That is a finding; a tool's
report about an archive (artifact.meta) is no reason, analysis can do without.

Files that cannot be brought back are findings: they make the exit code 3. What
stands under a file's name with other bytes stays, and is a finding too.
--all-missing and --upload notice it by its size, --name reads the file.`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "all-missing", Usage: "bring back all that is missing"},
			&cli.Int64SliceFlag{Name: "upload", Usage: "bring back what is missing of the upload with the number `N` (repeatable)"},
			&cli.StringFlag{Name: "name", Usage: "bring back the file with the content name `NAME`, or a beginning of it"},
			&cli.BoolFlag{Name: "jobs", Usage: "have the uploads whose jobs had not ended unpacked again, and let these jobs go on"},
			&cli.BoolFlag{Name: "in-process", Usage: "with --jobs: bring the files back first, instead of inserting jobs for that"},
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"plan"}, Usage: "print what would be done, and do nothing"},
			&cli.IntFlag{Name: "parallel", Usage: "open `N` golds at once (default: one for each processor)"},
		}, append(sourceFlags(), setting("scheduler", "the scheduler listens at `HOST:PORT`, whatever fossology.conf says"))...),
		Action: t.reunpack,
	}, `
repotool reunpack --all-missing --dry-run
repotool reunpack --all-missing
repotool reunpack --upload 17
repotool reunpack --jobs --plan
repotool reunpack --jobs --in-process
repotool reunpack --name 0e54f81b2d1bc7bd7db9e9e9a5ddab2a8d30ad29`,
		exitFailed, exitFindings, exitLocked, exitInterrupted)
}

func (t *tool) reunpack(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	if err := exclusive(c, "all-missing", "upload", "name", "jobs"); err != nil {
		return err
	}
	switch {
	case c.NArg() > 0:
		return tooMany(c, 0)
	case !c.Bool("all-missing") && !c.IsSet("upload") && !c.IsSet("name") && !c.Bool("jobs"):
		return &usageError{err: errors.New("reunpack: what to bring back is not given"),
			hint: "write --all-missing, --upload N, --name NAME or --jobs; --dry-run shows what would be done"}
	case c.Bool("in-process") && !c.Bool("jobs"):
		return usagef("reunpack: --in-process belongs to --jobs")
	case c.Int("parallel") < 0:
		return usagef("--parallel %d: expected a number above 0", c.Int("parallel"))
	}
	return t.withGold(c.Context, s, func(g gold) error {
		ledger, err := g.ledger(c.Context, s)
		if err != nil {
			return err
		}
		defer ledger.Close()
		if c.Bool("jobs") {
			return t.reunpackJobs(c, s, g, ledger)
		}
		plan, err := planReunpack(c, g, ledger)
		if err != nil {
			return mendLedger(noRoom(err, os.TempDir()))
		}
		defer plan.Close()
		if c.Bool("dry-run") {
			return t.reportReunpackPlan(s, plan)
		}
		lock, err := g.st.Lock(c.Context, "reunpack-"+s.installation, commandLine(), t.now())
		if err != nil {
			return err
		}
		defer lock.Unlock()
		return t.runReunpack(c, s, g, plan)
	})
}

// planReunpack finds out what is missing of what was asked for. The view of the
// database is closed before the work begins, which may take hours.
func planReunpack(c *cli.Context, g gold, ledger *goldindex.Ledger) (*reunpack.Plan, error) {
	view, err := g.db.View(c.Context)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	source := reunpack.Source{Repository: g.in.Repository, Ledger: ledger}
	if c.Bool("all-missing") {
		return reunpack.All(c.Context, source, view, reunpack.PlanOptions{})
	}
	uses, err := usesFor(c, view, ledger)
	if err != nil {
		return nil, err
	}
	return reunpack.Some(c.Context, source, view, uses, reunpack.PlanOptions{Read: c.IsSet("name")})
}

// usesFor are the uses of what --upload and --name mean.
func usesFor(c *cli.Context, view *fossology.View, ledger *goldindex.Ledger) (iter.Seq2[fossology.Use, error], error) {
	if uploads := c.Int64Slice("upload"); len(uploads) > 0 {
		return view.UsesIn(c.Context, uploads...), knownUploads(c.Context, view, uploads)
	}
	text := cleanPath(c.String("name"))
	text = text[strings.LastIndexByte(text, '/')+1:]
	name, ok := fossology.ParseName(text)
	if !ok {
		var err error
		if name, err = oneName(ledger, text); err != nil {
			return nil, err
		}
	}
	for _, err := range view.UsesOf(c.Context, name) {
		return view.UsesOf(c.Context, name), err
	}
	return nil, &hinted{fmt.Errorf("no upload has the file %s", name),
		"what the database does not refer to is not brought back: repotool gold cat writes it to standard output"}
}

// knownUploads is an error if there is no upload of one of the numbers.
func knownUploads(ctx context.Context, view *fossology.View, numbers []int64) error {
	known := map[int64]bool{}
	for u, err := range view.Uploads(ctx) {
		var bad *fossology.RowError
		if err != nil && !errors.As(err, &bad) {
			return err
		}
		known[u.PK] = true
	}
	for _, n := range numbers {
		if !known[n] {
			return fmt.Errorf("upload %d: %w", n, fossology.ErrNoUpload)
		}
	}
	return nil
}

// runReunpack does what a plan says.
func (t *tool) runReunpack(c *cli.Context, s settings, g gold, plan *reunpack.Plan) error {
	r, err := t.rebuild(c, s, g, plan)
	if err != nil {
		return err
	}
	return t.reportReunpack(s, plan, r)
}
