package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"repotool/snapshot"
	"repotool/store"
)

func (t *tool) gcCommand() *cli.Command {
	return documented(&cli.Command{
		Name:  "gc",
		Usage: "free what no snapshot needs",
		Description: `
Reads the manifests of all snapshots of all installations. Objects that none of
them needs are moved into quarantine. What an earlier run had moved there is
deleted, or brought back if a snapshot needs it again. So nothing is deleted
before the second run, and --undo brings back all that is in quarantine.
Objects in quarantine are still found when they are needed.

It may run beside anything. What a running snapshot has stored already stays in
quarantine until that has ended; a crashed one protects nothing, and the next
stores again what is gone. No clock is asked, and no number of links.

If a single manifest cannot be read, nothing is collected: that is an error.
Bytes that a day directory still shows are free only when it goes, too; they are
counted as deleted and not as freed.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "undo", Usage: "bring back all that is in quarantine"},
			&cli.BoolFlag{Name: "dry-run", Usage: "count what would be done; change nothing"},
		},
		Action: t.gc,
	}, `
repotool gc --store /backup/fossology
repotool gc --dry-run --json
repotool gc --undo`,
		exitFailed, exitFindings, exitLocked, exitInterrupted)
}

func (t *tool) gc(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	if c.NArg() > 0 {
		return tooMany(c, 0)
	}
	if err := exclusive(c, "undo", "dry-run"); err != nil {
		return err
	}
	st, err := openStore(s)
	if err != nil {
		return err
	}
	defer st.Close()
	var r *snapshot.CollectReport
	if c.Bool("undo") {
		r, err = snapshot.BringBackAll(c.Context, st, snapshot.CollectOptions{Command: commandLine(), Now: t.now})
	} else {
		r, err = t.collect(c.Context, s, st, c.Bool("dry-run"))
	}
	if err != nil {
		return err
	}
	if s.json {
		if err := t.answer(r); err != nil {
			return err
		}
	}
	return t.reportGarbage(s, r, c.Bool("undo"))
}

// collect collects garbage, and shows how far it is.
func (t *tool) collect(ctx context.Context, s settings, st *store.Store, dry bool) (*snapshot.CollectReport, error) {
	o := snapshot.CollectOptions{DryRun: dry, Command: commandLine(), Now: t.now, Progress: new(snapshot.Progress)}
	stop := t.watch(s, o.Progress)
	defer stop()
	r, err := snapshot.CollectAll(ctx, st, o)
	return r, noRoom(err, s.store)
}

// reportGarbage says in one line what became of the objects, and what could not be
// looked at.
func (t *tool) reportGarbage(s settings, r *snapshot.CollectReport, undo bool) error {
	of := func(g snapshot.Garbage) string { return fmt.Sprintf("%s (%s)", count(g.Objects), size(g.Bytes)) }
	if undo {
		t.say(s, "%s brought back from quarantine\n", of(r.Returned))
	} else {
		line := fmt.Sprintf("objects of %s: %s needed; %s put into quarantine, %s deleted, %s freed",
			plural(r.Snapshots, "snapshot", "snapshots"), count(r.Objects), of(r.Quarantined), of(r.Deleted), size(r.Freed.Bytes))
		if r.Returned.Objects > 0 {
			line += ", " + of(r.Returned) + " brought back"
		}
		if r.Waiting.Objects > 0 {
			line += ", " + of(r.Waiting) + " wait in quarantine for what runs now"
		}
		t.say(s, "%s; took %s\n", line, fraction(r.Seconds))
	}
	for _, f := range r.Troubles {
		if !s.json {
			fmt.Fprintf(t.stderr, "finding: %s\n", findingLine(f))
		}
	}
	if n := len(r.Troubles); n > 0 {
		return findingsError{int64(n)}
	}
	return nil
}
