package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"repotool/fossology"
	"repotool/snapshot"
	"repotool/store"
)

func (t *tool) snapshotCommand() *cli.Command {
	return documented(&cli.Command{
		Name:  "snapshot",
		Usage: "take a snapshot of an installation",
		Description: `
Copies what is new in the repository into the store, brings FOSSology to a
standstill, dumps the database, copies what arrived meanwhile, starts FOSSology
again, compares database and files, and publishes the snapshot. It appears
complete or not at all. FOSSology's files are not changed.

The scheduler is started again after success, after an error, after Ctrl-C
and, by a watchdog process, after kill -9. With --quiesce none nothing is
stopped: the database is dumped first, in one moment of its life, then the
files are copied; FOSSology only ever adds files, so that is consistent as
long as nobody deletes uploads meanwhile.

A file whose bytes do not match its name is a finding. It is not stored
under that name, and an earlier good copy stays. Findings do not stop the
snapshot; they make the exit code 3.

With --strategy gold, files that gold makes are left out: the archives in gold
were unpacked (repotool index), and what came out had the bytes of the file in
the repository, by the unpacker that is in use today. Everything else is
stored, and the snapshot still lists every file with its hash. The ledger is
brought up to date first, if an upload came, went or was unpacked since, and
weekly; what is not proven within --index-budget is stored.
A file that loses its proof, since its gold is gone or the unpacker changed,
is stored by the next snapshot. What is left out is not read, with --detect
read either: repotool verify --source reads it. Strategies may change in one
store; nothing is lost by that.

With --scheme rotating, the first snapshot is a base, and those that follow add
what changed. A new base then takes the place of base and days: after --cycle
snapshots, or on a weekday. It is read from the repository and hashed again, and
shares nothing with the one before, so that one rotten file cannot spoil both.
It is read back from the disk before the old cycle goes; and that stays as long
as the new one lacks anything that it has, a snapshot of it is pinned or read,
or --keep-cycles says so. For a moment, both need room. All commands know the
snapshots of both schemes, which may go on side by side in one store.

Of a dump, the rows of the tables upload, pfile, uploadtree and jobqueue are
counted and compared with the database; if they differ, there is no snapshot.
The passwords of the database's roles can be read by a superuser only: without
--admin the dump has none. The summary and repotool doctor say so each time,
but it is no finding: roles that a restore has to create then need their
passwords set by hand.`,
		Flags: slices.Concat([]cli.Flag{
			setting("database", "dump it as `MODE`: plain (FOSSology's database, SQL), cluster (every database of the server), directory (pg_dump -Fd, for large ones), none, or command:CMD (what CMD writes)"),
			setting("quiesce", "`HOW` to bring FOSSology to a standstill: stop (the scheduler) or none"),
			&cli.DurationFlag{Name: "quiesce-timeout", Usage: "give up after `DURATION` if agents still run (default 10m)", EnvVars: env("quiesce-timeout")},
			setting("admin", "dump the roles, with their passwords, by this libpq `STRING` of a superuser (default: that of Db.conf, without passwords)"),
			setting("start-command", "start the scheduler with the shell command `CMD` (default, as root: the service manager)"),
			setting("detect", "notice change by `HOW`: walk (names and sizes) or read (hash every file)"),
			setting("check", "check `WHAT` of new files: name (SHA-1 and size) or full (MD5 too)"),
			setting("strategy", "store by `STRATEGY`: full (everything) or gold (leave out what gold is proven to bring back)"),
			setting("index", "with --strategy gold: `run` the index first, or use the ledger as it is"),
			&cli.DurationFlag{Name: "index-budget", Usage: "begin nothing new in the index after `DURATION` (default 2h)", EnvVars: env("index-budget")},
			setting("day-layout", "make the day directory flat, native or none, as `LAYOUT` says"),
		}, rotateFlags(), []cli.Flag{
			&cli.BoolFlag{Name: "full-scan", Usage: "read every directory, even if its times say that nothing changed (done weekly anyway)"},
			&cli.BoolFlag{Name: "forget", Usage: "then forget old snapshots, as [installation.NAME.retention] of the configuration says (see repotool forget)"},
			&cli.BoolFlag{Name: "dry-run", Usage: "say what would be done; change nothing"},
		}, installationFlags()),
		Action: t.snapshot,
	}, `
repotool snapshot --store /backup/fossology
repotool snapshot --store /backup/fossology --quiesce none --day-layout none
repotool snapshot --strategy gold --index-budget 1h
repotool snapshot --forget
repotool snapshot --scheme rotating --cycle sunday
repotool snapshot --database 'command:ssh db pg_dump fossology'
repotool snapshot --installation internal --sysconf /etc/fossology-internal`,
		exitFailed, exitFindings, exitLocked, exitQuiesce, exitInterrupted)
}

