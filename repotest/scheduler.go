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
// so they can be found as real agents are. The double lives in the process that
// made it; it is started again by running [Scheduler.StartCommand] in any process.
type Scheduler struct {
	t       testing.TB // nil if no test has made it
	o       SchedulerOptions
	pipe    *os.File
	obeyed  chan struct{} // closed when no start command is read any more
	port    int
	claim   net.Listener // of the port, see claimPort
	control string       // named pipe that start commands write to

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
	StartDelay   time.Duration // between the start command and the first connection; its process is there before
	StartFails   int           // how many start commands have no effect
	SilentEnd    time.Duration // how long a scheduler that ends takes connections and does not answer
	SelfTest     time.Duration // how long each agent is tested after a start, as a job of negative number; 0: not at all
	Linger       time.Duration // how long a job that has ended is shown, as JOB_COMPLETE; 0: not at all
}

// FirstPID is the process number that the double reports; each start adds one. It
// is above what the kernel gives, so that no process has it.
const FirstPID = 1<<22 + 1888

// schedulerWorkers is how many connections the scheduler serves at once.
const schedulerWorkers = 10

// NewScheduler starts a double. It and its agents end with the test.
func NewScheduler(t testing.TB, o SchedulerOptions) *Scheduler {
	t.Helper()
	if o.Sysconf == "" {
		o.Sysconf = t.TempDir()
	}
	s, err := StartScheduler(o)
	if err != nil {
		t.Fatal(err)
	}
	s.t = t
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// StartScheduler starts a double for those who are no test; Sysconf must be
// given. It and its agents end with [Scheduler.Close].
func StartScheduler(o SchedulerOptions) (s *Scheduler, err error) {
	s = &Scheduler{o: o, pid: FirstPID - 1, obeyed: make(chan struct{})}
	dir, err := os.MkdirTemp("", "repotest-scheduler-")
	if err != nil {
		return nil, err
	}
	s.control = filepath.Join(dir, "control")
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	if err := syscall.Mkfifo(s.control, 0o600); err != nil {
		return nil, err
	}
	if err := s.installAgents(); err != nil {
		return nil, err
	}
	if s.port, s.claim, err = claimPort(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.claim.Close()
		}
	}()
	// Open for both, so that neither opening nor reading ends without a writer.
	if s.pipe, err = os.OpenFile(s.control, os.O_RDWR, 0); err != nil {
		return nil, err
	}
	if !o.Stopped {
		if err := s.start(); err != nil {
			s.pipe.Close()
			return nil, err
		}
	}
	go s.obey()
	return s, nil
}

// Close ends the double and its agents.
func (s *Scheduler) Close() error {
	s.pipe.Close()
	<-s.obeyed
	s.Kill()
	s.killAgents()
	s.claim.Close()
	return os.RemoveAll(filepath.Dir(s.control))
}

// claimPort finds a free port below those that the kernel gives away: from there
// nobody else takes it while the scheduler does not listen. That another double
// does not, here or in the test of another package, is seen to by a name that only
// one can have, in the namespace of sockets without a file (unix(7)).
func claimPort() (port int, claim net.Listener, err error) {
	first := 20000 + (os.Getpid()*37+int(time.Now().UnixNano()/1000))%10000
	for port := first; port < first+500; port++ {
		claim, err := net.Listen("unix", fmt.Sprintf("@repotest-scheduler-%d", port))
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			l.Close()
			return port, claim, nil
		}
		claim.Close()
	}
	return 0, nil, fmt.Errorf("no free port between %d and %d", first, first+500)
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
func (s *Scheduler) obey() {
	defer close(s.obeyed)
	buf := make([]byte, 256)
	for {
		n, err := s.pipe.Read(buf)
		if err != nil {
			return
		}
		for range strings.Count(string(buf[:n]), "start\n") {
			if s.startFails() {
				continue
			}
			if err := s.startSlowly(); err != nil {
				s.record("start: " + err.Error())
			}
		}
	}
}

// startFails reports whether a start command shall have no effect.
func (s *Scheduler) startFails() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.o.StartFails == 0 {
		return false
	}
	s.o.StartFails--
	s.events = append(s.events, "start failed")
	return true
}

// startSlowly lets a process of the scheduler be seen before its port is open.
func (s *Scheduler) startSlowly() error {
	if s.o.StartDelay > 0 {
		cmd := exec.Command(s.program(schedulerModule, "fo_scheduler"), fmt.Sprint(s.o.StartDelay.Seconds()+60))
		if err := cmd.Start(); err != nil {
			return err
		}
		defer func() { cmd.Process.Kill(); cmd.Wait() }()
		s.record("starting")
		time.Sleep(s.o.StartDelay)
	}
	return s.start()
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
	s.jobs = slices.DeleteFunc(s.jobs, func(j *schedulerJob) bool { return j.agent != nil })
	s.events = append(s.events, "started")
	go s.accept(l, s.workers)
	if s.o.SelfTest > 0 {
		return s.testAgents()
	}
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
