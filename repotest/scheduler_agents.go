package repotest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// AgentNames are the agents that the double knows.
var AgentNames = []string{"adj2nest", "delagent", "maintagent", "mimetype", "nomos", "ununpack", "wget_agent"}

// schedulerJob is a job in the scheduler's memory.
type schedulerJob struct {
	id       int64
	kind     string
	status   string
	running  int
	finished int
	agent    *exec.Cmd // nil while it waits
	since    time.Time
	ended    chan struct{}
}

// schedulerModule is the directory of the scheduler's own program among the agents.
const schedulerModule = "scheduler"

// installAgents makes mods-enabled as an installation has it: a link for each
// agent to its directory elsewhere, and one to the scheduler's. Every program is a
// copy of sleep.
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
	programs := map[string]string{schedulerModule: "fo_scheduler"}
	for _, name := range AgentNames {
		programs[name] = name
	}
	for module, program := range programs {
		home := filepath.Join(s.o.Sysconf, "share", module)
		if err := os.MkdirAll(filepath.Join(home, "agent"), 0o755); err != nil {
			return err
		}
		// Copied by another process: a program that this one has open for
		// writing cannot be executed.
		if out, err := exec.Command("cp", sleep, filepath.Join(home, "agent", program)).CombinedOutput(); err != nil {
			return fmt.Errorf("copy agent: %w: %s", err, out)
		}
		if err := os.Symlink(home, filepath.Join(s.AgentsDir(), module)); err != nil {
			return err
		}
	}
	return nil
}

// program returns the path of a module's program.
func (s *Scheduler) program(module, program string) string {
	return filepath.Join(s.AgentsDir(), module, "agent", program)
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
	pid, err := s.LaunchAgent(id, agent, d)
	if err != nil {
		s.t.Fatal(err)
	}
	return pid
}

// LaunchAgent is StartAgent for those who are no test.
func (s *Scheduler) LaunchAgent(id int64, agent string, d time.Duration) (pid int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.launch(id, agent, d)
}

func (s *Scheduler) launch(id int64, agent string, d time.Duration) (pid int, err error) {
	cmd := exec.Command(s.program(agent, agent), fmt.Sprintf("%.3f", d.Seconds()))
	cmd.Dir = "/"
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	named(cmd.Process.Pid)
	i := slices.IndexFunc(s.jobs, func(j *schedulerJob) bool { return j.id == id })
	if i < 0 {
		s.jobs = append(s.jobs, &schedulerJob{id: id, kind: agent})
		i = len(s.jobs) - 1
	}
	j := s.jobs[i]
	j.status, j.running, j.agent, j.since, j.ended = "JOB_STARTED", 1, cmd, time.Now(), make(chan struct{})
	go s.reap(j)
	return cmd.Process.Pid, nil
}

// named waits until a process that was just started shows its command line, which
// the kernel sets a little later than the program. One that has ended has neither.
func named(pid int) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		_, gone := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); len(line) > 0 || err != nil || gone != nil {
			return
		}
	}
}

// testAgents starts every agent once, as a job of the scheduler's own.
func (s *Scheduler) testAgents() error {
	for i, name := range AgentNames {
		if _, err := s.launch(-int64(i)-1, name, s.o.SelfTest); err != nil {
			return err
		}
	}
	return nil
}

// reap waits for an agent. Its job is shown for a while as complete, and then
// forgotten.
func (s *Scheduler) reap(j *schedulerJob) {
	j.agent.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	j.status, j.running, j.finished = "JOB_COMPLETE", 0, 1
	if s.o.Linger == 0 {
		s.forget(j)
	} else {
		time.AfterFunc(s.o.Linger, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.forget(j)
		})
	}
	close(j.ended)
	s.endIfIdle()
}

func (s *Scheduler) forget(j *schedulerJob) {
	s.jobs = slices.DeleteFunc(s.jobs, func(other *schedulerJob) bool { return other == j })
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
