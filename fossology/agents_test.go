package fossology_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"repotool/fossology"
	"repotool/repotest"
)

// script installs a shell script as an agent, as some agents of FOSSology are,
// and returns its path.
func script(t *testing.T, mods, name string) string {
	t.Helper()
	file := filepath.Join(mods, name, "agent", name)
	write(t, file, "#!/bin/sh\necho started\nread -r _\n")
	if err := os.Chmod(file, 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

// running starts a command that says something and then waits for its input to
// end, and waits for what it says.
func running(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	if _, err := out.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
}

func TestAgentProcessesFindsScripts(t *testing.T) {
	sh := repotest.Tool(t, "sh")
	for name, start := range map[string]func(file string) *exec.Cmd{
		"by name":        func(file string) *exec.Cmd { return exec.Command(sh, file, "--jobId=1") },
		"behind options": func(file string) *exec.Cmd { return exec.Command(sh, "-u", file) },
		"relative to its cwd": func(file string) *exec.Cmd {
			cmd := exec.Command(sh, "./"+filepath.Base(file))
			cmd.Dir = filepath.Dir(file)
			return cmd
		},
	} {
		mods := t.TempDir()
		cmd := start(script(t, mods, "wget_agent"))
		running(t, cmd)
		found, err := fossology.AgentProcesses(mods)
		if err != nil || len(found) != 1 || found[0].Agent != "wget_agent" || found[0].PID != cmd.Process.Pid {
			t.Errorf("%s: AgentProcesses = %+v, %v; want process %d", name, found, err, cmd.Process.Pid)
		}
	}
}

// TestAgentProcessesOfOtherInstallation has two installations that share programs,
// and agents that say whose they are.
func TestAgentProcessesOfOtherInstallation(t *testing.T) {
	sh := repotest.Tool(t, "sh")
	sysconf, other := t.TempDir(), t.TempDir()
	mods := filepath.Join(sysconf, "mods-enabled")
	file := script(t, mods, "nomos")
	same := filepath.Join(other, "link")
	if err := os.Symlink(sysconf, same); err != nil {
		t.Fatal(err)
	}
	var want []int
	for _, c := range []struct {
		args []string
		ours bool
	}{
		{[]string{"--jobId=1", "--config=" + sysconf}, true},
		{[]string{"--config=" + same + "/"}, true},
		{[]string{"--config=/no/such/directory"}, true}, // nobody can tell
		{[]string{"--config=" + other}, false},
		{[]string{"-c", other}, false},
		{[]string{"--config", other}, false},
	} {
		cmd := exec.Command(sh, append([]string{file}, c.args...)...)
		running(t, cmd)
		if c.ours {
			want = append(want, cmd.Process.Pid)
		}
	}
	found, err := fossology.AgentProcesses(mods)
	var got []int
	for _, p := range found {
		got = append(got, p.PID)
	}
	slices.Sort(got)
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("AgentProcesses = %+v, %v; want processes %d", found, err, want)
	}
}

// TestSchedulerIsNoAgent starts the scheduler's program, which lies among the agents.
func TestSchedulerIsNoAgent(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{Stopped: true})
	program := filepath.Join(double.AgentsDir(), "scheduler", "agent", "fo_scheduler")
	cmd := exec.Command(program, "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	found, err := fossology.AgentProcesses(double.AgentsDir())
	if err != nil || len(found) != 0 {
		t.Errorf("AgentProcesses = %+v, %v; want none", found, err)
	}
}

func TestAgentProcessesFindsReplacedProgram(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	pid := double.StartAgent(1, "nomos", time.Hour)
	// An upgrade of FOSSology puts another file in its place.
	if err := os.Remove(filepath.Join(double.AgentsDir(), "nomos", "agent", "nomos")); err != nil {
		t.Fatal(err)
	}
	found, err := fossology.AgentProcesses(double.AgentsDir())
	if err != nil || len(found) != 1 || found[0].PID != pid {
		t.Errorf("AgentProcesses = %+v, %v; want process %d", found, err, pid)
	}
}

func TestAgentProcessesLeavesOthersAlone(t *testing.T) {
	mods := t.TempDir()
	script(t, mods, "nomos")
	conf := filepath.Join(mods, "nomos", "agent", "nomos.conf")
	write(t, conf, "x\n")
	sh := repotest.Tool(t, "sh")
	for _, args := range [][]string{
		{"-c", "echo; read -r _", "editor", conf},    // an argument further behind
		{"-c", "echo; read -r _ # " + conf, "nomos"}, // a name in a text
	} {
		running(t, exec.Command(sh, args...))
	}
	cmd := exec.Command(repotest.Tool(t, "tail"), "-f", conf) // shows x
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	out.Read(make([]byte, 10))
	found, err := fossology.AgentProcesses(mods)
	if err != nil || len(found) != 0 {
		t.Errorf("AgentProcesses = %+v, %v; want none", found, err)
	}
}