func (t *tool) snapshot(c *cli.Context) (err error) {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	defer func() {
		// What this run has left to its watchdog is in good hands: this one knows no better command.
		if err != nil && s.quiesce == "stop" && !c.Bool("dry-run") && !errors.Is(err, fossology.ErrLeft) {
			t.startAfterFailure(context.WithoutCancel(c.Context), s)
		}
	}()
	if c.NArg() > 0 {
		return tooMany(c, 0)
	}
	if err := checkScheme(s); err != nil {
		return err
	}
	if c.Bool("forget") {
		if err := needPolicy(s); err != nil {
			return err
		}
	}
	st, err := openStore(s)
	if err != nil {
		return err
	}
	defer st.Close()
	in, err := loadInstallation(s, s.database != "none")
	if err != nil {
		return err
	}
	if s.quiesce == "stop" && in.AgentsDir() == "" {
		// The standstill would say the same, after all files have been copied.
		return &usageError{err: errors.New("snapshot: without FOSSology's configuration, its scheduler and agents cannot be stopped"),
			hint: "name its directory with --sysconf, or do without a standstill: --quiesce none"}
	}
	if _, err := in.Repository.Tops(); err != nil {
		return err
	}
	work := func(db *fossology.Database) error {
		if c.Bool("dry-run") {
			return t.rehearse(c.Context, s, st, in, db)
		}
		return t.take(c.Context, s, st, in, db, takeFlags{full: c.Bool("full-scan"), forget: c.Bool("forget")})
	}
	if s.database == "none" {
		return work(nil)
	}
	if in.Database == "" {
		return &hinted{errors.New("snapshot: no database is known"),
			"name the directory of Db.conf with --sysconf, or the database with --database-dsn, or leave it out with --database none"}
	}
	return connected(c.Context, in.Database, work)
}

// startAfterFailure starts a scheduler that an earlier run left stopped, if this one did not
// come to the standstill, which it would have taken over.
func (t *tool) startAfterFailure(ctx context.Context, s settings) {
	in, err := loadInstallation(s, false)
	if err != nil {
		return // which has been told, or bears on nothing that was stopped
	}
	r, err := t.startLeftover(ctx, s, in)
	switch {
	case err != nil:
		fmt.Fprintf(t.stderr, "repotool: a run had left FOSSology's scheduler stopped, and it was not started: %s\n", printable(err.Error()))
	case r.Action == fossology.RecoveredStarted:
		fmt.Fprintf(t.stderr, "repotool: started the scheduler, which a run had left stopped at %s\n", r.Note.Time.Local().Format(time.DateTime))
	}
}

// takeFlags are those of one run.
type takeFlags struct{ full, forget bool }

// takenAndForgotten is what snapshot --forget prints with --json.
type takenAndForgotten struct {
	Snapshot *snapshot.Summary `json:"snapshot"`
	Forget   *forgetResult     `json:"forget"`
}

