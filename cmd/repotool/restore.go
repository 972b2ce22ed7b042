package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/snapshot"
	"repotool/store"
)

func (t *tool) restoreCommand() *cli.Command {
	return documented(&cli.Command{
		Name:      "restore",
		Usage:     "bring a snapshot back, whole or in part",
		ArgsUsage: "SNAPSHOT",
		Description: `
Without --to, the repository is restored in its place (as fossology.conf says,
or else as the snapshot remembers) and the database under its own name, while
the scheduler stands still. With --to DIR, the files go into DIR, and the
database only if --database-name gives it another name. If DIR is the repository,
or lies in it, the scheduler stands still all the same.

Files that are there and right stay, so an interrupted restore goes on where
it was. Files with other bytes are replaced, each at once. Files that are not in
the snapshot are left alone. Every byte is checked against its hash on the
way; modes, owners, times and links become what they were. Owners go by their
names, whose numbers are others on another host. An owner that is not known
there, or cannot be set (not root), is a finding. A damaged object is a finding
too; the rest is restored.

The database is loaded under a new name first. When all rows are there, by the
counts in the snapshot, it takes the place of the old one, which is kept as
NAME_before_TIME until you drop it. If rows are missing, the old one stays, and
what was loaded is kept as NAME_wrong_TIME. What a restore that was killed left
(NAME_restore_TIME) is removed by the next; repotool doctor lists all of them.
Creating databases takes rights that FOSSology's own role may not have: see
--admin.

The database comes back with its encoding, its locale (of ICU too) and its
settings. Roles that are missing are created, with their passwords if the
snapshot has them. Tablespaces are not created: if the server lacks one that a
table is in, the restore says so before it begins.

Of a snapshot by the strategy gold, everything that it stored comes back first:
gold, the files that no gold makes, the database. --rebuild says when the rest
follows, which is taken from gold and checked against the snapshot's hashes:

    now     at once; the scheduler stands still until the last file is there,
            since jobs that want a file that is not would fail
    later   not by this run: the scheduler starts when the database is there,
            and the command to run is printed; until that has ended, jobs and
            pages that want such a file fail
    queue   by FOSSology, which starts too: in one transaction, each upload that
            lacks files gets a job of the agent reporeunpack (see repotool
            agent), and its jobs that had not ended wait for that; if the agent
            is not installed, nothing is restored

now needs no FOSSology, database or ledger, and goes with --to. However it ends,
the same command goes on.

--plan says what would be done, how much it is, whether it fits, and what would
be overwritten; it changes nothing.`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "to", Usage: "restore the files into `DIR` and leave the installation alone"},
			&cli.StringSliceFlag{Name: "only", Usage: "restore only `WHAT`: gold, files, logs, database, a host, a path as ls shows it, or a file's name (repeatable)"},
			&cli.BoolFlag{Name: "plan", Aliases: []string{"dry-run"}, Usage: "say what would be done; change nothing (also: --dry-run)"},
			&cli.StringFlag{Name: "database-name", Usage: "restore the database under `NAME`"},
			setting("admin", "make databases by this libpq `STRING` (default: that of Db.conf, with the database postgres)"),
			setting("load-command", "restore what --database command:… wrote with the shell command `CMD`, which reads it (default: psql)"),
			&cli.StringFlag{Name: "rebuild", Value: "now", Usage: "take what the snapshot left out from gold `WHEN`: now, queue or later"},
			&cli.BoolFlag{Name: "no-owner", Usage: "do not set owners and groups"},
			setting("quiesce", "`HOW` to keep FOSSology still during a restore in place: stop (the scheduler) or none"),
			&cli.DurationFlag{Name: "quiesce-timeout", Usage: "give up after `DURATION` if agents still run (default 10m)", EnvVars: env("quiesce-timeout")},
			setting("start-command", "start the scheduler with the shell command `CMD` (default, as root: the service manager)"),
		}, installationFlags()...),
		Action: t.restore,
	}, `
repotool restore --plan latest
repotool restore latest
repotool restore --only gold --only database 2026-11-22
repotool restore --to /tmp/look --only localhost/gold latest~1
repotool restore --to /tmp/copy --database-name copy latest`,
		exitFailed, exitFindings, exitLocked, exitQuiesce, exitInterrupted)
}

// restoration is one run of restore.
type restoration struct {
	*tool
	s            settings
	st           *store.Store
	snap         *snapshot.Snapshot
	in           *fossology.Installation // nil: not known
	inPlace      bool                    // without --to
	live         bool                    // the files go into the repository that FOSSology works with
	files        bool                    // files are asked for
	only         []string                // of the files
	databases    []string                // of the dump that are asked for
	databaseName string
	noOwner      bool
	rebuild      string              // now, queue, later: when files come back that were left out
	admin        *fossology.Database // nil if no database is asked for
	adminDSN     fossology.DSN
	findings     snapshot.Findings
	result       restoreResult
	stands       error // why the scheduler, after good work, was not started
}

