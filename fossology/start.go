package fossology

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// DefaultStartCommand returns the command that starts the service of this name
// with the service manager of this host: systemctl where systemd runs, else
// service, else the init script. The name is usually [Installation.Project].
// There is none for a scheduler whose address is another host's, for a service that
// is not known here, and for anybody but root: to stop the scheduler takes no
// rights, to start it does.
func DefaultStartCommand(ctx context.Context, service, address string) ([]string, error) {
	if os.Geteuid() != 0 {
		return nil, ErrStartNeedsRoot
	}
	if host, _, err := net.SplitHostPort(address); err == nil && !isLocal(ctx, host) {
		return nil, ErrNoStartCommand
	}
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		if path, err := exec.LookPath("systemctl"); err == nil {
			if verb := systemdVerb(ctx, path, service); verb != "" {
				return []string{path, verb, service}, nil
			}
		}
	}
	script := filepath.Join("/etc/init.d", service)
	if st, err := os.Stat(script); err == nil && st.Mode()&0o111 != 0 {
		if path, err := exec.LookPath("service"); err == nil {
			return []string{path, service, "start"}, nil
		}
		return []string{script, "start"}, nil
	}
	return nil, ErrNoStartCommand
}

// NoStartCommand is why there is no default: [ErrStartNeedsRoot] or [ErrNoStartCommand].
func NoStartCommand() error {
	if os.Geteuid() != 0 {
		return ErrStartNeedsRoot
	}
	return ErrNoStartCommand
}

// systemdVerb is the word that makes systemd start a service that has ended without its
// help; "" if it does not know the service. FOSSology comes with an init script, of which
// systemd's generator makes a unit that remains active when its processes have gone, so that
// "start" would do nothing and say that all is well (systemd-sysv-generator(8);
// RemainAfterExit= in systemd.service(5)).
func systemdVerb(ctx context.Context, systemctl, service string) string {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, systemctl, "show", "--property=LoadState,RemainAfterExit", service).Output()
	facts := strings.Fields(string(out))
	switch {
	case err != nil || !slices.Contains(facts, "LoadState=loaded"):
		return ""
	case slices.Contains(facts, "RemainAfterExit=yes"):
		return "restart"
	}
	return "start"
}

// restarts says whether a command has a service manager stop the service first, as that of
// systemdVerb does: FOSSology's init script stops every scheduler that it finds. The command may
// be a shell's line, or begin with sudo, so each of its words is looked at.
func restarts(command []string) bool {
	line := strings.NewReplacer("'", " ", `"`, " ").Replace(strings.Join(command, " "))
	for part := range strings.FieldsFuncSeq(line, func(c rune) bool { return strings.ContainsRune(";&|()\n", c) }) {
		words := strings.Fields(part)
		manager := slices.IndexFunc(words, managesServices)
		if manager >= 0 && slices.ContainsFunc(words[manager+1:], func(w string) bool { return slices.Contains(stopsFirst, w) }) {
			return true
		}
	}
	return false
}

// stopsFirst are the verbs of service managers that end what runs.
var stopsFirst = []string{"restart", "try-restart", "reload-or-restart", "force-reload", "stop"}

// managesServices says whether a word of a command is a service manager, or an init script.
func managesServices(word string) bool {
	return slices.Contains([]string{"systemctl", "service", "invoke-rc.d", "rc-service"}, filepath.Base(word)) ||
		filepath.Base(filepath.Dir(word)) == "init.d"
}

// Occasion: starting the scheduler.
var (
	// ErrNoStartCommand means that it is not known how to start the scheduler. It
	// is not stopped then either.
	ErrNoStartCommand error = &hintError{
		text: "find the command that starts the scheduler: neither systemd nor an init script of this host knows the service",
		hint: "name it: --start-command, or start_command in the configuration; or do without a standstill (--quiesce=none)",
	}
	// ErrStartNeedsRoot means that this user could stop the scheduler, and not start it.
	ErrStartNeedsRoot error = &hintError{
		text: "find the command that starts the scheduler: the service manager obeys root only",
		hint: "run repotool as root, name a command that this user may run (--start-command 'sudo systemctl restart fossology'), or do without a standstill (--quiesce=none)",
	}
	errStillStopping = errors.New("the scheduler still waits for an agent")
)

