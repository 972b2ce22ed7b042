package fossology_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"repotool/fossology"
	"repotool/repotest"
)

func recoverDouble(t *testing.T, double *repotest.Scheduler, o fossology.QuiesceOptions) (fossology.Recovery, error) {
	t.Helper()
	return fossology.Recover(t.Context(), fossology.RecoverOptions{
		NoteDir: o.NoteDir, Scheduler: o.Scheduler, StartCommand: double.StartCommand(), Timeout: patience,
	})
}

// killBoth leaves a stopped scheduler behind: the victim and its watchdog are
// killed, as when the machine loses power or a control group is ended.
func killBoth(t *testing.T, double *repotest.Scheduler) fossology.QuiesceOptions {
	t.Helper()
	o := order(t, double, "wait")
	cmd := startVictim(t, o)
	note := pending(t, o.NoteDir)[0]
	syscall.Kill(note.Watchdog.PID, syscall.SIGKILL)
	eventually(t, "the watchdog is dead", func() bool {
		b, err := os.ReadFile("/proc/" + itoa(note.Watchdog.PID) + "/stat")
		return err != nil || strings.Contains(string(b), ") Z ")
	})
	cmd.Process.Kill()
	cmd.Wait()
	note = pending(t, o.NoteDir)[0]
	if note.Held() || double.Running() {
		t.Fatalf("note held %v, scheduler runs %v; want neither", note.Held(), double.Running())
	}
	q := options(t, double)
	q.NoteDir = o.NoteDir
	return q
}

func TestRecoverStarts(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	o := killBoth(t, double)
	r, err := recoverDouble(t, double, o)
	if err != nil || r.Action != fossology.RecoveredStarted || r.Note.Scheduler != double.Address() {
		t.Errorf("Recover = %+v, %v; want started", r, err)
	}
	runsAgain(t, double, o.NoteDir)
	r, err = recoverDouble(t, double, o)
	if err != nil || r.Action != fossology.RecoveredNothing {
		t.Errorf("Recover again = %+v, %v; want nothing", r, err)
	}
}

func TestRecoverFindsItRunning(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	o := killBoth(t, double)
	startByHand(t, double)
	r, err := recoverDouble(t, double, o)
	if err != nil || r.Action != fossology.RecoveredRunning {
		t.Errorf("Recover = %+v, %v; want running", r, err)
	}
	runsAgain(t, double, o.NoteDir)
}

// TestRecoverTakesOver finds a watchdog whose start command does not work: the one
// of today does, so nobody waits for the watchdog.
func TestRecoverTakesOver(t *testing.T) {
	for name, next := range map[string]func(*testing.T, *repotest.Scheduler, fossology.QuiesceOptions){
		"recover": func(t *testing.T, double *repotest.Scheduler, o fossology.QuiesceOptions) {
			r, err := recoverDouble(t, double, o)
			if err != nil || r.Action != fossology.RecoveredStarted {
				t.Errorf("Recover = %+v, %v; want started", r, err)
			}
		},
		"next run": func(t *testing.T, double *repotest.Scheduler, o fossology.QuiesceOptions) {
			o.StartCommand = double.StartCommand()
			if err := quiesce(t, o).Release(t.Context()); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
			o := options(t, double)
			o.StartCommand = []string{"false"}
			s := quiesce(t, o)
			if err := s.Release(t.Context()); err == nil {
				t.Fatal("released by a command that starts nothing")
			}
			eventually(t, "the watchdog has failed", func() bool { return pending(t, o.NoteDir)[0].StartFailed() != "" })
			next(t, double, o)
			runsAgain(t, double, o.NoteDir)
		})
	}
}

// TestNextRunStarts has a next run that finds the scheduler stopped by a dead one:
// it takes its standstill, and starts the scheduler in its stead.
func TestNextRunStarts(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	o := killBoth(t, double)
	s := quiesce(t, o)
	if !s.Stopped || double.Running() {
		t.Errorf("stopped %v, running %v; want the duty taken over", s.Stopped, double.Running())
	}
	if err := s.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	runsAgain(t, double, o.NoteDir)
}

// TestNextRunThatFailsStarts has a next run that cannot go on: the scheduler that
// its predecessor stopped is started all the same.
func TestNextRunThatFailsStarts(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	o := killBoth(t, double)
	o.Executable = "/bin/false"
	refused(t, t.Context(), o)
	runsAgain(t, double, o.NoteDir)
}

