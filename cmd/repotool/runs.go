package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/urfave/cli/v2"

	"repotool/fossology"
	"repotool/prune"
	"repotool/snapshot"
	"repotool/store"
)

// What prune and dedup have in common: plans in files, runs and their journals.

// runFlags are the flags of both.
func runFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "execute", Usage: "do it; without, only the plan is printed"},
		&cli.StringFlag{Name: "out", Usage: "write the plan to `FILE`, too"},
		&cli.StringFlag{Name: "plan", Usage: "with --execute: carry out the plan in `FILE`, once, and only if nothing has changed since"},
		&cli.StringFlag{Name: "quiesce", Value: "none", Usage: "`HOW` FOSSology stands still meanwhile: stop its scheduler, or none"},
		&cli.DurationFlag{Name: "quiesce-timeout", Usage: "give up after `DURATION` if agents still run (default 10m)", EnvVars: env("quiesce-timeout")},
		setting("start-command", "start the scheduler with the shell command `CMD` (default, as root: the service manager)"),
		&cli.StringFlag{Name: "undo", Usage: "take back what the run with `JOURNAL` (or its name, or last) did"},
		&cli.StringFlag{Name: "resume", Usage: "go on with the interrupted run with `JOURNAL` (or its name, or last)"},
		&cli.BoolFlag{Name: "list", Usage: "list earlier runs"},
	}
}

// checkRunFlags refuses those that do not go together.
func checkRunFlags(c *cli.Context) error {
	if c.NArg() > 0 {
		return tooMany(c, 0)
	}
	if err := exclusive(c, "undo", "resume", "list", "execute"); err != nil {
		return err
	}
	if err := exclusive(c, "undo", "resume", "list", "plan", "out"); err != nil {
		return err
	}
	switch {
	case c.IsSet("plan") && !c.Bool("execute"):
		return usagef("%s: --plan belongs to --execute", c.Command.Name)
	case c.String("quiesce") == "stop" && !c.Bool("execute"):
		return usagef("%s: --quiesce belongs to --execute", c.Command.Name)
	}
	return nil
}