// Limits and pauses of starting.
const (
	askTimeout   = 10 * time.Second       // for what systemd knows of a service
	startTimeout = time.Minute            // for a start command and the first answer
	startTries   = 3                      // runs of the command
	startPause   = time.Second            // between those
	startPoll    = 100 * time.Millisecond // between questions whether it runs
	drainPoll    = time.Second            // between questions whether it has gone
)

// A starter starts a scheduler that was told to stop.
type starter struct {
	scheduler Scheduler
	command   []string
	timeout   time.Duration // for one start; 0 is startTimeout
	stopped   int           // process number of the scheduler that was told to stop; 0 if none
	log       *slog.Logger
}

// start makes sure that a scheduler runs, and not the one that was told to stop.
// Whether it runs is seen from its answer, not from the status of the command.
// If the old one still waits for an agent the error is errStillStopping.
func (s starter) start(ctx context.Context) error {
	var failure error
	command := strings.Join(s.command, " ")
	for try := range startTries {
		if try > 0 {
			s.log.Warn("scheduler did not start, trying again", "error", failure)
			pause(ctx, startPause)
		}
		var running bool
		running, failure = s.running(ctx)
		if !running && failure == nil {
			s.stopped = 0 // it has gone; in a container the new one has its number
		}
		if running || errors.Is(failure, errStillStopping) {
			return failure
		}
		if failure == nil {
			var ran bool
			if ran, failure = s.try(ctx); ran && restarts(s.command) {
				s.command = nil // it would end a scheduler that takes long to answer
			}
		}
		if failure == nil {
			return nil
		}
	}
	return &hintError{
		text: fmt.Sprintf("start scheduler with %q", command),
		hint: "start the scheduler by hand; jobs wait until it runs",
		err:  failure,
	}
}

// running reports whether another scheduler than the stopped one answers.
func (s starter) running(ctx context.Context) (bool, error) {
	status, err := s.scheduler.statusIfAlive(ctx)
	switch {
	case err != nil:
		return false, err
	case status == nil:
		return false, nil
	case status.PID == s.stopped:
		return false, errStillStopping
	}
	return true, nil
}

// try runs the command once, if there is one, and waits for the scheduler to answer. ran says
// whether the command went well.
func (s starter) try(ctx context.Context) (ran bool, err error) {
	timeout := s.timeout
	if timeout == 0 {
		timeout = startTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var failure error
	if len(s.command) > 0 {
		failure = run(ctx, s.command)
	}
	for {
		running, err := s.running(ctx)
		switch {
		case running:
			return true, nil
		case failure != nil:
			return false, failure
		}
		if !pause(ctx, startPoll) {
			return true, errors.Join(fmt.Errorf("no answer at %s within %v", s.scheduler.Address, timeout), err)
		}
	}
}

// pause waits; it reports false if the context ends before.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// startPatiently waits for the old scheduler to go, however long that takes, and
// then starts a new one.
func (s starter) startPatiently(ctx context.Context) error {
	for {
		err := s.start(ctx)
		if !errors.Is(err, errStillStopping) || !pause(ctx, drainPoll) {
			return err
		}
	}
}

// run runs a command in a session of its own, so that what it leaves running
// does not end with this process's terminal. Its output goes into a file without
// a name: a pipe would be held open by what it leaves running.
func run(ctx context.Context, command []string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := os.CreateTemp("", "repotool-start-")
	if err != nil { // the disk is full: that is no reason to have no scheduler
		return cmd.Run()
	}
	defer out.Close()
	os.Remove(out.Name())
	cmd.Stdout, cmd.Stderr = out, out
	if err = cmd.Run(); err == nil {
		return nil
	}
	text := make([]byte, 1000)
	n, _ := out.ReadAt(text, 0)
	if n == 0 {
		return err
	}
	return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(text[:n])))
}

// quiet is a logger for those who passed none.
func quiet(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}
