package fossology_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"repotool/fossology"
	"repotool/repotest"
)

// victimEnv holds the order for a victim, as JSON.
const victimEnv = "REPOTOOL_TEST_VICTIM"

// victimOrder says what a victim does once FOSSology stands still.
type victimOrder struct {
	End       string // how it ends
	Scheduler string
	AgentsDir string
	NoteDir   string
	Start     []string
	Timeout   time.Duration
}

var errVictim = errors.New("a backup that went wrong")

// victim is the program that is made to die. It does what a careful program
// does: signals end the context, and Release is deferred.
func victim(order string) (err error) {
	var o victimOrder
	if err := json.Unmarshal([]byte(order), &o); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	s, err := fossology.Quiesce(ctx, fossology.QuiesceOptions{
		Scheduler: fossology.Scheduler{Address: o.Scheduler}, AgentsDir: o.AgentsDir,
		StartCommand: o.Start, NoteDir: o.NoteDir, Timeout: o.Timeout,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Release(ctx)) }()
	fmt.Println("stands still")
	switch o.End {
	case "success":
		return nil
	case "error":
		return errVictim
	case "panic":
		panic("a bug")
	case "panic elsewhere":
		go panic("a bug in another goroutine")
		select {}
	case "exit":
		os.Exit(7)
	}
	<-ctx.Done()
	if o.End == "deaf" {
		select {}
	}
	return ctx.Err()
}

// startVictim starts a victim and waits until FOSSology stands still.
func startVictim(t *testing.T, o victimOrder) *exec.Cmd {
	t.Helper()
	cmd, out := launchVictim(t, o)
	got, _ := io.ReadAll(io.LimitReader(out, int64(len("stands still\n"))))
	if string(got) != "stands still\n" {
		rest, _ := io.ReadAll(out)
		cmd.Wait()
		t.Fatalf("victim says %s%s", got, rest)
	}
	return cmd
}

func launchVictim(t *testing.T, o victimOrder) (*exec.Cmd, io.Reader) {
	t.Helper()
	order, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	// Under nohup the victim would ignore SIGHUP too.
	cmd := exec.Command("env", "--default-signal=HUP", os.Args[0])
	cmd.Env = append(os.Environ(), victimEnv+"="+string(order))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() { cmd.Process.Kill(); r.Close() })
	return cmd, r
}

// order returns the order for a victim of this double.
func order(t *testing.T, double *repotest.Scheduler, end string) victimOrder {
	return victimOrder{
		End: end, Scheduler: double.Address(), AgentsDir: double.AgentsDir(),
		NoteDir: t.TempDir(), Start: double.StartCommand(), Timeout: patience,
	}
}

// TestReleasePaths ends a process in the middle of a standstill in every way
// there is, and sees the scheduler run again.
func TestReleasePaths(t *testing.T) {
	for name, c := range map[string]struct {
		end    string
		signal os.Signal
		exit   string
	}{
		"success":         {"success", nil, "exit status 0"},
		"error":           {"error", nil, "exit status 1"},
		"SIGINT":          {"wait", syscall.SIGINT, "exit status 1"},
		"SIGTERM":         {"wait", syscall.SIGTERM, "exit status 1"},
		"SIGHUP":          {"wait", syscall.SIGHUP, "signal: hangup"}, // not caught by the victim
		"panic":           {"panic", nil, "exit status 2"},
		"panic elsewhere": {"panic elsewhere", nil, "exit status 2"},
		"os.Exit":         {"exit", nil, "exit status 7"},
		"SIGKILL":         {"wait", syscall.SIGKILL, "signal: killed"},
		"SIGQUIT":         {"wait", syscall.SIGQUIT, "exit status 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
			o := order(t, double, c.end)
			cmd := startVictim(t, o)
			if c.signal != nil {
				if double.Running() {
					t.Error("the scheduler runs during the standstill")
				}
				if notes := pending(t, o.NoteDir); len(notes) != 1 || !notes[0].Held() {
					t.Errorf("notes during the standstill: %+v, want one that is held", notes)
				}
				cmd.Process.Signal(c.signal)
			}
			cmd.Wait()
			if got := cmd.ProcessState.String(); got != c.exit {
				t.Errorf("victim ended with %s, want %s", got, c.exit)
			}
			runsAgain(t, double, o.NoteDir)
		})
	}
}

// TestSecondInterrupt kills a victim that does not act on the first signal.
func TestSecondInterrupt(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	o := order(t, double, "deaf")
	cmd := startVictim(t, o)
	cmd.Process.Signal(syscall.SIGINT)
	time.Sleep(100 * time.Millisecond)
	cmd.Process.Kill()
	cmd.Wait()
	runsAgain(t, double, o.NoteDir)
}

// TestInterruptWhileWaiting interrupts a process that waits for an agent. The
// scheduler can only be started when the agent has ended.
func TestInterruptWhileWaiting(t *testing.T) {
	for name, sig := range map[string]os.Signal{"SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
			double.StartAgent(5, "nomos", time.Hour)
			o := order(t, double, "wait")
			cmd, out := launchVictim(t, o)
			eventually(t, "the stop is sent", func() bool { return has(double, "stop") })
			cmd.Process.Signal(sig)
			said, _ := io.ReadAll(out)
			cmd.Wait()
			if sig == syscall.SIGTERM && !strings.Contains(string(said), "still waits for an agent") {
				t.Errorf("victim said %s, want why the scheduler is not started", said)
			}
			if double.Starts() != 1 {
				t.Errorf("%d starts while the old scheduler waits for its agent", double.Starts())
			}
			double.EndAgent(5)
			runsAgain(t, double, o.NoteDir)
		})
	}
}

// runsAgain waits until the scheduler was started a second time and the note is gone.
func runsAgain(t *testing.T, double *repotest.Scheduler, notes string) {
	t.Helper()
	runsSince(t, double, notes, 2)
}

// runsSince waits until the scheduler was started so many times and the note is gone.
func runsSince(t *testing.T, double *repotest.Scheduler, notes string, starts int) {
	t.Helper()
	eventually(t, "the scheduler runs again", func() bool { return double.Running() && double.Starts() == starts })
	eventually(t, "the note is gone", func() bool { return len(pending(t, notes)) == 0 })
	if double.Starts() != starts {
		t.Errorf("%d starts, want %d: %q", double.Starts(), starts, double.Events())
	}
}

func pending(t *testing.T, dir string) []fossology.Note {
	t.Helper()
	notes, err := fossology.PendingNotes(dir)
	if err != nil {
		t.Fatal(err)
	}
	return notes
}

func has(double *repotest.Scheduler, event string) bool {
	for _, e := range double.Events() {
		if e == event {
			return true
		}
	}
	return false
}

// patience is how long something may take that is not to be late: a machine that
// runs other tests too may stand still for half a minute.
const patience = 3 * time.Minute

// eventually waits until ok is true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v it is not true that %s", patience, what)
		}
	}
}

// startByHand runs the start command as an administrator would.
func startByHand(t *testing.T, double *repotest.Scheduler) {
	t.Helper()
	before := double.Starts()
	command := double.StartCommand()
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("start: %v: %s", err, out)
	}
	// Whoever wants a standstill may have stopped it again by now.
	eventually(t, "the scheduler was started", func() bool { return double.Starts() > before })
}

func itoa(n int) string { return fmt.Sprint(n) }
