package fossology_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/repotest"
)

// TestDefaultStartCommand finds the service manager of the host that the test runs
// on, whichever that is.
func TestDefaultStartCommand(t *testing.T) {
	if os.Geteuid() != 0 {
		if command, err := fossology.DefaultStartCommand(t.Context(), "no-such-service", "localhost:24693"); !errors.Is(err, fossology.ErrStartNeedsRoot) {
			t.Errorf("command %q, %v; want none for an ordinary user", command, err)
		}
		return
	}
	command, err := fossology.DefaultStartCommand(t.Context(), "no-such-service", "localhost:24693")
	if !errors.Is(err, fossology.ErrNoStartCommand) {
		t.Errorf("command %q, %v; want none without an init script", command, err)
	}
	scripts, err := os.ReadDir("/etc/init.d")
	if err != nil || len(scripts) == 0 {
		return
	}
	name := scripts[0].Name()
	if command, err := fossology.DefaultStartCommand(t.Context(), name, "192.0.2.7:24693"); !errors.Is(err, fossology.ErrNoStartCommand) {
		t.Errorf("command %q, %v; want none for another host's scheduler", command, err)
	}
	command, err = fossology.DefaultStartCommand(t.Context(), name, "127.0.0.1:24693")
	if info, _ := scripts[0].Info(); info != nil && info.Mode()&0o111 == 0 {
		return // not a script
	}
	if err != nil || !slices.ContainsFunc(command, func(w string) bool { return w == "start" || w == "restart" }) || !strings.Contains(strings.Join(command, " "), name) {
		t.Errorf("command %q, %v; want the init script %s", command, err, name)
	}
}

// TestStartWithoutAnswer has a start command that reports success and starts
// nothing: its word is not taken.
func TestStartWithoutAnswer(t *testing.T) {
	var err error
	for _, limit := range []time.Duration{3 * time.Second, 20 * time.Second, 50 * time.Second} {
		double := repotest.NewScheduler(t, repotest.SchedulerOptions{StartFails: 3})
		o := options(t, double)
		o.StartTimeout = limit // long enough for the start command, unless the machine is busy
		s := quiesce(t, o)
		err = s.Release(t.Context())
		runsAgain(t, double, o.NoteDir) // the watchdog goes on
		if err == nil || strings.Contains(err.Error(), "no answer at "+double.Address()+" within "+limit.String()) {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "no answer at ") {
		t.Errorf("error %v, want that nobody answers", err)
	}
}

// TestRecoverGivesUp finds the scheduler that a dead run has stopped, with an agent
// that does not end.
func TestRecoverGivesUp(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	double.StartAgent(1, "nomos", time.Hour)
	v := order(t, double, "wait")
	cmd, _ := launchVictim(t, v)
	eventually(t, "the stop is sent", func() bool { return has(double, "stop") })
	syscall.Kill(pending(t, v.NoteDir)[0].Watchdog.PID, syscall.SIGKILL)
	cmd.Process.Kill()
	cmd.Wait()
	eventually(t, "both are dead", func() bool { return !pending(t, v.NoteDir)[0].Held() })
	_, err := fossology.Recover(t.Context(), fossology.RecoverOptions{
		NoteDir: v.NoteDir, Scheduler: fossology.Scheduler{Address: double.Address()}, StartCommand: double.StartCommand(), Timeout: 200 * time.Millisecond,
	})
	var hinted interface{ Hint() string }
	if err == nil || !strings.Contains(err.Error(), "did not go within 200ms") || !errors.As(err, &hinted) || hinted.Hint() == "" {
		t.Errorf("error %v, want the limit and a hint", err)
	}
	if len(pending(t, v.NoteDir)) != 1 {
		t.Error("the note is gone although the scheduler was not started")
	}
}

// TestQuiesceWhileNotesAreLocked has somebody else at the notes, starting a
// scheduler that does not come: the wait has a limit.
func TestQuiesceWhileNotesAreLocked(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	o := options(t, double)
	o.Timeout = 200 * time.Millisecond
	f, err := os.Open(o.NoteDir)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if err := refused(t, t.Context(), o); !strings.Contains(err.Error(), "lock "+o.NoteDir) || has(double, "stop") {
		t.Errorf("error %v; events %q", err, double.Events())
	}
	f.Close()
	o.Timeout = patience
	if err := quiesce(t, o).Release(t.Context()); err != nil {
		t.Error(err)
	}
}
