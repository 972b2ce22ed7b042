package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/urfave/cli/v2"

	"repotool/snapshot"
	"repotool/store"
)

func (t *tool) forgetCommand() *cli.Command {
	return documented(&cli.Command{
		Name:      "forget",
		Usage:     "let old snapshots go",
		ArgsUsage: "[SNAPSHOT...]",
		Description: `
Takes snapshots of one installation out of the list, removes their day
directories, and then collects garbage (repotool gc). What is kept is said by
--keep-last, --keep-daily and so on, or by the section
[installation.NAME.retention] of the configuration; what no rule keeps goes.
Without any rule nothing is forgotten: that is an error. With SNAPSHOT those go
that are named, and no others.

Each rule keeps the newest snapshot of each of the last N hours, days, weeks,
months or years that have one, wherever there are gaps; several rules may keep
one snapshot. While a rule has found fewer than N, it keeps the oldest as well.
Days are those of UTC, unless --zone says otherwise.

These always stay: the newest good snapshot; what is pinned (repotool pin); what
a running command reads; what is from the future, for some clock was wrong; and
what cannot be read. A snapshot that ended with damage
(files missing, unreadable, or not what their name says) never takes the place
of a good one: the rules are applied to the good ones as if there were no others.

Snapshots of the scheme rotating are not among those: a cycle goes as a whole,
when a new base has taken its place, and --keep-cycles of repotool snapshot says
how many stay. One that stays for another reason can be removed by --base.

A snapshot goes at once for everybody, by one rename; what then has to be
removed is removed afterwards, also by the next run if this one is interrupted.
With --dry-run nothing changes, and a table says what would stay, and why.`,
		Flags: append(retentionFlags(),
			&cli.StringFlag{Name: "base", Usage: "remove the old cycle whose base is `SNAPSHOT`, of the scheme rotating, and nothing else"},
			&cli.BoolFlag{Name: "no-gc", Usage: "leave objects that are no longer needed to the next repotool gc"},
			&cli.BoolFlag{Name: "dry-run", Usage: "say what would stay and why; change nothing"}),
		Action: t.forget,
	}, `
repotool forget --keep-daily 7 --keep-weekly 4 --keep-monthly 12 --dry-run
repotool forget --store /backup/fossology --keep-last 3 --keep-within 30d
repotool forget 2026-11-23T020000Z`,
		exitFailed, exitFindings, exitInterrupted)
}

// forgetResult is what forget prints with --json.
type forgetResult struct {
	Installation string                  `json:"installation"`
	DryRun       bool                    `json:"dryRun"`
	Policy       snapshot.Policy         `json:"policy"`
	Decisions    []snapshot.Decision     `json:"decisions"` // the newest first
	Forgotten    []string                `json:"forgotten"`
	InUse        []snapshot.InUse        `json:"inUse,omitempty"`
	Garbage      *snapshot.CollectReport `json:"garbage,omitempty"`
}

func (t *tool) forget(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	base := c.String("base")
	if base != "" && (c.NArg() > 0 || c.Bool("dry-run")) {
		return usagef("forget: --base stands alone")
	}
	if c.NArg() == 0 && base == "" {
		if err := needPolicy(s); err != nil {
			return err
		}
	}
	st, err := openStore(s)
	if err != nil {
		return err
	}
	defer st.Close()
	if base != "" {
		return t.forgetCycle(c.Context, s, st, base)
	}
	decisions, err := t.decide(s, st, c.Args().Slice())
	if err != nil {
		return err
	}
	if len(decisions) == 0 {
		cycles, err := snapshot.Cycles(st, s.installation)
		if err != nil || len(cycles) == 0 {
			return errors.Join(err, t.noSnapshots(s, st))
		}
		if s.json {
			return t.answer(&forgetResult{Installation: s.installation, Policy: s.retention, Decisions: []snapshot.Decision{}, Forgotten: []string{}})
		}
		t.say(s, "%s: all its snapshots are in cycles, which go when a new base has taken their place\n", s.installation)
		return nil
	}
	if c.Bool("dry-run") {
		return t.forgetPlan(s, decisions, c.NArg() > 0)
	}
	r, err := t.letGo(c.Context, s, st, decisions, !c.Bool("no-gc"))
	if r != nil && err == nil && s.json {
		err = t.answer(r)
	}
	return t.reportForget(s, r, err)
}

