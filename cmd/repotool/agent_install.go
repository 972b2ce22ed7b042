package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"repotool/fossology"
)

func (t *tool) agentInstallCommand() *cli.Command {
	return documented(&cli.Command{
		Name:     "install",
		HelpName: "agent install",
		Usage:    "give FOSSology's scheduler the agent",
		Description: `
Writes mods-enabled/` + fossology.ReunpackAgent + `, below the directory of FOSSology's
configuration: how to start the agent, its version, and a copy of this program.
The directory appears complete, or not at all. One that repotool has written
before is replaced; run it again after every update of repotool, on every host,
since the scheduler wants one version on all of them. What somebody else has
written is left alone, and is an error.

The scheduler starts agents on the hosts of [HOSTS]. If the repository has
several hosts, the agent finds out by their addresses which of them it is on;
--host says so where that is not enough.

The scheduler reads its agents when it starts: start it again afterwards. It
then tests the agent once, as it tests all of them.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "host", Usage: "on this machine are the files of the repository's host `NAME` (default: found out)"},
			&cli.BoolFlag{Name: "dry-run", Usage: "print what would be written, and write nothing"},
		},
		Action: t.agentInstall,
	}, `
repotool agent install --dry-run
repotool agent install --sysconf /usr/local/etc/fossology
repotool agent install --host server2`,
		exitFailed)
}

func (t *tool) agentRemoveCommand() *cli.Command {
	return documented(&cli.Command{
		Name:     "remove",
		HelpName: "agent remove",
		Usage:    "take the agent away from FOSSology's scheduler",
		Description: `
Removes mods-enabled/` + fossology.ReunpackAgent + ` again, if repotool has written it. Jobs that
the agent has not done yet stay in the queue, and fail when the scheduler comes
to them; start it again afterwards.`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "dry-run", Usage: "print what would be removed, and remove nothing"}},
		Action: t.agentRemove,
	}, `
repotool agent remove --dry-run
repotool agent remove`,
		exitFailed)
}

// agentRemoved is what agent remove prints with --json.
type agentRemoved struct {
	Directory string `json:"directory"`
	Done      bool   `json:"done"`               // false: with --dry-run
	Replaced  string `json:"replaced,omitempty"` // the version that was there before
}

// agentInstalled is what agent install prints with --json.
type agentInstalled struct {
	agentRemoved
	Files   map[string]string `json:"files,omitempty"`
	Program string            `json:"program,omitempty"`
}

// agentVersion is what the scheduler is told: the same program says the same everywhere.
func agentVersion() (text, commit string) {
	commit = "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, b := range info.Settings {
			if b.Key == "vcs.revision" && b.Value != "" {
				commit = b.Value[:min(12, len(b.Value))]
			}
		}
	}
	return version, commit
}

// agentsDir is where agents are installed.
func (t *tool) agentsDir(c *cli.Context) (settings, *fossology.Installation, error) {
	s, err := t.settings(c)
	if err != nil {
		return s, nil, err
	}
	if c.NArg() > 0 {
		return s, nil, tooMany(c, 0)
	}
	in, err := loadInstallation(s, false)
	if err == nil && in.AgentsDir() == "" {
		err = fossology.ErrNoInstallation
	}
	return s, in, err
}

func (t *tool) agentInstall(c *cli.Context) error {
	s, in, err := t.agentsDir(c)
	if err != nil {
		return err
	}
	if host := c.String("host"); host != "" && !slices.Contains(in.Repository.HostsOf("files"), host) {
		return &usageError{err: fmt.Errorf("--host %s: the repository has no such host", host),
			hint: "its hosts are " + cmp.Or(strings.Join(in.Repository.HostsOf("files"), ", "), "none")}
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	m := fossology.AgentModule{Name: fossology.ReunpackAgent, Args: []string{"agent", agentRunName}, Program: program, Host: c.String("host")}
	m.Version, m.Commit = agentVersion()
	answer := agentInstalled{agentRemoved: agentRemoved{Directory: in.AgentsDir() + "/" + m.Name}, Files: m.Files(), Program: program}
	before, err := fossology.ReadAgentModule(in.AgentsDir(), m.Name)
	switch {
	case errors.Is(err, fossology.ErrForeignModule):
		return err
	case err == nil:
		answer.Replaced = before.Version + "." + before.Commit
	}
	if !c.Bool("dry-run") {
		if err := m.Install(in.AgentsDir()); err != nil {
			return withHint(err, "run repotool as root; see repotool doctor")
		}
		answer.Done = true
	}
	if s.json {
		return t.answer(answer)
	}
	t.sayInstalled(s, m, answer)
	return nil
}

func (t *tool) sayInstalled(s settings, m fossology.AgentModule, a agentInstalled) {
	if !a.Done {
		for _, path := range slices.Sorted(maps.Keys(a.Files)) {
			t.say(s, "%s/%s:\n", a.Directory, path)
			for line := range strings.Lines(a.Files[path]) {
				t.say(s, "    %s\n", strings.TrimRight(line, "\n"))
			}
		}
		t.say(s, "%s/agent/%s: a copy of %s\n", a.Directory, m.Name, a.Program)
		t.say(s, "nothing was written\n")
		return
	}
	before := ""
	if a.Replaced != "" {
		before = ", in the place of version " + a.Replaced
	}
	t.say(s, "%s written%s; FOSSology's scheduler knows the agent from its next start on\n", a.Directory, before)
}

func (t *tool) agentRemove(c *cli.Context) error {
	s, in, err := t.agentsDir(c)
	if err != nil {
		return err
	}
	answer := agentRemoved{Directory: in.AgentsDir() + "/" + fossology.ReunpackAgent}
	m, err := fossology.ReadAgentModule(in.AgentsDir(), fossology.ReunpackAgent)
	if errors.Is(err, fossology.ErrForeignModule) || errors.Is(err, fossology.ErrNoModule) {
		return err
	}
	answer.Replaced = m.Version + "." + m.Commit
	if !c.Bool("dry-run") {
		if err := fossology.RemoveAgentModule(in.AgentsDir(), fossology.ReunpackAgent); err != nil {
			return withHint(err, "run repotool as root")
		}
		answer.Done = true
	}
	if s.json {
		return t.answer(answer)
	}
	if answer.Done {
		t.say(s, "%s removed\n", answer.Directory)
	} else {
		t.say(s, "%s would be removed; nothing was done\n", answer.Directory)
	}
	return nil
}
