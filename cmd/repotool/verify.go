package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"repotool/fossology"
	"repotool/snapshot"
	"repotool/store"
	"repotool/verify"
)

func (t *tool) verifyCommand() *cli.Command {
	return documented(&cli.Command{
		Name:  "verify",
		Usage: "prove that snapshots are good, change nothing",
		Description: `
Reads every object of the store again and compares its bytes with its name, and
checks for every snapshot of every installation that all it needs is there. With
--snapshot, only the completeness of that snapshot is checked. With --source,
the repository is checked in place of the store: every file against its name,
and against what the database refers to.

--sample 5% reads another twentieth of the objects each time, so that in time
all are read; --budget 10m stops reading after ten minutes. The report says
how much was read.

Nothing is changed, unless --repair is given: then a damaged object is replaced
if the live repository still has the right bytes. They are checked first, and
the damaged object is kept in the store's trash.

With --json, the answer has objects, skipped, bytes, snapshots, files, repaired,
findings (counts by kind) and list (each with kind, what, detail, snapshot).`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "sample", Usage: "read only a `SHARE` of the objects, such as 5%"},
			&cli.DurationFlag{Name: "budget", Usage: "stop reading after `DURATION`, such as 10m"},
			&cli.BoolFlag{Name: "source", Usage: "check the repository and the database, not the store"},
			&cli.StringFlag{Name: "snapshot", Usage: "check only that the snapshot `REF` is complete"},
			&cli.BoolFlag{Name: "repair", Usage: "put damaged objects right from the live repository"},
			setting("check", "with --source: check `WHAT` of files: name (SHA-1 and size) or full (MD5 too)"),
			setting("database", "with --source: none leaves the database out, as `MODE`"),
		}, installationFlags()...),
		Action: t.verify,
	}, `
repotool verify --store /backup/fossology
repotool verify --sample 5% --budget 30m
repotool verify --snapshot latest
repotool verify --source
repotool verify --repair`,
		exitFailed, exitFindings, exitInterrupted)
}

func (t *tool) verify(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	if c.NArg() > 0 {
		return &usageError{err: fmt.Errorf("verify: argument %q is one too many", c.Args().First()), hint: "write --snapshot REF"}
	}
	if err := exclusive(c, "source", "snapshot", "repair"); err != nil {
		return err
	}
	if (c.IsSet("sample") || c.IsSet("budget")) && (c.Bool("source") || c.IsSet("snapshot")) {
		return usagef("verify: --sample and --budget are about reading the objects of the store")
	}
	share, err := parseShare(c.String("sample"))
	if err != nil {
		return err
	}
	if c.Duration("budget") < 0 {
		return usagef("--budget %s: expected a positive duration such as 10m", c.Duration("budget"))
	}
	if c.Bool("source") {
		return t.verifySource(c.Context, s)
	}
	st, err := openStore(s)
	if err != nil {
		return err
	}
	defer st.Close()
	progress := new(snapshot.Progress)
	stop := t.watch(s, progress)
	defer stop()
	var r *verify.Report
	if ref := c.String("snapshot"); ref != "" {
		if _, err := findSnapshot(s, st, ref); err != nil {
			return err
		}
		r, err = verify.Complete(c.Context, st, s.installation, ref, progress)
	} else {
		r, err = t.verifyStore(c.Context, st, verify.ScrubOptions{Sample: share, Budget: c.Duration("budget"), Now: t.now, Progress: progress})
	}
	if err == nil && c.Bool("repair") {
		err = verify.Repair(c.Context, st, r, t.now())
	}
	stop()
	if err != nil {
		return err
	}
	return t.reportVerify(s, r)
}

// verifySource checks the repository, against the database too if it is not
// left out.
func (t *tool) verifySource(ctx context.Context, s settings) error {
	in, err := loadInstallation(s, s.database != "none")
	if err != nil {
		return err
	}
	if _, err := repositoryTops(in.Repository.Path); err != nil {
		return &snapshot.NotRepositoryError{Path: in.Repository.Path}
	}
	progress := new(snapshot.Progress)
	o := verify.SourceOptions{Repository: in.Repository, MD5: s.check == "full", Progress: progress}
	check := func(db *fossology.Database) error {
		if db != nil {
			view, err := db.View(ctx)
			if err != nil {
				return err
			}
			defer view.Close()
			o.References = view
		}
		stop := t.watch(s, progress)
		r, err := verify.Source(ctx, o)
		stop()
		if err != nil {
			return err
		}
		return t.reportVerify(s, r)
	}
	if s.database == "none" || in.Database == "" {
		return check(nil)
	}
	return connected(ctx, in.Database, check)
}

// verifyStore scrubs the objects, then checks each snapshot of each
// installation for completeness.
func (t *tool) verifyStore(ctx context.Context, st *store.Store, o verify.ScrubOptions) (*verify.Report, error) {
	sum, err := verify.Scrub(ctx, st, o)
	if err != nil {
		return nil, err
	}
	installations, err := snapshot.Installations(st)
	if err != nil {
		return nil, err
	}
	for _, name := range installations {
		list, err := snapshot.List(st, name)
		if err != nil {
			return nil, err
		}
		for _, x := range list {
			r, err := verify.Complete(ctx, st, name, x.Name, o.Progress)
			if err != nil {
				return nil, err
			}
			addReport(sum, r)
		}
	}
	return sum, nil
}

// parseShare reads 5% or 0.05 as a twentieth; "" is 0, which means all.
func parseShare(v string) (float64, error) {
	if v == "" {
		return 0, nil
	}
	number, percent := strings.CutSuffix(strings.TrimSpace(v), "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		f /= 100
	}
	if err != nil || !(f > 0 && f <= 1) {
		return 0, &usageError{err: fmt.Errorf("--sample %q: expected a share of the objects", v), hint: "write 5% or 0.05"}
	}
	if f == 1 {
		return 0, nil
	}
	return f, nil
}

// exclusive is an error if more than one of the flags is given.
func exclusive(c *cli.Context, names ...string) error {
	var given []string
	for _, n := range names {
		if c.IsSet(n) {
			given = append(given, "--"+n)
		}
	}
	if len(given) > 1 {
		return &usageError{err: errors.New(c.Command.Name + ": " + strings.Join(given, " and ") + " do not go together"),
			hint: "run the command once for each"}
	}
	return nil
}