// forgetCycle removes a cycle of the scheme rotating.
func (t *tool) forgetCycle(ctx context.Context, s settings, st *store.Store, base string) error {
	err := snapshot.ForgetCycle(ctx, st, s.installation, base)
	if errors.Is(err, snapshot.ErrNoSnapshot) {
		return withHint(err, "repotool snapshots names the bases")
	}
	if err != nil {
		return noRoom(err, s.store)
	}
	if s.json {
		return t.answer(&forgetResult{Installation: s.installation, Decisions: []snapshot.Decision{}, Forgotten: []string{base}})
	}
	t.say(s, "%s: the cycle of %s is gone\n", s.installation, base)
	return nil
}

// needPolicy is an error if no rule keeps anything.
func needPolicy(s settings) error {
	if !s.retention.Empty() {
		return nil
	}
	return &usageError{err: errors.New("forget: nothing says what to keep, and all would go"),
		hint: "say it with --keep-last, --keep-daily, …, or in [installation." + s.installation + ".retention] of " + s.configFile}
}

// decide says what stays: by the policy, or all but what is named.
func (t *tool) decide(s settings, st *store.Store, refs []string) ([]snapshot.Decision, error) {
	list, err := snapshot.Candidates(st, s.installation)
	if err != nil {
		return nil, err
	}
	if len(refs) == 0 {
		return snapshot.Retain(list, s.retention, t.now()), nil
	}
	names := make([]string, len(refs))
	for i, ref := range refs {
		if names[i], err = snapshot.Resolve(st, s.installation, ref); err != nil {
			return nil, whoseSnapshots(s, st, err)
		}
		if !slices.ContainsFunc(list, func(x snapshot.Candidate) bool { return x.Name == names[i] }) {
			return nil, &hinted{fmt.Errorf("forget %s: it is in a cycle, in which later days build on earlier ones", names[i]),
				"a cycle goes when a new base has taken its place; an old one that stays is removed by: repotool forget --base BASE"}
		}
	}
	return snapshot.RetainAllBut(list, names, t.now())
}

// letGo forgets what the decisions say, and collects garbage if it is to. With an error
// comes what was done before.
func (t *tool) letGo(ctx context.Context, s settings, st *store.Store, decisions []snapshot.Decision, collect bool) (*forgetResult, error) {
	r := &forgetResult{Installation: s.installation, Policy: s.retention, Decisions: decisions, Forgotten: []string{}}
	var names []string
	for _, d := range decisions {
		if !d.Keep {
			names = append(names, d.Snapshot)
		}
	}
	forgotten, inUse, err := snapshot.Forget(ctx, st, s.installation, names)
	r.Forgotten, r.InUse = append(r.Forgotten, forgotten...), inUse
	if err != nil {
		return nil, noRoom(err, s.store)
	}
	if !collect {
		_, err := snapshot.EmptyTrash(ctx, st)
		return r, err
	}
	r.Garbage, err = t.collect(ctx, s, st, false)
	var locked *store.LockedError
	if errors.As(err, &locked) {
		t.log.Warn("garbage is left to the next run", "err", err)
		return r, nil
	}
	return r, err
}

// reportForget says what went, and returns the error that ended it, or findings.
func (t *tool) reportForget(s settings, r *forgetResult, err error) error {
	if r == nil {
		return err
	}
	kept := len(r.Decisions) - len(r.Forgotten)
	t.say(s, "%s: %s forgotten, %s kept\n", r.Installation, plural(int64(len(r.Forgotten)), "snapshot", "snapshots"), count(int64(kept)))
	for _, x := range r.InUse {
		t.say(s, "  %s stays for now: it is used by %s\n", x.Snapshot, printable(x.By))
	}
	if r.Garbage == nil || err != nil {
		return err
	}
	return t.reportGarbage(s, r.Garbage, false)
}

// forgetPlan prints what would stay, and why.
func (t *tool) forgetPlan(s settings, decisions []snapshot.Decision, named bool) error {
	if s.json {
		return t.answer(&forgetResult{Installation: s.installation, DryRun: true, Policy: s.retention, Decisions: decisions, Forgotten: []string{}})
	}
	tw := newTable(t.stdout, []string{"SNAPSHOT", "", "WHY", "DAMAGE"})
	kept := int64(0)
	for _, d := range decisions {
		what := "forget"
		if d.Keep {
			what = "keep"
			kept++
		}
		tw.AppendRow(table.Row{d.Snapshot, what, printable(strings.Join(d.Reasons, ", ")), d.Damage})
	}
	if !s.quiet {
		tw.Render()
	}
	rules := ""
	if !named {
		rules = " (" + policyLine(s.retention) + ")"
	}
	t.say(s, "%s: %s would be forgotten, %s kept%s\n", s.installation,
		plural(int64(len(decisions))-kept, "snapshot", "snapshots"), count(kept), rules)
	return nil
}