// TestRecoverRepeatsTheStop finds the very scheduler that was to be stopped, still
// waiting for an agent. Both who knew of the stop are dead.
func TestRecoverRepeatsTheStop(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	double.StartAgent(1, "nomos", time.Hour)
	v := order(t, double, "wait")
	cmd, _ := launchVictim(t, v)
	eventually(t, "the stop is sent", func() bool { return has(double, "stop") })
	note := pending(t, v.NoteDir)[0]
	syscall.Kill(note.Watchdog.PID, syscall.SIGKILL)
	cmd.Process.Kill()
	cmd.Wait()
	eventually(t, "both are dead", func() bool { return !pending(t, v.NoteDir)[0].Held() })
	o := options(t, double)
	o.NoteDir = v.NoteDir
	time.AfterFunc(300*time.Millisecond, func() { double.EndAgent(1) })
	r, err := recoverDouble(t, double, o)
	if err != nil || r.Action != fossology.RecoveredStarted {
		t.Errorf("Recover = %+v, %v; want started", r, err)
	}
	runsAgain(t, double, o.NoteDir)
}

// TestRecoverAfterAReboot finds a healthy scheduler that has the number of the one that was stopped before the host,
// or FOSSology's container, started anew. It is left alone.
func TestRecoverAfterAReboot(t *testing.T) {
	for name, change := range map[string]string{
		"of the host":      `"boot": "another", "was": "`,
		"of the container": `"scheduler_start": 1, "boot": "`,
	} {
		t.Run(name, func(t *testing.T) {
			double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
			o := killBoth(t, double)
			startByHand(t, double)
			status, err := o.Scheduler.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			n := pending(t, o.NoteDir)[0]
			old, now := `"scheduler_pid": `+itoa(n.SchedulerPID), `"scheduler_pid": `+itoa(status.PID)
			write(t, n.Path, strings.NewReplacer(old, now, `"boot": "`, change).Replace(read(t, n.Path)))
			stops := strings.Count(strings.Join(double.Events(), " "), "stop")
			r, err := recoverDouble(t, double, o)
			if err != nil || r.Action != fossology.RecoveredRunning {
				t.Errorf("Recover = %+v, %v; want running", r, err)
			}
			if n := strings.Count(strings.Join(double.Events(), " "), "stop"); n != stops {
				t.Errorf("it was stopped %d times more", n-stops)
			}
			runsAgain(t, double, o.NoteDir)
		})
	}
}

func TestDamagedNote(t *testing.T) {
	for name, text := range map[string]string{
		"half-written": `{"version": 1, "sched`,
		"newer":        `{"version": 2}`,
		"empty":        "",
	} {
		double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
		o := options(t, double)
		s := quiesce(t, o)
		file := pending(t, o.NoteDir)[0].Path
		if err := s.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		write(t, file, text)
		notes := pending(t, o.NoteDir)
		if len(notes) != 1 || notes[0].Damaged == nil || !strings.Contains(notes[0].Damaged.Error(), file) {
			t.Errorf("%s: notes %+v, want one damaged", name, notes)
		}
		if err := refused(t, t.Context(), o); !strings.Contains(err.Hint(), file) {
			t.Errorf("%s: Quiesce: %v with hint %q", name, err, err.Hint())
		}
		if _, err := recoverDouble(t, double, o); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: Recover: error %v, want one that names the file", name, err)
		}
	}
}

func TestNoteOfAnotherHost(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	o := options(t, double)
	s := quiesce(t, o)
	file := pending(t, o.NoteDir)[0].Path
	text := read(t, file)
	if err := s.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, strings.Replace(text, `"host": "`+host+`"`, `"host": "elsewhere"`, 1))
	if err := refused(t, t.Context(), o); !strings.Contains(err.Error(), "host elsewhere") || !strings.Contains(err.Hint(), file) {
		t.Errorf("error %v with hint %q", err, err.Hint())
	}
	// After a restart of the host no process of before is alive.
	write(t, file, strings.Replace(text, `"boot": "`, `"boot": "0`, 1))
	if pending(t, o.NoteDir)[0].Held() {
		t.Error("a note from before the host's start is held")
	}
}