// take takes the snapshot. db is nil if the database is left out.
func (t *tool) take(ctx context.Context, s settings, st *store.Store, in *fossology.Installation, db *fossology.Database, flags takeFlags) error {
	progress := new(snapshot.Progress)
	o := snapshot.TakeOptions{
		Store:        st,
		Installation: s.installation,
		Repository:   in.Repository.Path,
		Depth:        in.Repository.Depth,
		Detect:       snapshot.Detection(s.detect),
		FullScan:     flags.full,
		CheckMD5:     s.check == "full",
		Layout:       snapshot.Layout(s.dayLayout),
		Command:      commandLine(),
		Version:      version,
		Now:          t.now,
		Log:          t.log,
		Progress:     progress,
	}
	if db != nil {
		o.Dump = dumpOptions(s, in)
		o.Dump.Log = t.log
		db.LockTimeout = o.Dump.LockTimeout
		o.View = databaseView(db)
	}
	var stopped, err error
	if s.strategy == "gold" {
		ledger, err := t.leaveOut(ctx, s, st, in, db, &o)
		if err != nil {
			return err
		}
		defer ledger.Close()
	}
	if db != nil {
		gone := t.prunedFiles(ctx, s, st)
		defer gone.Close()
		o.Derived, o.Place = gone, placeOf(in.Repository)
	}
	if s.quiesce == "stop" {
		o.Quiesce = t.standstill(s, in, db)
	} else if r, err := t.startLeftover(ctx, s, in); err != nil {
		stopped = err // no reason to have no backup; told at the end
	} else if r.Action == fossology.RecoveredStarted {
		t.say(s, "started the scheduler, which a run had left stopped at %s\n", r.Note.Time.Local().Format(time.DateTime))
	}
	stop := t.watch(s, progress)
	var sum *snapshot.Summary
	if s.scheme == string(snapshot.SchemeRotating) {
		sum, err = snapshot.Rotate(ctx, rotation(s, o))
	} else {
		sum, err = snapshot.Take(ctx, o)
	}
	stop()
	if sum == nil {
		return noRoom(err, s.store)
	}
	left := err // an old cycle could not be removed
	if sum.FindingCount[snapshot.NoProof] > 0 {
		forgetSettled(st, s.installation) // the next update mends the ledger
	}
	err = nil
	if s.json && !flags.forget {
		err = t.answer(sum)
	} else {
		t.say(s, "%s\n", summaryLine(sum))
		t.keptCycles(s, sum.Rotation)
	}
	n := t.findings(s, sum.FindingCount, sum.First, "all of them: repotool snapshots "+sum.Name)
	if stopped != nil {
		fmt.Fprintf(t.stderr, "finding: scheduler-stopped: a run had left FOSSology's scheduler stopped, and it was not started: %v\n  hint: start it by hand, then run repotool doctor\n", stopped)
		n++
	}
	if err == nil && flags.forget {
		err = t.forgetAfter(ctx, s, st, sum)
	}
	if n > 0 {
		err = alsoFound(err, findingsError{n})
	}
	if left != nil {
		return noRoom(left, s.store)
	}
	return err
}

// forgetAfter forgets old snapshots after one was taken.
func (t *tool) forgetAfter(ctx context.Context, s settings, st *store.Store, sum *snapshot.Summary) error {
	decisions, err := t.decide(s, st, nil)
	var r *forgetResult
	if err == nil {
		r, err = t.letGo(ctx, s, st, decisions, true)
	}
	if err == nil && s.json {
		err = t.answer(takenAndForgotten{sum, r})
	} else if s.json { // the snapshot is there, whatever came of the rest
		err = errors.Join(t.answer(sum), err)
	}
	return t.reportForget(s, r, err)
}

// summaryLine says in one line what a snapshot is, so that a good night is one
// line of mail. What would be the same every night is only counted.
func summaryLine(x *snapshot.Summary) string {
	line := fmt.Sprintf("%s %s: %s, %s; %s new (%s stored)", x.Installation, x.Name,
		plural(x.Files, "file", "files"), size(x.Bytes), count(x.Read.Files), size(x.Added.Bytes))
	if x.Removed > 0 {
		line += fmt.Sprintf(", %s gone", count(x.Removed))
	}
	if x.WorkFiles > 0 {
		line += fmt.Sprintf(", %s of agents at work left out", plural(x.WorkFiles, "file or directory", "files and directories"))
	}
	if x.LeftOut.Files > 0 {
		line += fmt.Sprintf("; not stored: %s (%s) that gold in the snapshot makes, which was unpacked and compared",
			count(x.LeftOut.Files), size(x.LeftOut.Bytes))
	}
	if x.Pruned.Files > 0 {
		line += fmt.Sprintf("; pruned: %s (%s) that the repository has not got, and gold makes", count(x.Pruned.Files), size(x.Pruned.Bytes))
	}
	if d := x.Database; d != nil {
		line += fmt.Sprintf("; database %s (%s stored)", size(d.RawBytes), size(d.NewBytes))
	}
	line += rotationLine(x)
	if x.Standstill > 0 {
		line += "; stood still " + fraction(x.Standstill)
	}
	line += "; took " + fraction(x.Seconds)
	notes := int64(len(standstillNotes(recorded(x))))
	for kind := range notesOnly {
		notes += x.FindingCount[kind]
	}
	if notes > 0 {
		line += "; " + plural(notes, "note", "notes") + ", see repotool snapshots latest"
	}
	if n := countFindings(x.FindingCount); n > 0 {
		line += "; " + plural(n, "finding", "findings")
	}
	return line
}
