package repotest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Scheduler is a double of FOSSology's scheduler. It answers on a port as the
// real one was recorded to answer, byte for byte, and behaves as it does: one
// read is one command; a stop is answered at once while agents run on; it goes
// when the last agent has gone; killed, it leaves its agents alive.
//
// Agents are real processes, started from <sysconf>/mods-enabled/<name>/agent,
// so they can be found as real agents are. The double lives in the test process;
// it is started again by running [Scheduler.StartCommand] in any process.
type Scheduler struct {
	t       testing.TB
	o       SchedulerOptions
	port    int
	control string // named pipe that start commands write to

	mu       sync.Mutex
	listener net.Listener // nil while the scheduler does not run
	conns    map[net.Conn]bool
	workers  chan struct{} // one token for each connection that is served
	pid      int
	stopping bool
	silent   bool // on its way out
	jobs     []*schedulerJob
	events   []string
	starts   int
}

// SchedulerOptions change what the double shows and does.
type SchedulerOptions struct {
	Sysconf      string        // gets mods-enabled; "" is a directory of the test
	ReportedPort int           // what status says; 0 is the truth
	Stopped      bool          // do not start at once
	StartDelay   time.Duration // between the start command and the first connection
	StartFails   int           // how many start commands have no effect
	SilentEnd    time.Duration // how long a scheduler that ends takes connections and does not answer
}

// FirstPID is the process number that the double reports; each start adds one.
const FirstPID = 1888

// schedulerWorkers is how many connections the scheduler serves at once.
const schedulerWorkers = 10

// AgentNames are the agents that the double knows.
var AgentNames = []string{"adj2nest", "delagent", "maintagent", "mimetype", "nomos", "ununpack", "wget_agent"}

// schedulerJob is a job in the scheduler's memory.
type schedulerJob struct {
	id      int64
	kind    string
	status  string
	running int
	agent   *exec.Cmd
	since   time.Time
	ended   chan struct{}
}

// NewScheduler starts a double. It and its agents end with the test.
func NewScheduler(t testing.TB, o SchedulerOptions) *Scheduler {
	t.Helper()
	if o.Sysconf == "" {
		o.Sysconf = t.TempDir()
	}
	s := &Scheduler{t: t, o: o, pid: FirstPID - 1}
	s.control = filepath.Join(t.TempDir(), "control")
	if err := syscall.Mkfifo(s.control, 0o600); err != nil {
		t.Fatal(err)
	}
	// Open for both, so that neither opening nor reading ends without a writer.
	pipe, err := os.OpenFile(s.control, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.installAgents(); err != nil {
		t.Fatal(err)
	}
	s.port = schedulerPort(t)
	if !o.Stopped {
		if err := s.start(); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan struct{})
	go s.obey(pipe, done)
	t.Cleanup(func() {
		pipe.Close()
		<-done
		s.Kill()
		s.killAgents()
	})
	return s
}

// schedulerPort finds a free port below those that the kernel gives away: from
// there nobody else takes it while the scheduler does not listen.
func schedulerPort(t testing.TB) int {
	t.Helper()
	first := 20000 + (os.Getpid()*37+int(time.Now().UnixNano()/1000))%10000
	for port := first; port < first+500; port++ {
		l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatalf("no free port between %d and %d", first, first+500)
	return 0
}

// installAgents makes mods-enabled as an installation has it: a link for each
// agent to its directory elsewhere. Every agent is a copy of sleep.
func (s *Scheduler) installAgents() error {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		return fmt.Errorf("%s", missing("sleep"))
	}
	if sleep, err = filepath.EvalSymlinks(sleep); err != nil {
		return err
	}
	if err := os.MkdirAll(s.AgentsDir(), 0o755); err != nil {
		return err
	}
	for _, name := range AgentNames {
		home := filepath.Join(s.o.Sysconf, "share", name)
		if err := os.MkdirAll(filepath.Join(home, "agent"), 0o755); err != nil {
			return err
		}
		// Copied by another process: a program that this one has open for
		// writing cannot be executed.
		if out, err := exec.Command("cp", sleep, filepath.Join(home, "agent", name)).CombinedOutput(); err != nil {
			return fmt.Errorf("copy agent: %w: %s", err, out)
		}
		if err := os.Symlink(home, filepath.Join(s.AgentsDir(), name)); err != nil {
			return err
		}
	}
	return nil
}

// Address returns host:port.
func (s *Scheduler) Address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// AgentsDir returns the directory of the agents.
func (s *Scheduler) AgentsDir() string { return filepath.Join(s.o.Sysconf, "mods-enabled") }

// StartCommand returns a command that starts the scheduler and returns at once,
// as a service manager does.
func (s *Scheduler) StartCommand() []string {
	return []string{"/bin/sh", "-c", "echo start >'" + s.control + "'"}
}

// obey carries out start commands.
func (s *Scheduler) obey(pipe *os.File, done chan<- struct{}) {
	defer close(done)
	buf := make([]byte, 256)
	for {
		n, err := pipe.Read(buf)
		if err != nil {
			return
		}
		for range strings.Count(string(buf[:n]), "start\n") {
			time.Sleep(s.o.StartDelay)
			s.mu.Lock()
			fails := s.o.StartFails > 0
			if fails {
				s.o.StartFails--
				s.events = append(s.events, "start failed")
			}
			s.mu.Unlock()
			if fails {
				continue
			}
			if err := s.start(); err != nil {
				s.record("start: " + err.Error())
			}
		}
	}
}

// start listens again. A second start while the scheduler runs does nothing.
func (s *Scheduler) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		s.events = append(s.events, "started although running")
		return nil
	}
	l, err := net.Listen("tcp4", s.Address())
	if err != nil {
		return err
	}
	s.listener, s.stopping, s.silent = l, false, false
	s.conns, s.workers = map[net.Conn]bool{}, make(chan struct{}, schedulerWorkers)
	s.pid++
	s.starts++
	s.jobs = slices.DeleteFunc(s.jobs, func(j *schedulerJob) bool { return j.running > 0 })
	s.events = append(s.events, "started")
	go s.accept(l, s.workers)
	return nil
}