func (t *tool) restore(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	switch {
	case c.NArg() == 0:
		return missing(c, "SNAPSHOT")
	case c.NArg() > 1:
		return tooMany(c, 1)
	}
	if name := c.String("database-name"); len(name) > maxDatabaseName {
		return usagef("restore: --database-name %q is longer than the %d bytes that PostgreSQL keeps", name, maxDatabaseName)
	}
	if err := oneOf("--rebuild", c.String("rebuild"), "now", "queue", "later"); err != nil {
		return err
	}
	snap, err := openSnapshot(c.Context, s, c.Args().First())
	if err != nil {
		return err
	}
	defer snap.Root.Close()
	r := &restoration{tool: t, s: s, st: snap.Store, snap: snap, databaseName: c.String("database-name"), noOwner: c.Bool("no-owner"), rebuild: c.String("rebuild")}
	r.result = restoreResult{Snapshot: snap.Name(), Installation: s.installation, Plan: c.Bool("plan")}
	if err := r.choose(c.StringSlice("only"), c.String("to")); err != nil {
		return err
	}
	if len(r.databases) > 0 {
		if err := r.connect(c.Context); err != nil {
			return err
		}
		defer r.admin.Close(context.WithoutCancel(c.Context))
	}
	if err := r.run(c.Context); err != nil {
		return noRoom(err, r.result.To)
	}
	r.record()
	return endedBy(r.report(), r.stands)
}

// run restores files, then databases: rows that refer to files appear last.
func (r *restoration) run(ctx context.Context) error {
	if !r.result.Plan {
		if _, err := r.st.Sweep(ctx); err != nil {
			r.log.Warn("clear up after an interrupted run", "err", err)
		}
	}
	if r.live && !r.result.Plan {
		lock, err := r.snap.Root.Lock(ctx, "snapshot-"+r.s.installation, commandLine(), r.now())
		var locked *store.LockedError
		switch {
		case errors.As(err, &locked):
			return err
		case err != nil: // a store on a read-only disk can be restored from
			r.log.Warn("restoring without a lock", "err", err)
		default:
			defer lock.Unlock()
		}
		if r.in != nil && r.s.quiesce == "stop" {
			release, err := r.standstill(r.s, r.in, nil)(ctx)
			if err != nil {
				return err
			}
			err = r.work(ctx)
			stood, e := release(context.WithoutCancel(ctx))
			r.result.Standstill = stood.Duration.Seconds()
			if err == nil { // what was done is told all the same
				r.stands = e
				return nil
			}
			return errors.Join(err, e)
		}
	}
	return r.work(ctx)
}

func (r *restoration) work(ctx context.Context) error {
	begin := r.now()
	if r.files {
		if err := r.restoreFiles(ctx); err != nil {
			return err
		}
	}
	for _, name := range r.databases {
		if err := r.restoreDatabase(ctx, name); err != nil {
			return err
		}
	}
	r.result.Stored = r.now().Sub(begin).Seconds()
	err := r.rebuildFiles(ctx)
	r.result.Seconds = r.now().Sub(begin).Seconds()
	return err
}

func (r *restoration) restoreFiles(ctx context.Context) error {
	progress := new(snapshot.Progress)
	stop := r.watch(r.s, progress)
	defer stop()
	report, err := r.snap.Restore(ctx, snapshot.RestoreOptions{
		To:       r.result.To,
		Only:     r.only,
		NoOwner:  r.noOwner,
		Plan:     r.result.Plan,
		Progress: progress,
		Findings: &r.findings,
	})
	if err != nil {
		return err
	}
	r.result.Files = report
	if !r.result.Plan {
		return nil
	}
	r.result.Room = measureRoom(r.result.To)
	if m := r.result.Room; m != nil && m.FreeBytes < report.NewBytes {
		r.problem("%s would be written, %s is free on %s", size(report.NewBytes), size(m.FreeBytes), m.Dir)
	}
	// Each file takes an inode, and nearly always a directory of its own another one.
	if m := r.result.Room; m != nil && m.FreeInodes >= 0 && m.FreeInodes < 2*report.Written {
		r.problem("%s would be written, nearly each with a directory of its own; %s free on %s",
			plural(report.Written, "file", "files"), plural(m.FreeInodes, "inode is", "inodes are"), m.Dir)
	}
	if m := r.result.Room; m != nil && unix.Access(m.Dir, unix.W_OK) != nil {
		r.problem("%s cannot be written to: it is mounted read-only, or belongs to somebody else", m.Dir)
	}
	return nil
}
