package fossology

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// WatchdogCommand is the command of the program that runs [Watchdog]. It is not
// for people.
const WatchdogCommand = "watchdog"

// What the two say to each other, a line each. The watchdog says ready. The
// owner says armed, with the process number of the scheduler, just before it sends
// the stop (again if there is another one to stop; 0 if none runs), and released
// when the scheduler runs again. The end of the input without released means that
// the owner is dead, or leaves the start to the watchdog.
const (
	watchdogReady    = "ready"
	watchdogArmed    = "armed"
	watchdogReleased = "released"
)

// Limits of the conversation, and how often a watchdog tries to start a
// scheduler (each of these is several runs of the command).
const (
	watchdogPatience = 20 * time.Second
	watchdogTries    = 5
)

// watchdog is the owner's end.
type watchdog struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
	log  string // file with what it says, removed when it is dismissed
}

// startWatchdog starts a watchdog and returns when it is ready. It has a session
// of its own, so that Ctrl-C and the end of the terminal do not reach it, and
// holds nothing of the owner's: no directory, no output that somebody waits for.
func startWatchdog(o QuiesceOptions, n Note) (*watchdog, error) {
	program := o.Executable
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	w := &watchdog{log: n.watchdogLog()}
	log, err := os.OpenFile(w.log, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args := []string{WatchdogCommand, "-note", n.Path, "-scheduler", n.Scheduler, "-ask-timeout", o.Scheduler.Timeout.String(),
		"-start-timeout", o.StartTimeout.String(), "--"}
	w.cmd = exec.Command(program, append(args, o.StartCommand...)...)
	w.cmd.Dir = "/"
	w.cmd.Stderr = log
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if w.pipe, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	late := time.AfterFunc(watchdogPatience, func() { w.cmd.Process.Kill() })
	defer late.Stop()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if line != watchdogReady+"\n" {
		w.cmd.Process.Kill()
		w.cmd.Wait()
		said, _ := os.ReadFile(w.log)
		return nil, fmt.Errorf("%s %s did not get ready: %w: %.500s", program, WatchdogCommand, cmp.Or(err, errors.New(line)), said)
	}
	return w, nil
}

// arm says that a scheduler is about to be stopped.
func (w *watchdog) arm(scheduler int) error {
	return w.tell(fmt.Sprintf("%s %d", watchdogArmed, scheduler))
}

// tell sends a line.
func (w *watchdog) tell(line string) error {
	_, err := io.WriteString(w.pipe, line+"\n")
	return err
}

// dismiss ends the watchdog: its duty is done.
func (w *watchdog) dismiss() {
	w.tell(watchdogReleased)
	w.pipe.Close()
	late := time.AfterFunc(watchdogPatience, func() { w.cmd.Process.Kill() })
	defer late.Stop()
	w.cmd.Wait()
	os.Remove(w.log)
}

// leave hands the duty over to the watchdog.
func (w *watchdog) leave() { w.pipe.Close() }

// Watchdog is what the program does when it is called with [WatchdogCommand] and
// these arguments. It returns when it is not needed any more: the owner of the
// input has started the scheduler itself, or has died and the scheduler was
// started here. Signals that ask a program to end do not end it.
func Watchdog(ctx context.Context, args []string, stdin io.Reader) error {
	// A handler that does nothing, rather than ignoring the signals, which the
	// scheduler would inherit.
	ignored := make(chan os.Signal, 1)
	signal.Notify(ignored, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer signal.Stop(ignored)
	s, note, err := parseWatchdog(args)
	if err != nil {
		return err
	}
	fmt.Println(watchdogReady)
	os.Stdout.Close()
	armed := false
	for input := bufio.NewScanner(stdin); input.Scan(); {
		word, pid, _ := strings.Cut(input.Text(), " ")
		switch word {
		case watchdogArmed:
			armed = true
			s.stopped, _ = strconv.Atoi(pid)
		case watchdogReleased:
			return nil
		}
	}
	s.log.Info("the process that stopped the scheduler is gone, or leaves the start to the watchdog", "armed", armed)
	if err := s.restart(context.WithoutCancel(ctx)); err != nil {
		s.log.Error("scheduler not started", "error", err)
		return err
	}
	s.log.Info("scheduler runs")
	return Note{Path: note}.remove()
}

func parseWatchdog(args []string) (starter, string, error) {
	s := starter{log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	flags := flag.NewFlagSet(WatchdogCommand, flag.ContinueOnError)
	note := flags.String("note", "", "file to remove when the scheduler runs")
	flags.StringVar(&s.scheduler.Address, "scheduler", "", "address of the scheduler")
	flags.DurationVar(&s.scheduler.Timeout, "ask-timeout", 0, "time limit of a question")
	flags.DurationVar(&s.timeout, "start-timeout", 0, "time limit of a start")
	if err := flags.Parse(args); err != nil {
		return s, "", err
	}
	s.command = flags.Args()
	if *note == "" || s.scheduler.Address == "" || len(s.command) == 0 {
		return s, "", errors.New("watchdog: expected -note, -scheduler and a start command; this command is for the program itself")
	}
	return s, *note, nil
}

// restart gets a scheduler running whose stopper is dead. The old one may be
// there still: then the stop may or may not have reached it, so it is repeated.
func (s starter) restart(ctx context.Context) (err error) {
	if _, err := s.running(ctx); errors.Is(err, errStillStopping) {
		if err := s.scheduler.Stop(ctx); err != nil {
			s.log.Warn("stop not repeated", "error", err)
		}
	}
	for try := range watchdogTries {
		if try > 0 {
			pause(ctx, time.Duration(try)*time.Second)
		}
		if err = s.startPatiently(ctx); err == nil || ctx.Err() != nil {
			return err
		}
		s.log.Warn(didNotStart, "error", err)
	}
	return err
}
