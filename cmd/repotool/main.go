package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"repotool/fossology"
)

// memoryLimit has garbage collected sooner when much is in use: dictionaries of decoders
// come and go, and without it as much again lies about. It is no bound for what is needed.
const memoryLimit = 200 << 20

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// tool is what commands share: the process's streams and clock.
type tool struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	screen         *screen // stderr, with bars
	terminal       bool    // stderr is looked at by a person
	now            func() time.Time
	log            *slog.Logger
	still          *fossology.Standstill // the last one; nil if there was none
}

// run is the whole program; it returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr *os.File) int {
	scr, out := &screen{out: stderr}, &output{w: stdout}
	t := &tool{
		stdin: stdin, stdout: out, stderr: scr, screen: scr,
		terminal: term.IsTerminal(int(stderr.Fd())),
		now:      time.Now,
		log:      newLogger(scr, os.Getenv("REPOTOOL_LOG")),
	}
	ctx, stop := context.Background(), func() {}
	if len(args) == 0 || args[0] != fossology.WatchdogCommand { // which survives its signals
		ctx, stop = interruptible(ctx, t.goingOn)
	}
	defer stop()
	asJSON := wants(args, "json") || os.Getenv("REPOTOOL_JSON") != "" && os.Getenv("REPOTOOL_JSON") != "false"
	err := out.orElse(t.execute(ctx, args))
	code := exitCode(ctx, err)
	printError(stdout, stderr, asJSON, code, err)
	return code
}

// execute sorts the arguments and runs the command they name.
func (t *tool) execute(ctx context.Context, args []string) error {
	app := t.app()
	sorted, err := arrange(app.Commands, args)
	if err != nil {
		return err
	}
	return app.RunContext(ctx, append([]string{app.Name}, sorted...))
}

// app lists the commands in the order of their first use.
func (t *tool) app() *cli.App {
	commands := []*cli.Command{
		t.initCommand(),
		t.snapshotCommand(),
		t.snapshotsCommand(),
		t.lsCommand(),
		t.diffCommand(),
		t.catCommand(),
		t.restoreCommand(),
		t.verifyCommand(),
		t.recoverCommand(),
		t.forgetCommand(),
		t.pinCommand(),
		t.unpinCommand(),
		t.gcCommand(),
		t.indexCommand(),
		t.goldCommand(),
		t.reunpackCommand(),
		t.pruneCommand(),
		t.dedupCommand(),
		t.agentCommand(),
		t.doctorCommand(),
		t.benchCommand(),
		t.versionCommand(),
		t.watchdogCommand(),
	}
	app := &cli.App{
		Name:                      "repotool",
		Commands:                  commands,
		HideHelpCommand:           true,
		HideVersion:               true,
		DisableSliceFlagSeparator: true,
		Writer:                    t.stdout,
		ErrWriter:                 t.stderr,
		ExitErrHandler:            func(*cli.Context, error) {}, // run does it
		Action: func(c *cli.Context) error {
			return &usageError{err: errNoCommand, hint: "see repotool --help; to begin with: repotool doctor"}
		},
	}
	pages.Store(app, func() string { return topPage(commands) })
	return app
}

// goingOn tells a person at a terminal why the program does not end at once.
func (t *tool) goingOn() {
	if t.terminal {
		fmt.Fprintln(t.stderr, "repotool: interrupted: tidying up (once more ends it at once)")
	}
}

// interruptible is a context that the first SIGINT, SIGTERM or SIGHUP ends
// with the cause errInterrupted, after saying so. The second one ends the process.
func interruptible(parent context.Context, say func()) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signals = append(signals, syscall.SIGHUP)
	}
	came := make(chan os.Signal, 1)
	signal.Notify(came, signals...)
	// A reader of our output that goes away is an error of writing, not the end
	// of the process: FOSSology may stand still at that moment.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	go func() {
		select {
		case <-came:
			signal.Reset(signals...)
			cancel(errInterrupted)
			say()
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		signal.Stop(came)
	}
}
