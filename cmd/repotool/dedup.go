package main

import (
	"context"
	"os"

	"github.com/urfave/cli/v2"

	"repotool/fossology"
	"repotool/prune"
	"repotool/store"
)

func (t *tool) dedupCommand() *cli.Command {
	return documented(&cli.Command{
		Name:  "dedup",
		Usage: "keep equal files of the repository once",
		Description: `
Plans which files can share their bytes with another one, and prints that.
Nothing is changed without --execute.

Names say what is equal: gold and files of one Name, and the same Name on
several hosts whose files are on one file system. --deep compares every file
with all others of its size, whatever they are called; that files of one Name
differ, only the other way finds (and verify --source).

    --how link      one inode with several names (default)
    --how reflink   inodes of their own that share their blocks (XFS, Btrfs):
                    owner, mode and time of each stay
    --how auto      reflink where the file system can, else link

FOSSology itself has gold and files be one inode at an upload, www-data's, mode
2664, and copies it only when it unpacks it. By --how link they become that
again: what stood in files as fossy's, mode 2660, has the owner, mode and time
of gold. Agents read and write it by their group. A pair in which somebody would
lose a right is left alone. On several hosts owner and mode have to be the same;
times do not count, for FOSSology sets them when it reads. Other files share an
inode only if their times are the same, too. --exact asks that of all.

What is on the disk once is lost at once: a bad sector in gold is one in files,
too. The backup has both.

--execute compares the bytes of each pair at the moment at which it links them,
while nobody can open either file for writing (a lease, which takes root or the
owner: without one the pair stays). FOSSology may work meanwhile. A journal in
the store says what was done, so that --undo gives each file its own bytes,
owner, mode and time again, and --resume goes on after an interruption.`,
		Flags: append(append([]cli.Flag{
			&cli.BoolFlag{Name: "deep", Usage: "compare all files, whatever they are called"},
			&cli.StringFlag{Name: "how", Value: string(prune.Link), Usage: "`HOW` files share their bytes: link, reflink or auto"},
			&cli.BoolFlag{Name: "exact", Usage: "link only files with the same owner, mode and time"},
			&cli.StringFlag{Name: "min-size", Usage: "only files of at least `SIZE`, such as 10MB"},
		}, runFlags()...), installationFlags()...),
		Action: t.dedup,
	}, `
repotool dedup
repotool dedup --execute
repotool dedup --deep --how auto --out plan
repotool dedup --plan plan --execute
repotool dedup --undo last`,
		exitFailed, exitFindings, exitLocked, exitQuiesce, exitInterrupted)
}

func (t *tool) dedup(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	if err := checkRunFlags(c); err != nil {
		return err
	}
	if err := havePlans(c, "deep", "how", "exact", "min-size"); err != nil {
		return err
	}
	o := prune.DedupOptions{Installation: s.installation, Deep: c.Bool("deep"), Exact: c.Bool("exact"), Now: t.now}
	if o.How, err = prune.ParseHow(c.String("how")); err != nil {
		return usagef("--how %v", err)
	}
	if o.MinSize, err = sizeFlag(c, "min-size"); err != nil {
		return err
	}
	in, err := loadInstallation(s, false)
	if err != nil {
		return err
	}
	st, err := openStore(s)
	if err != nil {
		return err
	}
	defer st.Close()
	if err := apart(st, in.Repository.Path); err != nil {
		return err
	}
	o.Repository = in.Repository
	x := &deduping{t, c, s, in, st, o, st.Path("dedup", s.installation)}
	return noRoom(x.run(), in.Repository.Path, s.store, os.TempDir())
}

// deduping is one run of the command.
type deduping struct {
	*tool
	c   *cli.Context
	s   settings
	in  *fossology.Installation
	st  *store.Store
	o   prune.DedupOptions
	dir string // of journals
}

func (x *deduping) run() error {
	ctx := x.c.Context
	switch {
	case x.c.Bool("list"):
		return x.list()
	case x.c.IsSet("undo"):
		return x.locked(ctx, x.st, x.s, func() error { return x.undo(ctx, x.c.String("undo")) })
	case x.c.IsSet("resume"):
		return x.locked(ctx, x.st, x.s, func() error { return x.resume(ctx, x.c.String("resume")) })
	case x.c.Bool("execute"):
		return x.locked(ctx, x.st, x.s, func() error { return x.execute(ctx) })
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
func (x *deduping) make(ctx context.Context) (*prune.DedupPlan, error) {
	o := x.o
	defer x.shown(x.s, "look for equal files", prune.Sum{}, &o.Progress)()
	return prune.MakeDedup(ctx, o)
}
