package fossology_test

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"repotool/fossology"
	"repotool/repotest"
)

func TestSchedulerClient(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{ReportedPort: 24693})
	s, ctx := fossology.Scheduler{Address: double.Address()}, t.Context()
	status, err := s.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if status.PID != repotest.FirstPID || status.Revision != "a48620" || status.Log != "/var/log/fossology/fossology.log" || status.Port != 24693 || len(status.Jobs) != 0 {
		t.Errorf("Status = %+v", status)
	}
	double.StartAgent(89, "nomos", time.Hour)
	double.Queue(91, "delagent")
	status, err = s.Status(ctx)
	want := []fossology.SchedulerJob{
		{ID: 89, Status: "JOB_STARTED", Type: "nomos", Running: 1},
		{ID: 91, Status: "JOB_CHECKEDOUT", Type: "delagent"},
	}
	if err != nil || !slices.Equal(status.Jobs, want) || !slices.Equal(status.Working(), want[:1]) {
		t.Errorf("Status = %+v, %v", status, err)
	}
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
	if alive, err := s.Alive(ctx); !alive || err != nil {
		t.Errorf("Alive = %v, %v while an agent runs", alive, err)
	}
	double.EndAgent(89)
	if alive, err := s.Alive(ctx); alive || err != nil {
		t.Errorf("Alive = %v, %v after the last agent", alive, err)
	}
}

// TestSchedulerClientTellsEndedJobs has jobs that are shown and do not run, and
// tests of agents that do: these are waited for as any job is.
func TestSchedulerClientTellsEndedJobs(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{SelfTest: time.Hour, Linger: time.Hour})
	double.StartAgent(89, "ununpack", time.Hour)
	double.EndAgent(89)
	for i := range repotest.AgentNames {
		if agent := -int64(i) - 1; agent != -5 {
			double.EndAgent(agent)
		}
	}
	status, err := fossology.Scheduler{Address: double.Address()}.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(status.Jobs) != 8 || !slices.Contains(status.Jobs, fossology.SchedulerJob{ID: 89, Status: "JOB_COMPLETE", Type: "ununpack", Finished: 1}) {
		t.Errorf("jobs %+v, want 89 and seven tests", status.Jobs)
	}
	working := status.Working()
	if want := (fossology.SchedulerJob{ID: -5, Status: "JOB_STARTED", Type: "nomos", Running: 1}); len(working) != 1 || working[0] != want {
		t.Errorf("working %+v, want %+v alone", working, want)
	}
	if len(working) > 0 && working[0].String() != "the scheduler's test of agent nomos" {
		t.Errorf("the job is called %q", working[0])
	}
}

// answering serves every connection with an answer, then does what then says.
func answering(t *testing.T, answer string, then func(net.Conn)) fossology.Scheduler {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				conn.Read(make([]byte, 100))
				io.WriteString(conn, answer)
				then(conn)
			}()
		}
	}()
	return fossology.Scheduler{Address: l.Addr().String()}
}

func TestSchedulerThatIsNone(t *testing.T) {
	hang := func(net.Conn) {}
	hangUp := func(c net.Conn) { c.Close() }
	for name, c := range map[string]struct {
		answer string
		then   func(net.Conn)
		want   string
	}{
		"silent":           {"", hang, "no answer within 300ms"},
		"half an answer":   {"received\nscheduler:1888 rev", hang, "no answer within 300ms"},
		"hangs up":         {"received\n", hangUp, "unexpected EOF"},
		"web server":       {"HTTP/1.1 400 Bad Request\r\n\r\n", hangUp, "no FOSSology scheduler"},
		"refuses":          {"received\nInvalid command: \"status\"\n", hang, "Invalid command"},
		"no header":        {"received\nend\n\x00", hang, "expected lines and end"},
		"something else":   {"received\nhello\nend\n\x00", hang, "expected the keys scheduler"},
		"job not readable": {"received\nscheduler:1 revision:a daemon:0 jobs:1 log:/l port:1 verbose:0\njob:x\nend\n", hang, "expected the keys job"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := answering(t, c.answer, c.then)
			if strings.HasPrefix(c.want, "no answer") {
				s.Timeout = 300 * time.Millisecond // others are waited for longer
			}
			_, err := s.Status(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), s.Address) {
				t.Errorf("error %v, want one with the address and %q", err, c.want)
			}
			if alive, err := s.Alive(t.Context()); alive || err == nil {
				t.Errorf("Alive = %v, %v; want an error", alive, err)
			}
		})
	}
}

func TestSchedulerStatusWithoutZeroByteYet(t *testing.T) {
	s := answering(t, "received\nscheduler:1 revision: daemon:0 jobs:0 log:/a b port:1 verbose:0\nend\n", func(net.Conn) {})
	status, err := s.Status(t.Context())
	if err != nil || status.Log != "/a b" {
		t.Errorf("Status = %+v, %v", status, err)
	}
}

func TestSchedulerContext(t *testing.T) {
	s := answering(t, "", func(net.Conn) {})
	s.Timeout = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Status(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that of the context", err)
	}
}

func FuzzParseSchedulerStatus(f *testing.F) {
	f.Add("scheduler:1888 revision:a48620 daemon:0 jobs:1 log:/var/log/x port:24693 verbose:0\n" +
		"job:-5 status:JOB_COMPLETE type:nomos, priority:0 running:0 finished:1 failed:0\nend\n")
	f.Fuzz(func(t *testing.T, answer string) {
		status, err := fossology.ParseSchedulerStatus(answer)
		if (status == nil) == (err == nil) {
			t.Errorf("status %v and error %v", status, err)
		}
	})
}

func TestAgentProcesses(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	found, err := fossology.AgentProcesses(double.AgentsDir())
	if err != nil || len(found) != 0 {
		t.Fatalf("AgentProcesses = %v, %v; want none", found, err)
	}
	pid := double.StartAgent(1, "ununpack", time.Hour)
	found, err = fossology.AgentProcesses(double.AgentsDir())
	if err != nil || len(found) != 1 || found[0].PID != pid || found[0].Agent != "ununpack" || !strings.Contains(found[0].Command, "3600") {
		t.Errorf("AgentProcesses = %+v, %v; want process %d", found, err, pid)
	}
	double.EndAgent(1)
	found, err = fossology.AgentProcesses(double.AgentsDir())
	if err != nil || len(found) != 0 {
		t.Errorf("AgentProcesses = %v, %v after the end", found, err)
	}
	if _, err := fossology.AgentProcesses(t.TempDir() + "/none"); err == nil {
		t.Error("no directory of agents: want an error")
	}
}
