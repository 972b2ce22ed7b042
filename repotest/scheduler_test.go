package repotest_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"repotool/repotest"
)

// exchange sends one command on a connection and compares the answer, byte for
// byte, also that nothing follows.
func exchange(t *testing.T, conn net.Conn, command, want string) {
	t.Helper()
	if _, err := io.WriteString(conn, command); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
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

// header is the first line of status as recorded.
const header = "scheduler:1888 revision:a48620 daemon:0 jobs:%d log:/var/log/fossology/fossology.log port:24693 verbose:0\n"

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

func TestSchedulerWithAgents(t *testing.T) {
	s := repotest.NewScheduler(t, repotest.SchedulerOptions{ReportedPort: 24693})
	pid := s.StartAgent(89, "nomos", time.Hour)
	s.Queue(91, "delagent")
	conn := dial(t, s)
	exchange(t, conn, "status", "received\n"+fmt.Sprintf(header, 2)+
		"job:89 status:JOB_STARTED type:nomos, priority:0 running:1 finished:0 failed:0\n"+
		"job:91 status:JOB_CHECKEDOUT type:delagent, priority:0 running:0 finished:0 failed:0\nend\n\x00")
	exchange(t, conn, "load", "received\nhost:localhost address:localhost max:10 running:1\n\nend\n")
	io.WriteString(conn, "status 89")
	buf := make([]byte, 4096)
	var got string
	for !strings.HasSuffix(got, "\x00") {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got += string(buf[:n])
	}
	want := regexp.MustCompile(fmt.Sprintf(`^received\njob:89 status:JOB_STARTED type:nomos, priority:0 running:1 finished:0 failed:0\n`+
		`agent:%d host:localhost type:nomos status:AGENT_RUNNING time:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\nend\n\x00$`, pid))
	if !want.MatchString(got) {
		t.Errorf("status 89: %q", got)
	}
}

func TestSchedulerStopLetsAgentsFinish(t *testing.T) {
	s := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	s.StartAgent(1, "nomos", time.Hour)
	exchange(t, dial(t, s), "stop", "received\nCLOSE\n")
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
	for range 100 {
		if s.Running() {
			break
		}
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
	eleventh.SetReadDeadline(time.Now().Add(5 * time.Second))
	got := make([]byte, len("received\n"))
	if _, err := io.ReadFull(eleventh, got); err != nil {
		t.Errorf("the eleventh connection after one was closed: %v", err)
	}
}