// havePlans refuses flags of what is planned where there is a plan.
func havePlans(c *cli.Context, flags ...string) error {
	for _, way := range []string{"undo", "resume", "list", "plan"} {
		for _, flag := range flags {
			if err := exclusive(c, way, flag); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepPlan writes a plan where --out says.
func keepPlan(c *cli.Context, write func(io.Writer) error) error {
	name := c.String("out")
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, os.ErrExist) {
		return &hinted{fmt.Errorf("write plan: %s is there already", name), "give another name: a plan is never overwritten"}
	}
	if err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return errors.Join(write(f), f.Sync(), f.Close())
}

// apart is an error if a store lies in the repository: its own files would be taken for others.
func apart(st *store.Store, repository string) error {
	in, err := store.Inside(st.Path(), repository)
	if err == nil && in {
		err = &hinted{fmt.Errorf("the store %s lies in the repository %s", st.Path(), repository), "a backup belongs elsewhere, best on another disk: move it"}
	}
	return err
}

// openPlan opens a plan, which is a file, and nothing that may have us wait.
func openPlan(name string) (*os.File, error) {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("read plan: %s is no file", name)
	}
	if err != nil {
		return nil, err
	}
	return os.Open(name)
}

// locked works while no other prune or dedup of the installation does.
func (t *tool) locked(ctx context.Context, st *store.Store, s settings, work func() error) error {
	lock, err := st.Lock(ctx, "prune-"+s.installation, commandLine(), t.now())
	if err != nil {
		return err
	}
	defer lock.Unlock()
	return work()
}

// noneInterrupted is an error if a run was interrupted, and neither went on nor was undone.
func noneInterrupted[D any](command string, runs []D, of func(D) *prune.Run) error {
	for _, x := range runs {
		if r := of(x); r.Interrupted() {
			return &hinted{fmt.Errorf("%s: the run of %s was interrupted", command, r.Start.Local().Format(time.DateTime)),
				fmt.Sprintf("go on with it: repotool %[1]s --resume %[2]s; or take back what it did: repotool %[1]s --undo %[2]s", command, r.Plan)}
		}
	}
	return nil
}

// findRun finds one by its journal, its plan, or as the last one.
func findRun[D any](command, which string, runs []D, of func(D) *prune.Run, read func(string) (D, error)) (found D, err error) {
	if which == "last" && len(runs) > 0 {
		return runs[len(runs)-1], nil
	}
	for _, x := range runs {
		if r := of(x); which == r.Plan || which == r.Journal {
			return x, nil
		}
	}
	if _, err := os.Stat(which); err == nil {
		return read(which)
	}
	return found, &hinted{fmt.Errorf("%s: there is no journal %q", command, which), "repotool " + command + " --list shows them"}
}

// notEnded is an error if there is nothing to go on with.
func notEnded(command string, r *prune.Run) error {
	if r.Interrupted() {
		return nil
	}
	return &hinted{fmt.Errorf("%s: the run with %s has come to its end", command, r.Journal), "make a new plan"}
}

// runState says in a word how a run stands.
func runState(r *prune.Run) string {
	switch {
	case r.Undone:
		return "undone"
	case !r.Ended:
		return "interrupted, or running"
	}
	return ""
}

// shown shows how far a run is; to is called for everything that was dealt with.
func (t *tool) shown(s settings, phase snapshot.Phase, all prune.Sum, to *func(files, bytes int64)) (stop func()) {
	progress := new(snapshot.Progress)
	progress.Begin(phase, all.Files, all.Bytes)
	*to = func(files, bytes int64) { progress.Files.Add(files); progress.Bytes.Add(bytes) }
	return t.watch(s, progress)
}

// whileStill does something while FOSSology stands still, if --quiesce wants it.
func (t *tool) whileStill(c *cli.Context, s settings, in *fossology.Installation, db *fossology.Database, work func() error) error {
	if c.String("quiesce") != "stop" {
		return work()
	}
	release, err := t.standstill(s, in, db)(c.Context)
	if err != nil {
		return err
	}
	err = work()
	_, e := release(context.WithoutCancel(c.Context))
	return endedBy(err, e)
}

// endedBy is what a run ended with whose work ended with err, and the standstill with stands.
func endedBy(err, stands error) error {
	var found findingsError
	if stands != nil && errors.As(err, &found) {
		return stands // findings were told, and a scheduler that stands is worse
	}
	return errors.Join(err, stands)
}

// sizeFlag reads a flag that is a number of bytes; 0 if it is not given.
func sizeFlag(c *cli.Context, flag string) (int64, error) {
	if !c.IsSet(flag) {
		return 0, nil
	}
	n, err := humanize.ParseBytes(c.String(flag))
	if err != nil || n == 0 || n > 1<<62 {
		return 0, usagef("--%s %q: expected a size such as 10MB or 200GiB", flag, c.String(flag))
	}
	return int64(n), nil
}

// troubles names what could not be read while something was looked at: findings.
func (t *tool) troubles(all []string) error {
	for _, x := range all {
		fmt.Fprintf(t.stderr, "finding: %s\n", printable(x))
	}
	if n := int64(len(all)); n > 0 {
		return findingsError{n}
	}
	return nil
}

// keptTable counts what stays as it is, by the reasons.
func (t *tool) keptTable(kept prune.Kept, reasons []prune.Reason, texts map[prune.Reason]string) {
	if len(kept) == 0 {
		return
	}
	w := newTable(t.stdout, []string{"STAYS", "FILES", "BYTES", "BECAUSE"}, 2, 3)
	for _, r := range reasons {
		if s := kept[r]; s.Files > 0 {
			w.AppendRow(table.Row{r, count(s.Files), size(s.Bytes), texts[r]})
		}
	}
	w.Render()
	fmt.Fprintln(t.stdout)
}

// alarm names the reasons that somebody should look at, and says how many files have them.
func (t *tool) alarm(kept prune.Kept, texts map[prune.Reason]string, alarming ...prune.Reason) (findings int64) {
	for _, r := range alarming {
		if s := kept[r]; s.Files > 0 {
			findings += s.Files
			fmt.Fprintf(t.stderr, "finding: %s: %s: %s\n", r, plural(s.Files, "file", "files"), texts[r])
		}
	}
	return findings
}
