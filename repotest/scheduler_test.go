package repotest_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"repotool/repotest"
)

// patience is how long a test waits for what must come.
const patience = 3 * time.Minute

// exchange sends one command on a connection and compares the answer, byte for
// byte, also that nothing follows.
func exchange(t *testing.T, conn net.Conn, command, want string) {
	t.Helper()
	if _, err := io.WriteString(conn, command); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	conn.SetReadDeadline(time.Now().Add(patience))
	n, err := io.ReadFull(conn, got)
	if err != nil || string(got) != want {
		t.Fatalf("%q: answer %q, %v; want %q", command, got[:n], err, want)
	}
	defer conn.SetReadDeadline(time.Time{})
	conn.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
	n, err = conn.Read(got)
	if n > 0 || !os.IsTimeout(err) && !(command == "stop" && err == io.EOF) {
		t.Fatalf("%q: %q follows the answer, error %v; want nothing", command, got[:n], err)
	}
}

func dial(t *testing.T, s *repotest.Scheduler) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp4", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// header is the first line of status as recorded, but for the number of the process.
var header = "scheduler:" + strconv.Itoa(repotest.FirstPID) + " revision:a48620 daemon:0 jobs:%d log:/var/log/fossology/fossology.log port:24693 verbose:0\n"

// TestSchedulerTranscript repeats what was recorded from a real scheduler.
func TestSchedulerTranscript(t *testing.T) {
	s := repotest.NewScheduler(t, repotest.SchedulerOptions{ReportedPort: 24693})
	conn := dial(t, s)
	for _, c := range []struct{ command, answer string }{
		{"status", "received\n" + fmt.Sprintf(header, 0) + "end\n\x00"},
		{"STATUS\n", "received\n" + fmt.Sprintf(header, 0) + "end\n\x00"},
		{"load", "received\nhost:localhost address:localhost max:10 running:0\n\nend\n"},
		{"agents", "received\nadj2nest delagent maintagent mimetype nomos ununpack wget_agent \nend\n"},
		{"agents\nload\n", "received\nadj2nest delagent maintagent mimetype nomos ununpack wget_agent \nend\n"},
		{"database", "received\n"},
		{"pause 3", "received\n"},
		{"pause", "received\nInvalid pause command: \"pause\"\n"},
		{"kill 1", "received\nInvalid kill command: \"kill 1\"\n"},
		{"verbose", "received\nInvalid verbose command: \"verbose\"\n"},
		{"bogus", "received\nInvalid command: \"bogus\"\n"},
		{"status 99999", "received\nERROR: invalid job id = 99999\nend\n\x00"},
		{"close", "received\nCLOSE\n"},
	} {
		exchange(t, conn, c.command, c.answer)
	}
	exchange(t, dial(t, s), "stop", "received\nCLOSE\n")
}

// recordedJobs and recordedJob are what the real scheduler answered to status and
// to status 89 while one agent ran and two jobs waited.
var (
	recordedJobs = "received\n" + fmt.Sprintf(header, 3) + `job:89 status:JOB_STARTED type:nomos, priority:0 running:1 finished:0 failed:0
job:91 status:JOB_CHECKEDOUT type:delagent, priority:0 running:0 finished:0 failed:0
job:92 status:JOB_CHECKEDOUT type:nomos, priority:0 running:0 finished:0 failed:0
end
` + "\x00"
	recordedJob = `received
job:89 status:JOB_STARTED type:nomos, priority:0 running:1 finished:0 failed:0
agent:20033 host:localhost type:nomos status:AGENT_RUNNING time:2026-11-23 02:22:32
end
` + "\x00"
)

func TestSchedulerWithAgents(t *testing.T) {
	s := repotest.NewScheduler(t, repotest.SchedulerOptions{ReportedPort: 24693})
	pid := s.StartAgent(89, "nomos", time.Hour)
	s.Queue(91, "delagent")
	s.Queue(92, "nomos")
	conn := dial(t, s)
	exchange(t, conn, "status", recordedJobs)
	exchange(t, conn, "load", "received\nhost:localhost address:localhost max:10 running:1\n\nend\n")
	// Process and time are this agent's; the rest is as recorded.
	got := ask(t, conn, "status 89")
	if !strings.Contains(got, fmt.Sprintf("agent:%d ", pid)) {
		t.Errorf("status 89: %q, want agent %d", got, pid)
	}
	got = regexp.MustCompile(`agent:\d+ `).ReplaceAllString(got, "agent:20033 ")
	got = regexp.MustCompile(`time:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`).ReplaceAllString(got, "time:2026-11-23 02:22:32")
	if got != recordedJob {
		t.Errorf("status 89: %q, want %q", got, recordedJob)
	}
}

