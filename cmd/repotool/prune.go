package main

import (
	"context"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"repotool/goldindex"
	"repotool/prune"
	"repotool/snapshot"
)

func (t *tool) pruneCommand() *cli.Command {
	return documented(&cli.Command{
		Name:  "prune",
		Usage: "shrink the repository by what gold is proven to bring back",
		Description: `
Plans which files of the repository can go, and prints that. Nothing is changed
without --execute. What goes comes back by repotool reunpack, byte for byte.

    --level artifacts    what the unpacker makes on its way: the cpio of an rpm
    --level containers   archives in archives, too, and the copy in files of what
                         was uploaded; gold itself never goes (default)
    --level derived      everything that gold brings back, the plain files, too

A content is judged by every row that refers to it: what is an archive in one
upload and a plain file in another is a plain file. A file goes only if gold was
unpacked by repotool index and made its bytes, if the gold is there, and so is
one of each upload that has the file (FOSSology deletes a gold with its last
upload), if the last good snapshot knows the file, and if no upload that has it
has a job which runs or waits, or an unpacking that never ended (FOSSology would
not bring its files back; repotool does: --cut-short takes them, too). The plan
counts what stays, and why.

--execute looks at all of that again, just before each file goes: it reads the
gold and the file, and asks the database. FOSSology may work meanwhile; with
--quiesce stop it stands still. A journal in the store says what was removed, so
that --undo brings it back, and --resume goes on after an interruption.

Snapshots that are taken afterwards are as complete as those before: they keep
what was pruned, as long as the database refers to it.

FOSSology misses what is gone for the moment: its pages cannot show or download a
container, agents that unpack it again find nothing. With --level derived they
miss the files, too, until repotool reunpack --upload N or the agent (repotool
agent) has brought back what an analysis is to read.`,
		Flags: append(append([]cli.Flag{
			&cli.StringFlag{Name: "level", Value: string(prune.Containers), Usage: "what goes: `LEVEL` is artifacts, containers or derived"},
			&cli.StringFlag{Name: "older-than", Usage: "only of uploads that are older than `PERIOD`, such as 90d or 1y"},
			&cli.Int64SliceFlag{Name: "upload", Usage: "only of the upload with the number `N` (repeatable)"},
			&cli.StringFlag{Name: "folder", Usage: "only of uploads in `FOLDER`, a name or number, and in those below it"},
			&cli.StringFlag{Name: "min-size", Usage: "only files of at least `SIZE`, such as 10MB"},
			&cli.StringFlag{Name: "keep-recently-read", Usage: "not what was read or written within the last `PERIOD`"},
			&cli.StringFlag{Name: "free", Usage: "no more than frees `SIZE`: first what is brought back soonest"},
			&cli.IntFlag{Name: "copies", Value: 1, Usage: "only what at least `N` golds make"},
			&cli.BoolFlag{Name: "cut-short", Usage: "also of uploads whose first unpacking never ended: repotool brings such files back, FOSSology itself would not"},
			&cli.BoolFlag{Name: "without-snapshot", Usage: "also what the last good snapshot does not know"},
		}, runFlags()...), installationFlags()...),
		Action: t.prune,
	}, `
repotool prune --level containers
repotool prune --level containers --execute
repotool prune --level derived --older-than 1y --free 200GB --out plan
repotool prune --plan plan --execute
repotool prune --undo last`,
		exitFailed, exitFindings, exitLocked, exitQuiesce, exitInterrupted)
}

func (t *tool) prune(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	if err := checkRunFlags(c); err != nil {
		return err
	}
	if err := havePlans(c, "level", "older-than", "upload", "folder", "min-size", "keep-recently-read", "free", "copies", "cut-short", "without-snapshot"); err != nil {
		return err
	}
	filters, err := pruneFilters(c, t.now())
	if err != nil {
		return err
	}
	level, err := prune.ParseLevel(c.String("level"))
	if err != nil {
		return &usageError{err: err}
	}
	return t.withGold(c.Context, s, func(g gold) error {
		ledger, err := g.ledger(c.Context, s)
		if err != nil {
			return err
		}
		defer ledger.Close()
		x := &pruning{t, c, s, g, ledger, level, filters, g.st.Path("prune", s.installation)}
		return mendLedger(noRoom(x.run(), g.in.Repository.Path, s.store, os.TempDir()))
	})
}

// pruneFilters reads the filters that do not need the database.
func pruneFilters(c *cli.Context, now time.Time) (f prune.Filters, err error) {
	for flag, to := range map[string]*time.Time{"older-than": &f.Before, "keep-recently-read": &f.ReadBefore} {
		if !c.IsSet(flag) {
			continue
		}
		p, err := snapshot.ParsePeriod(c.String(flag))
		if err != nil {
			return f, usagef("--%s: %v", flag, err)
		}
		*to = p.Ago(now)
	}
	for flag, to := range map[string]*int64{"min-size": &f.MinSize, "free": &f.Free} {
		if *to, err = sizeFlag(c, flag); err != nil {
			return f, err
		}
	}
	if f.Copies = c.Int("copies"); f.Copies < 1 {
		return f, usagef("--copies %d: expected a number of golds, at least 1", f.Copies)
	}
	f.Unbacked, f.CutShort = c.Bool("without-snapshot"), c.Bool("cut-short")
	if c.IsSet("upload") {
		f.Uploads = c.Int64Slice("upload")
	}
	return f, nil
}

// pruning is one run of the command.
type pruning struct {
	*tool
	c       *cli.Context
	s       settings
	g       gold
	ledger  *goldindex.Ledger
	level   prune.Level
	filters prune.Filters
	dir     string // of journals
}

func (x *pruning) run() error {
	ctx := x.c.Context
	switch {
	case x.c.Bool("list"):
		return x.list()
	case x.c.IsSet("undo"):
		return x.locked(ctx, x.g.st, x.s, func() error { return x.undo(ctx, x.c.String("undo")) })
	case x.c.IsSet("resume"):
		return x.locked(ctx, x.g.st, x.s, func() error { return x.resume(ctx, x.c.String("resume")) })
	case x.c.Bool("execute"):
		return x.locked(ctx, x.g.st, x.s, func() error { return x.execute(ctx) })
	}
	p, err := x.make(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	if err := keepPlan(x.c, p.Write); err != nil {
		return err
	}
	return x.reportPlan(p)
}

// make makes a plan of the present moment.
func (x *pruning) make(ctx context.Context) (*prune.Plan, error) {
	view, err := x.g.db.View(ctx)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	if x.c.IsSet("upload") {
		if err := knownUploads(ctx, view, x.filters.Uploads); err != nil {
			return nil, err
		}
	}
	if x.c.IsSet("folder") {
		in, err := view.FolderUploads(ctx, x.c.String("folder"))
		if err != nil {
			return nil, err
		}
		x.filters.Uploads = both(x.filters.Uploads, in)
	}
	o := prune.Options{Installation: x.s.installation, Repository: x.g.in.Repository, Ledger: x.ledger, Level: x.level, Filters: x.filters, Now: x.now}
	if o.BackedUp, err = x.backedUp(ctx); err != nil {
		return nil, err
	}
	defer x.shown(x.s, "judge files", prune.Sum{}, &o.Progress)()
	return prune.Make(ctx, view, o)
}

// both are the uploads that two filters let through; nil lets all through.
func both(a, b []int64) []int64 {
	all := []int64{}
	in := map[int64]bool{}
	for _, n := range a {
		in[n] = true
	}
	for _, n := range b {
		if a == nil || in[n] {
			all = append(all, n)
		}
	}
	return all
}
