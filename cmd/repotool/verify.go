package main

import (
	"cmp"
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
		Name:      "verify",
		ArgsUsage: "[SNAPSHOT]",
		Usage:     "prove that snapshots are good, change nothing",
		Description: `
Reads every object of the store again and compares its bytes with its name, and
checks for every snapshot of every installation that all it needs is there: each
object with the right size, the summary, and every file of the day directory.

With SNAPSHOT only that snapshot is looked at, and only whether all of it is
there with the right size: that takes seconds, and does not see a flipped bit.
--read reads the bytes of what that snapshot needs as well. Of files that a
snapshot by the strategy gold left out, both check that their gold is there.
--rebuild unpacks it, which takes as long as repotool index once did, and
compares every one of those files with its hash; nothing is written.

--source checks the repository in place of the store: the SHA-1 and size of
every file against its name (--check full: MD5 too), and the rows of the database
against the files, both ways. Files that have no checksum for a name, such as
logs, cannot be checked, and are counted.

--sample 5% reads another twentieth of the objects each day, so that in twenty
days all are read; --budget 10m stops after ten minutes, and the next run with
a budget goes on from there. The last line says what was read and what was not.

Nothing is changed, unless --repair is given; --budget alone notes in the
store's cache how far it came. With --repair a damaged or missing object is
replaced if the live repository still has the right bytes, which are checked
first, and what a day directory lacks or shows wrongly is made again from good
objects. What is replaced is kept in the store's trash. The exit code is 0 if
all that was wrong could be put right.`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "sample", Usage: "read only a `SHARE` of the objects, such as 5%"},
			&cli.DurationFlag{Name: "budget", Usage: "stop reading after `DURATION`, such as 10m"},
			&cli.StringFlag{Name: "snapshot", Hidden: true, Usage: "as the argument: `REF`"},
			&cli.BoolFlag{Name: "read", Usage: "with SNAPSHOT: read the bytes of all that it needs"},
			&cli.BoolFlag{Name: "rebuild", Usage: "with SNAPSHOT: unpack its gold and compare what it left out"},
			&cli.BoolFlag{Name: "source", Usage: "check the repository and the database, not the store"},
			&cli.BoolFlag{Name: "repair", Usage: "put objects right from the live repository, and days from good objects"},
			setting("check", "with --source: check `WHAT` of files: name (SHA-1 and size) or full (MD5 too)"),
			setting("database", "with --source: none leaves the database out, as `MODE`"),
		}, sourceFlags()...),
		Action: t.verify,
	}, `
repotool verify --store /backup/fossology
repotool verify --sample 5% --budget 30m
repotool verify latest
repotool verify latest~7 --read
repotool verify latest --read --rebuild
repotool verify --source
repotool verify --repair`,
		exitFailed, exitFindings, exitLocked, exitInterrupted)
}

func (t *tool) verify(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	ref := cmp.Or(c.Args().First(), c.String("snapshot"))
	if err := exclusive(c, "source", "repair"); err != nil {
		return err
	}
	switch {
	case c.NArg() > 1, c.NArg() == 1 && c.IsSet("snapshot"):
		return tooMany(c, c.NArg()-1)
	case c.Bool("source") && ref != "":
		return &usageError{err: fmt.Errorf("verify: --source and the snapshot %s do not go together", ref), hint: "run the command once for each"}
	case (c.IsSet("sample") || c.IsSet("budget")) && (c.Bool("source") || ref != ""):
		return usagef("verify: --sample and --budget are about reading the objects of the store")
	case c.Bool("read") && ref == "":
		return &usageError{err: errors.New("verify: --read belongs to one SNAPSHOT"), hint: "without SNAPSHOT, the bytes of all objects are read"}
	case c.Bool("rebuild") && ref == "":
		return &usageError{err: errors.New("verify: --rebuild belongs to one SNAPSHOT"), hint: "write repotool verify --rebuild latest"}
	case c.Duration("budget") < 0:
		return usagef("--budget %s: expected a positive duration such as 10m", c.Duration("budget"))
	}
	share, err := parseShare(c.String("sample"))
	if err != nil {
		return err
	}
	if c.Bool("source") {
		return t.verifySource(c.Context, s)
	}
	st, err := openStore(s)
	if err != nil {
		return err
	}
	defer st.Close()
	if c.Bool("repair") {
		lock, err := st.Lock(c.Context, "repair", commandLine(), t.now())
		if err != nil {
			return err
		}
		defer lock.Unlock()
	}
	progress := new(snapshot.Progress)
	stop := t.watch(s, progress)
	defer stop()
	var r *verify.Report
	repair := &verify.RepairOptions{Repository: s.repository, Now: t.now()}
	if !c.Bool("repair") {
		repair = nil
	}
	if ref != "" {
		o := verify.CompleteOptions{Read: c.Bool("read"), Progress: progress}
		if c.Bool("rebuild") {
			o.Rebuilder = t.unpacking(st)
		}
		r, err = verify.Complete(c.Context, st, s.installation, ref, o)
		err = whoseSnapshots(s, st, err)
		if err == nil && repair != nil {
			err = verify.Repair(c.Context, st, r, *repair)
		}
	} else {
		r, err = verify.All(c.Context, st, verify.ScrubOptions{Sample: share, Budget: c.Duration("budget"), Now: t.now, Progress: progress}, repair)
	}
	stop()
	if err != nil {
		return err
	}
	return t.reportVerify(s, r, c.Bool("repair"))
}

// verifySource checks the repository, against the database too if it is not
// left out.
func (t *tool) verifySource(ctx context.Context, s settings) error {
	in, err := loadInstallation(s, s.database != "none")
	if err != nil {
		return err
	}
	o := verify.SourceOptions{Repository: in.Repository, MD5: s.check == "full", Progress: new(snapshot.Progress)}
	if s.database == "none" || in.Database == "" {
		return t.checkSource(ctx, s, o)
	}
	return connected(ctx, in.Database, func(db *fossology.Database) error {
		o.Since = t.now()
		view, err := db.View(ctx)
		if err != nil {
			return err
		}
		defer view.Close()
		rows, err := view.Counts(ctx)
		if err != nil {
			return err
		}
		o.References, o.Expect = view, rows.Pfile+rows.Upload
		if st, err := store.Open(s.store); err == nil { // it may be needed, and may not be there
			gone := t.prunedFiles(ctx, s, st)
			defer func() { gone.Close(); st.Close() }()
			o.Rebuilder = gone
		}
		return t.checkSource(ctx, s, o)
	})
}

func (t *tool) checkSource(ctx context.Context, s settings, o verify.SourceOptions) error {
	stop := t.watch(s, o.Progress)
	r, err := verify.Source(ctx, o)
	stop()
	if err != nil {
		return err
	}
	return t.reportVerify(s, r, false)
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
