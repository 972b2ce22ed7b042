package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"repotool/fossology"
)

func (t *tool) agentCommand() *cli.Command {
	c := documented(&cli.Command{
		Name:      "agent",
		Usage:     "bring missing files back as an agent of FOSSology's scheduler",
		ArgsUsage: "install|remove",
		Description: `
Lets FOSSology's own scheduler bring missing files back from gold. agent install
gives it an agent of the name ` + fossology.ReunpackAgent + `; the scheduler knows it from its
next start on. A job of this type has the number of an upload. The agent brings
back what the repository lacks of that upload, as repotool reunpack does, and
shows in FOSSology's list of jobs how far it is. repotool reunpack --jobs
inserts such jobs after a restore, and lets the interrupted ones wait for them.

The agent runs as FOSSology's user and needs neither store nor ledger: the
database says which gold an upload is, and of what comes out of it the checksums
say what is wanted. It does not touch the database.

A repository of several hosts is brought back by all of them: each agent writes
the files that FOSSology keeps on its own host. So install it on each, in the
directory that [HOSTS] of fossology.conf names for it.

The job is good (BYE 0) when all that its host keeps of the upload is there, but
for tools' reports about archives, which nothing brings back. It fails, and what
waits for it does not run, if other files could not be brought back (BYE 3), and
if there is no such upload, the disk is full, and so on (BYE 1). The job's log
says which files, and why.`,
		Action: func(*cli.Context) error {
			return &usageError{err: errNoCommand, hint: "write repotool agent install or agent remove; FOSSology's scheduler starts the agent itself"}
		},
	}, `
repotool agent install --dry-run
repotool agent install
repotool agent remove`,
		exitFailed)
	c.Subcommands = []*cli.Command{t.agentInstallCommand(), t.agentRemoveCommand(), t.agentRunCommand()}
	return c
}

// agentRunName is the word with which the scheduler's command line begins.
const agentRunName = "run"

// agentRunCommand is what the scheduler starts. It reads its arguments itself: they are
// FOSSology's, and mean other things than ours of the same name.
func (t *tool) agentRunCommand() *cli.Command {
	return &cli.Command{
		Name:            agentRunName,
		Usage:           "be the agent that FOSSology's scheduler has started",
		Hidden:          true,
		SkipFlagParsing: true,
		Action:          func(c *cli.Context) error { return t.agentRun(c.Context, c.Args().Slice()) },
	}
}

// agentWords is what the scheduler says on the command line.
type agentWords struct {
	sysconf   string
	job       int64 // negative: a test of the agent
	started   bool  // by the scheduler
	heartbeat time.Duration
	unknown   []string
}

// parseAgentWords reads what a scheduler adds to the command, in whatever order; what
// it does not know it leaves to the log, since FOSSology's next version may say more.
func parseAgentWords(args []string) (w agentWords, err error) {
	for i := 0; i < len(args) && err == nil; i++ {
		key, value, joined := strings.Cut(args[i], "=")
		if !joined && slices.Contains([]string{"--config", "-c", "--jobId", "--userID", "--groupID", "--heartbeat"}, key) && i+1 < len(args) {
			i++
			value = args[i]
		}
		switch key {
		case "--scheduler_start":
			w.started = true
		case "--config", "-c":
			w.sysconf = value
		case "--jobId":
			if w.job, err = strconv.ParseInt(value, 10, 64); err != nil {
				err = usagef("agent %s: --jobId %q: expected a number", agentRunName, value)
			}
		case "--heartbeat": // for whoever watches closely
			if w.heartbeat, err = time.ParseDuration(value); err != nil {
				err = usagef("agent %s: --heartbeat %q: expected a duration such as 5s", agentRunName, value)
			}
		case "--userID", "--groupID":
		default:
			w.unknown = append(w.unknown, args[i])
		}
	}
	if err == nil && !w.started {
		err = &usageError{err: fmt.Errorf("agent %s: FOSSology's scheduler did not start this", agentRunName),
			hint: "install it with repotool agent install; to bring files back at once: repotool reunpack"}
	}
	return w, err
}

// agentRun is the agent.
func (t *tool) agentRun(ctx context.Context, args []string) error {
	w, err := parseAgentWords(args)
	if err != nil {
		return err
	}
	said, commit := agentVersion()
	agent := fossology.NewAgent(fossology.AgentOptions{
		Version: said + "." + commit, In: interruptibleInput(t.stdin), Out: t.stdout, Heartbeat: w.heartbeat,
		Code: func(err error) int { return exitCode(ctx, err) },
	})
	t.log = newLogger(agent, os.Getenv("REPOTOOL_LOG"))
	if len(w.unknown) > 0 {
		fmt.Fprintf(agent, "note: unknown words on the command line: %q", w.unknown)
	}
	sysconf := cmp.Or(w.sysconf, besideProgram())
	err = agent.Serve(ctx, func(ctx context.Context, item string) error {
		return t.agentItem(ctx, agent, sysconf, item)
	})
	if err != nil {
		return toldError{err} // in the log of the job
	}
	return nil
}

// besideProgram is the configuration to which an installed agent belongs,
// <sysconf>/mods-enabled/<name>/agent/<name>: on another host the scheduler names none.
// If this program lies elsewhere it is "".
func besideProgram() string {
	self, _ := os.Executable() // without links; as it was called it may be right, too
	for _, program := range []string{self, os.Args[0]} {
		mods := filepath.Dir(filepath.Dir(filepath.Dir(program)))
		if filepath.Base(mods) == "mods-enabled" {
			return filepath.Dir(mods)
		}
	}
	return ""
}

// interruptibleInput lets a read from a pipe end when a signal comes.
func interruptibleInput(in io.Reader) io.Reader {
	f, ok := in.(*os.File)
	if !ok {
		return in
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return in
	}
	fd, err := unix.Dup(int(f.Fd()))
	if err != nil || unix.SetNonblock(fd, true) != nil {
		return in
	}
	unix.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), f.Name())
}