// ask sends a command and returns the answer to its zero byte.
func ask(t *testing.T, conn net.Conn, command string) string {
	t.Helper()
	io.WriteString(conn, command)
	conn.SetReadDeadline(time.Now().Add(patience))
	defer conn.SetReadDeadline(time.Time{})
	var got []byte
	buf := make([]byte, 4096)
	for !bytes.HasSuffix(got, []byte{0}) {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("%q: answer %q, %v", command, got, err)
		}
		got = append(got, buf[:n]...)
	}
	return string(got)
}

// comes asks for the status until a text is in it.
func comes(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	var got string
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if got = ask(t, conn, "status"); strings.Contains(got, text) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("status is %q still, want %q", got, text)
}

// TestSchedulerShowsCompleteJobs has a job that ends: it is shown as complete for
// a while, and then no more.
func TestSchedulerShowsCompleteJobs(t *testing.T) {
	s := repotest.NewScheduler(t, repotest.SchedulerOptions{ReportedPort: 24693, Linger: time.Hour})
	s.StartAgent(89, "nomos", time.Hour)
	conn := dial(t, s)
	s.EndAgent(89)
	complete := "job:89 status:JOB_COMPLETE type:nomos, priority:0 running:0 finished:1 failed:0\nend\n\x00"
	if got, want := ask(t, conn, "status"), "received\n"+fmt.Sprintf(header, 1)+complete; got != want {
		t.Errorf("status %q, want %q", got, want)
	}
	if got := ask(t, conn, "status 89"); got != "received\n"+complete {
		t.Errorf("status 89: %q, want the job without an agent", got)
	}
	s = repotest.NewScheduler(t, repotest.SchedulerOptions{ReportedPort: 24693, Linger: 100 * time.Millisecond})
	s.StartAgent(89, "nomos", time.Hour)
	s.EndAgent(89)
	comes(t, dial(t, s), "received\n"+fmt.Sprintf(header, 0)+"end\n\x00")
}

// TestSchedulerTestsItsAgents sees the jobs of negative numbers that come with
// every start: the fifth is that of nomos, as recorded.
func TestSchedulerTestsItsAgents(t *testing.T) {
	s := repotest.NewScheduler(t, repotest.SchedulerOptions{SelfTest: time.Hour, Linger: time.Hour})
	conn := dial(t, s)
	if got := ask(t, conn, "status"); !strings.Contains(got, "jobs:7 ") ||
		!strings.Contains(got, "\njob:-5 status:JOB_STARTED type:nomos, priority:0 running:1 finished:0 failed:0\n") {
		t.Errorf("status just after the start: %q, want a test of each agent", got)
	}
	s.EndAgent(-5)
	comes(t, conn, "\njob:-5 status:JOB_COMPLETE type:nomos, priority:0 running:0 finished:1 failed:0\n")
}

func TestSchedulerStopLetsAgentsFinish(t *testing.T) {
	s := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	s.StartAgent(1, "nomos", time.Hour)
	exchange(t, dial(t, s), "stop", "received\nCLOSE\n")
	for end := time.Now().Add(patience); !slices.Contains(s.Events(), "stop") && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // it is answered before it is carried out
	}
	exchange(t, dial(t, s), "database", "received\n")
	if !s.Running() {
		t.Fatal("the scheduler is gone although its agent runs")
	}
	s.EndAgent(1)
	if s.Running() {
		t.Fatal("the scheduler runs although its last agent is gone")
	}
	if _, err := net.Dial("tcp4", s.Address()); err == nil {
		t.Error("the port takes connections still")
	}
	if out, err := exec.Command(s.StartCommand()[0], s.StartCommand()[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("start command: %v: %s", err, out)
	}
	for end := time.Now().Add(patience); !s.Running() && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	if want := []string{"started", "stop", "database", "ended", "started"}; !slices.Equal(s.Events(), want) {
		t.Errorf("events %q, want %q", s.Events(), want)
	}
}

func TestSchedulerKilledLeavesAgents(t *testing.T) {
	s := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	pid := s.StartAgent(1, "ununpack", time.Hour)
	s.Kill()
	if _, err := net.Dial("tcp4", s.Address()); err == nil {
		t.Error("the port takes connections still")
	}
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil || !strings.HasSuffix(exe, "/share/ununpack/agent/ununpack") {
		t.Errorf("agent runs from %q, %v", exe, err)
	}
}

func TestSchedulerServesTenAtOnce(t *testing.T) {
	s := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	var conns []net.Conn
	for range 10 {
		conn := dial(t, s)
		exchange(t, conn, "database", "received\n")
		conns = append(conns, conn)
	}
	eleventh := dial(t, s)
	io.WriteString(eleventh, "database")
	eleventh.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := eleventh.Read(make([]byte, 1)); !os.IsTimeout(err) {
		t.Errorf("the eleventh connection read %d bytes, %v; want no answer yet", n, err)
	}
	conns[0].Close()
	eleventh.SetReadDeadline(time.Now().Add(patience))
	got := make([]byte, len("received\n"))
	if _, err := io.ReadFull(eleventh, got); err != nil {
		t.Errorf("the eleventh connection after one was closed: %v", err)
	}
}
