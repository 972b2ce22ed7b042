package fossology

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// An AgentProcess is a process of this host that is an agent's program.
type AgentProcess struct {
	PID     int
	Agent   string // its name, as in mods-enabled
	Command string // its command line
}

// String describes the process in few words.
func (p AgentProcess) String() string { return fmt.Sprintf("process %d (%s)", p.PID, p.Agent) }

// AgentProcesses looks for processes of this host that run from
// <mods>/*/agent/, where mods is usually [Installation.AgentsDir]. A program is
// recognised by the file that it was started from, wherever links lead, and a
// script by the file that its interpreter was given. Processes of other users
// are recognised by their command line alone, unless the caller is root.
//
// The scheduler's own program lies among the agents and is not one of them. A
// process whose --config names another directory than that above mods belongs to
// another installation that shares the programs.
func AgentProcesses(mods string) ([]AgentProcess, error) {
	found, err := moduleProcesses(mods)
	return slices.DeleteFunc(found, AgentProcess.isScheduler), err
}

// schedulerModule is the directory of the scheduler's program in mods-enabled.
const schedulerModule = "scheduler"

func (p AgentProcess) isScheduler() bool { return p.Agent == schedulerModule }

// moduleProcesses finds the processes of agents and of the scheduler.
func moduleProcesses(mods string) ([]AgentProcess, error) {
	programs, err := agentPrograms(mods)
	if err != nil {
		return nil, fmt.Errorf("find agents: %w", err)
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("find agents: %w", err)
	}
	var found []AgentProcess
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		// A process may end while it is looked at; then nothing can be read,
		// and it counts no more.
		proc := filepath.Join("/proc", e.Name())
		cmdline, _ := os.ReadFile(filepath.Join(proc, "cmdline"))
		args := strings.Split(strings.TrimRight(string(cmdline), "\x00"), "\x00")
		if name := programs.match(proc, args); name != "" && !ofOther(args, filepath.Dir(mods)) {
			command := string(bytes.ReplaceAll(bytes.TrimRight(cmdline, "\x00"), []byte{0}, []byte{' '}))
			found = append(found, AgentProcess{PID: pid, Agent: name, Command: command})
		}
	}
	return found, nil
}

// ofOther reports whether the arguments of an agent or a scheduler name another
// configuration than this.
func ofOther(args []string, sysconf string) bool {
	for i, arg := range args {
		dir, ok := strings.CutPrefix(arg, "--config=")
		if !ok && (arg == "--config" || arg == "-c") && i+1 < len(args) {
			dir, ok = args[i+1], true
		}
		if !ok {
			continue
		}
		theirs, err := os.Stat(dir)
		ours, err2 := os.Stat(sysconf)
		return err == nil && err2 == nil && theirs.IsDir() && !os.SameFile(theirs, ours)
	}
	return false
}

// agentSet knows the programs of agents by the identity of the file and by the
// directories in which they lie.
type agentSet struct {
	files map[fileID]string // -> name of the agent
	dirs  map[string]string
}

type fileID struct{ dev, ino uint64 }

// agentPrograms reads mods-enabled.
func agentPrograms(mods string) (agentSet, error) {
	set := agentSet{files: map[fileID]string{}, dirs: map[string]string{}}
	entries, err := os.ReadDir(mods)
	if err != nil {
		return set, err
	}
	for _, e := range entries {
		dir := filepath.Join(mods, e.Name(), "agent")
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			continue // not an agent, or one without a program
		}
		set.dirs[dir], set.dirs[real] = e.Name(), e.Name()
		programs, err := os.ReadDir(real)
		if err != nil {
			return set, err
		}
		for _, p := range programs {
			if id, ok := executableID(filepath.Join(real, p.Name())); ok {
				set.files[id] = e.Name()
			}
		}
	}
	return set, nil
}

// match returns the name of the agent that a process is, or "".
func (s agentSet) match(proc string, args []string) string {
	exe := filepath.Join(proc, "exe")
	if id, ok := executableID(exe); ok && s.files[id] != "" {
		return s.files[id]
	}
	// After an upgrade the file may be gone, and its name remains.
	if target, err := os.Readlink(exe); err == nil {
		if name := s.dirs[filepath.Dir(strings.TrimSuffix(target, " (deleted)"))]; name != "" {
			return name
		}
	}
	// The program as it was called; or the script, which is the first argument
	// of its interpreter that is no option.
	for i, arg := range args {
		if i > 0 && strings.HasPrefix(arg, "-") {
			continue
		}
		if name := s.matchPath(proc, arg); name != "" {
			return name
		}
		if i > 0 {
			break
		}
	}
	return ""
}

// matchPath returns the name of the agent whose program a path is.
func (s agentSet) matchPath(proc, path string) string {
	if !strings.Contains(path, "/") {
		return ""
	}
	if !filepath.IsAbs(path) {
		cwd, err := os.Readlink(filepath.Join(proc, "cwd"))
		if err != nil {
			return ""
		}
		path = filepath.Join(cwd, path)
	}
	name := s.dirs[filepath.Dir(filepath.Clean(path))]
	if name == "" {
		return ""
	}
	// An editor that has an agent's configuration open is no agent.
	if _, ok := executableID(path); !ok {
		if _, err := os.Stat(path); err == nil {
			return ""
		}
	}
	return name
}

// executableID returns the identity of a regular file that may be executed.
func executableID(path string) (fileID, bool) {
	st, err := os.Stat(path)
	if err != nil || !st.Mode().IsRegular() || st.Mode()&0o111 == 0 {
		return fileID{}, false
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return fileID{}, false
	}
	return fileID{uint64(sys.Dev), sys.Ino}, true
}
