package fossology_test

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"repotool/fossology"
	"repotool/repotest"
)

// These tests have a scheduler that others start or stop at the same time.

func TestQuiesceTwice(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	o := options(t, double)
	s := quiesce(t, o)
	second := o
	second.Timeout = 3 * time.Second
	if err := refused(t, t.Context(), second); !strings.Contains(err.Error(), "has stopped it since") {
		t.Errorf("error %v", err)
	}
	if err := s.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	runsAgain(t, double, o.NoteDir)
}

// TestQuiesceWaitsForAnotherRun begins while another run stands still, and again
// while that starts the scheduler, which takes a while.
func TestQuiesceWaitsForAnotherRun(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{StartDelay: 300 * time.Millisecond})
	o := options(t, double)
	first := quiesce(t, o)
	released := make(chan error, 1)
	time.AfterFunc(300*time.Millisecond, func() { released <- first.Release(t.Context()) })
	second := quiesce(t, o)
	if err := <-released; err != nil {
		t.Error(err)
	}
	if !second.Stopped || double.Running() || double.Starts() != 2 {
		t.Errorf("stopped %v, running %v: %q", second.Stopped, double.Running(), double.Events())
	}
	if err := second.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	runsSince(t, double, o.NoteDir, 3)
}

// TestQuiesceJustAfterWatchdog begins while the watchdog of a killed run starts the
// scheduler, and has agents tested by the new one.
func TestQuiesceJustAfterWatchdog(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{
		StartDelay: 300 * time.Millisecond, SelfTest: 300 * time.Millisecond, Linger: 200 * time.Millisecond,
	})
	v := order(t, double, "wait")
	cmd := startVictim(t, v)
	cmd.Process.Kill()
	cmd.Wait()
	o := options(t, double)
	o.NoteDir = v.NoteDir
	s := quiesce(t, o)
	if !s.Stopped || double.Running() || double.Starts() != 2 {
		t.Errorf("stopped %v, running %v: %q", s.Stopped, double.Running(), double.Events())
	}
	if err := s.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	runsSince(t, double, o.NoteDir, 3)
}

// TestQuiesceOfStartingScheduler begins after a service manager has started the
// scheduler and before it listens.
func TestQuiesceOfStartingScheduler(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{Stopped: true, StartDelay: 500 * time.Millisecond})
	command := double.StartCommand()
	if err := exec.Command(command[0], command[1:]...).Run(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the scheduler is being started", func() bool { return has(double, "starting") })
	o := options(t, double)
	s := quiesce(t, o)
	if !s.Stopped || double.Running() || double.Starts() != 1 {
		t.Errorf("stopped %v, running %v: %q", s.Stopped, double.Running(), double.Events())
	}
	if err := s.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	runsAgain(t, double, o.NoteDir)
}

// TestQuiesceStopsTheSecondScheduler has somebody start a scheduler while an agent of
// a killed one is waited for: with none running before, and after a stop.
func TestQuiesceStopsTheSecondScheduler(t *testing.T) {
	for name, killed := range map[string]bool{"none before": true, "one stopped": false} {
		t.Run(name, func(t *testing.T) {
			double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
			agent := double.StartAgent(1, "nomos", time.Hour)
			if killed {
				double.Kill()
			}
			o := options(t, double)
			still := quiesceBeside(t, o)
			if !killed {
				eventually(t, "the stop is sent", func() bool { return has(double, "stop") })
				double.Kill()
			}
			startByHand(t, double)
			eventually(t, "the second scheduler is gone", func() bool { return !double.Running() })
			syscall.Kill(agent, syscall.SIGKILL)
			s := <-still
			if s == nil || !s.Stopped || double.Running() {
				t.Fatalf("standstill %+v, running %v: %q", s, double.Running(), double.Events())
			}
			if err := s.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
			runsSince(t, double, o.NoteDir, 3)
		})
	}
}

// TestStandstillIsBroken has somebody start a scheduler in the middle of a
// standstill: that cannot be helped, but it is told.
func TestStandstillIsBroken(t *testing.T) {
	for name, running := range map[string]bool{"stopped here": true, "did not run before": false} {
		t.Run(name, func(t *testing.T) {
			double := repotest.NewScheduler(t, repotest.SchedulerOptions{Stopped: !running})
			o := options(t, double)
			s := quiesce(t, o)
			startByHand(t, double)
			starts := double.Starts()
			if err := s.Release(t.Context()); err != nil || !s.Broken || s.Stopped != running {
				t.Errorf("Release: %v, broken %v, stopped %v", err, s.Broken, s.Stopped)
			}
			runsSince(t, double, o.NoteDir, starts)
			if s = quiesce(t, o); s.Broken {
				t.Error("a new standstill is broken from the start")
			}
			if err := s.Release(t.Context()); err != nil || s.Broken {
				t.Errorf("Release: %v, broken %v; want a whole standstill", err, s.Broken)
			}
		})
	}
}

// TestWatchdogKnowsTheSecondScheduler kills the run while the second scheduler,
// which was told to stop as well, waits for an agent: the watchdog must not take
// it for one that goes on.
func TestWatchdogKnowsTheSecondScheduler(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{SelfTest: patience})
	o := order(t, double, "wait")
	cmd, _ := launchVictim(t, o)
	stops := func() (n int) {
		for _, e := range double.Events() {
			if e == "stop" {
				n++
			}
		}
		return n
	}
	eventually(t, "the stop is sent", func() bool { return stops() == 1 })
	double.Kill()
	startByHand(t, double)
	eventually(t, "the second stop is sent", func() bool { return stops() == 2 })
	cmd.Process.Kill()
	cmd.Wait()
	eventually(t, "the watchdog repeats the stop", func() bool { return stops() == 3 })
	agents, err := fossology.AgentProcesses(double.AgentsDir()) // of both schedulers
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range agents {
		syscall.Kill(a.PID, syscall.SIGKILL)
	}
	runsSince(t, double, o.NoteDir, 3)
}

// TestQuiesceWaitsForTestsOfAgents begins just after a start: the scheduler's tests
// are agents at work, and those that are over are not.
func TestQuiesceWaitsForTestsOfAgents(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{SelfTest: time.Hour, Linger: time.Hour})
	o := options(t, double)
	for i := range repotest.AgentNames {
		if job := -int64(i) - 1; job != -5 {
			double.EndAgent(job)
		}
	}
	short := o
	short.Timeout = 25 * time.Second // long enough for the watchdog and one look, on any machine
	err := refused(t, t.Context(), short)
	if len(err.Running) != 1 || err.Running[0] != "the scheduler's test of agent nomos" {
		t.Errorf("error %v, running %q; want the one test that runs", err, err.Running)
	}
	double.EndAgent(-5)
	eventually(t, "the scheduler runs again", func() bool { return double.Starts() == 2 })
	for i := range repotest.AgentNames { // of the second scheduler
		double.EndAgent(-int64(i) - 1)
	}
	s := quiesce(t, o)
	if err := s.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	runsSince(t, double, o.NoteDir, 3)
}