// Kill ends the scheduler as SIGKILL does: agents live on.
func (s *Scheduler) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end("killed")
}

// end closes the port and all connections.
func (s *Scheduler) end(event string) {
	if s.listener == nil {
		return
	}
	s.listener.Close()
	s.listener = nil
	for c := range s.conns {
		c.Close()
	}
	s.events = append(s.events, event)
}

// endIfIdle ends a scheduler that was told to stop and has no agent left.
func (s *Scheduler) endIfIdle() {
	if !s.stopping || slices.ContainsFunc(s.jobs, func(j *schedulerJob) bool { return j.running > 0 }) {
		return
	}
	if s.o.SilentEnd == 0 {
		s.end("ended")
		return
	}
	if !s.silent {
		s.silent = true
		time.AfterFunc(s.o.SilentEnd, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.end("ended")
		})
	}
}

// Running reports whether the scheduler listens.
func (s *Scheduler) Running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listener != nil
}

// Starts returns how many times the scheduler has begun to listen.
func (s *Scheduler) Starts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.starts
}

// Events returns what has happened: the commands received and "started",
// "ended", "killed".
func (s *Scheduler) Events() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

func (s *Scheduler) record(event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, event)
}

// Queue gives the scheduler a job that waits in its memory.
func (s *Scheduler) Queue(id int64, agent string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs = append(s.jobs, &schedulerJob{id: id, kind: agent, status: "JOB_CHECKEDOUT"})
}

// StartAgent starts a job's agent, a real process, and returns its number. The
// agent ends by itself after the time given, or by [Scheduler.EndAgent].
func (s *Scheduler) StartAgent(id int64, agent string, d time.Duration) (pid int) {
	s.t.Helper()
	program := filepath.Join(s.AgentsDir(), agent, "agent", agent)
	cmd := exec.Command(program, fmt.Sprintf("%.3f", d.Seconds()))
	cmd.Dir = "/"
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.jobs, func(j *schedulerJob) bool { return j.id == id })
	if i < 0 {
		s.jobs = append(s.jobs, &schedulerJob{id: id, kind: agent})
		i = len(s.jobs) - 1
	}
	j := s.jobs[i]
	j.status, j.running, j.agent, j.since, j.ended = "JOB_STARTED", 1, cmd, time.Now(), make(chan struct{})
	go s.reap(j)
	return cmd.Process.Pid
}

// reap waits for an agent. Its job is forgotten; the real scheduler shows it for
// some seconds as JOB_COMPLETE.
func (s *Scheduler) reap(j *schedulerJob) {
	j.agent.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	j.running = 0
	s.jobs = slices.DeleteFunc(s.jobs, func(other *schedulerJob) bool { return other == j })
	close(j.ended)
	s.endIfIdle()
}

// EndAgent ends the agent of a job and waits until it is gone.
func (s *Scheduler) EndAgent(id int64) {
	s.mu.Lock()
	i := slices.IndexFunc(s.jobs, func(j *schedulerJob) bool { return j.id == id && j.running > 0 })
	if i < 0 {
		s.mu.Unlock()
		return
	}
	j := s.jobs[i]
	s.mu.Unlock()
	j.agent.Process.Kill()
	<-j.ended
}

// killAgents ends all agents.
func (s *Scheduler) killAgents() {
	for {
		s.mu.Lock()
		i := slices.IndexFunc(s.jobs, func(j *schedulerJob) bool { return j.running > 0 })
		if i < 0 {
			s.mu.Unlock()
			return
		}
		id := s.jobs[i].id
		s.mu.Unlock()
		s.EndAgent(id)
	}
}
