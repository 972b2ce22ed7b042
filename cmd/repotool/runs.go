package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/urfave/cli/v2"

	"repotool/prune"
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
		setting("start-command", "start the scheduler with the shell command `CMD` (default: the service manager)"),
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
