package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"repotool/fossology"
	"repotool/store"
)

func (t *tool) doctorCommand() *cli.Command {
	return documented(&cli.Command{
		Name:  "doctor",
		Usage: "check that everything a run needs is there",
		Description: `
Checks the configuration, the repository and the rights to read it, the
database, the dump programs and their versions, databases that restores left on
the server, the scheduler and its agents, notes of a run that died while
FOSSology stood still, the programs with which gold is unpacked, the store, its
free space, the newest snapshot (whether it lacks the passwords of the
database's roles, too), and the clock. Each line begins with ok, note, warn or
bad; below what is wrong stands how to mend it. A note is no fault: without a
program that unpacks, more has to be stored.

If a note says that a scheduler was stopped and nobody is left to start it,
--mend starts it. Otherwise nothing is changed.

Exit code 3 means that something is bad or doubtful.`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "mend", Usage: "start a scheduler that a dead run left stopped"},
			setting("database", "none leaves the database and its programs out, as `MODE`"),
			setting("quiesce", "none leaves the scheduler out, as `HOW`"),
			setting("admin", "check that this libpq `STRING` may make databases, as a restore must"),
			setting("start-command", "the scheduler is started by the shell command `CMD` (default, as root: the service manager)"),
		}, installationFlags()...),
		Action: t.doctor,
	}, `
repotool doctor
repotool doctor --store /backup/fossology --installation internal
repotool doctor --json | jq -r '.checks[] | select(.status == "bad") | .text'`,
		exitFailed, exitFindings)
}

// The results of a check.
const (
	statusOK   = "ok"
	statusNote = "note" // nothing is wrong, but something could be better
	statusWarn = "warn" // a run works, but somebody should know
	statusBad  = "bad"  // a run would fail
)

// check is one line of doctor.
type check struct {
	What   string `json:"what"`
	Status string `json:"status"`
	Text   string `json:"text"`
	Mend   string `json:"mend,omitempty"`
}

// diagnosis is what doctor prints with --json.
type diagnosis struct {
	Installation string  `json:"installation"`
	Checks       []check `json:"checks"`
	OK           int     `json:"ok"`
	Note         int     `json:"note"`
	Warn         int     `json:"warn"`
	Bad          int     `json:"bad"`
}

// examination is one run of doctor.
type examination struct {
	*tool
	s    settings
	mend bool
	in   *fossology.Installation // nil if it cannot be read
	st   *store.Store            // nil if it cannot be opened
	diagnosis
}

func (t *tool) doctor(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	if c.NArg() > 0 {
		return tooMany(c, 0)
	}
	x := &examination{tool: t, s: s, mend: c.Bool("mend"), diagnosis: diagnosis{Installation: s.installation}}
	for _, examine := range []func(context.Context){
		x.settingsFile, x.configuration, x.repository, x.database,
		x.notes, x.scheduler, x.unpackers, x.storage, x.snapshots, x.clock,
	} {
		if err := c.Context.Err(); err != nil {
			return context.Cause(c.Context)
		}
		examine(c.Context)
	}
	if x.st != nil {
		x.st.Close()
	}
	if s.json {
		err = t.answer(x.diagnosis)
	} else {
		x.print()
	}
	if n := x.Warn + x.Bad; err == nil && n > 0 {
		err = findingsError{int64(n)}
	}
	return err
}

func (x *examination) ok(what, format string, args ...any) {
	x.OK++
	x.Checks = append(x.Checks, check{what, statusOK, fmt.Sprintf(format, args...), ""})
}

func (x *examination) note(what, mend, format string, args ...any) {
	x.Note++
	x.Checks = append(x.Checks, check{what, statusNote, fmt.Sprintf(format, args...), mend})
}

func (x *examination) warn(what, mend, format string, args ...any) {
	x.Warn++
	x.Checks = append(x.Checks, check{what, statusWarn, fmt.Sprintf(format, args...), mend})
}

func (x *examination) bad(what, mend, format string, args ...any) {
	x.Bad++
	x.Checks = append(x.Checks, check{what, statusBad, fmt.Sprintf(format, args...), mend})
}

// broken notes an error, with its own advice or else the one given.
func (x *examination) broken(what string, err error, mend string) {
	x.bad(what, cmp.Or(hintOf(err), mend), "%v", err)
}

// print writes a line for each check; with --quiet only for those that are doubtful or bad.
func (x *examination) print() {
	for _, c := range x.Checks {
		if x.s.quiet && (c.Status == statusOK || c.Status == statusNote) {
			continue
		}
		fmt.Fprintf(x.stdout, "%-4s  %-13s  %s\n", c.Status, c.What, c.Text)
		if c.Mend != "" {
			fmt.Fprintf(x.stdout, "%-4s  %-13s  mend: %s\n", "", "", c.Mend)
		}
	}
	switch {
	case x.Bad > 0:
		x.say(x.s, "%s to mend before a run can work\n", plural(int64(x.Bad), "thing", "things"))
	case x.Warn > 0:
		x.say(x.s, "a run works; %s to look at\n", plural(int64(x.Warn), "thing", "things"))
	default:
		x.say(x.s, "all is well\n")
	}
}
