package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Usage is what the system says of finished processes.
type Usage struct {
	Wall float64 `json:"wall"` // seconds
	CPU  float64 `json:"cpu"`  // seconds, user and system, of all descendants
	RSS  int64   `json:"rss"`  // bytes, largest resident set of one process; see Floor
	// Floor is what RSS cannot be below: if both are the same, RSS is a limit, no figure.
	Floor int64 `json:"floor"`
}

// Space is what a place holds.
type Space struct {
	Bytes  int64 `json:"bytes"`
	Inodes int64 `json:"inodes"`
}

// Sample is one step of one contestant, measured once.
type Sample struct {
	Usage
	Parts   []Usage `json:"parts,omitempty"`   // of each command, if there are several
	Settle  float64 `json:"settle"`            // seconds that a syncfs takes afterwards: what the commands left in memory only
	Added   Space   `json:"added"`             // by statfs of the file system: what others do there is in it
	Walked  Space   `json:"walked"`            // what du finds in the directory of the measurement; added
	Failure string  `json:"failure,omitempty"` // why the other fields mean nothing
}

// Command is a program with its arguments.
type Command struct {
	Args []string `json:"args"`
	Dir  string   `json:"dir,omitempty"`
	Env  []string `json:"env,omitempty"`
}

// inherited are the variables that a command gets of ours. No other one: those of repotool,
// restic, borg or PostgreSQL name what somebody really has, and change what is measured.
var inherited = []string{"PATH", "HOME", "TMPDIR", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ"}

// surroundings are those variables.
func surroundings() (env []string) {
	for _, name := range inherited {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// String returns the command as one would type it.
func (c Command) String() string { return ShellLine(c.Args) }

// Run runs a command to its end. A resident set is never reported smaller than that of the
// process that measures ([ownMemory]): the system hands it on to the child.
func (c Command) Run(ctx context.Context) (Usage, error) {
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Dir = c.Dir
	cmd.Env = append(surroundings(), c.Env...)
	var tail tailBuffer
	cmd.Stdout, cmd.Stderr = &tail, &tail
	start := time.Now()
	err := runGroup(cmd)
	u := Usage{Wall: time.Since(start).Seconds()}
	if state := cmd.ProcessState; state != nil {
		u.CPU = (state.UserTime() + state.SystemTime()).Seconds()
		u.RSS = state.SysUsage().(*syscall.Rusage).Maxrss << 10
		if u.Floor = ownMemory(); u.RSS < u.Floor {
			u.Floor = u.RSS // ours has grown since
		}
	}
	if err != nil {
		return u, fmt.Errorf("%s: %w: %s", c, err, strings.TrimSpace(string(tail)))
	}
	return u, nil
}

// ownMemory is the largest resident set of this process so far, in bytes.
func ownMemory() int64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Maxrss << 10
}

// tailBuffer keeps the last 2000 bytes, enough to see why a program ended.
type tailBuffer []byte

func (b *tailBuffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	if n := len(*b); n > 2000 {
		*b = append((*b)[:0], (*b)[n-2000:]...)
	}
	return len(p), nil
}

// Settle writes back what earlier work left in memory.
func Settle(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}

func (s Space) minus(t Space) Space { return Space{s.Bytes - t.Bytes, s.Inodes - t.Inodes} }

// plus sums usages; the resident set is the larger one.
func (u Usage) plus(v Usage) Usage {
	return Usage{Wall: u.Wall + v.Wall, CPU: u.CPU + v.CPU, RSS: max(u.RSS, v.RSS), Floor: max(u.Floor, v.Floor)}
}

// measure runs the commands of a step.
func (r *runner) measure(ctx context.Context, target string, commands []Command) Sample {
	var s Sample
	all := filepath.Dir(target) // what is pruned or restored lies beside it
	fail := func(err error) Sample { return Sample{Failure: err.Error()} }
	if err := Settle(target); err != nil {
		return fail(err)
	}
	before, err := used(target)
	if err != nil {
		return fail(err)
	}
	walkedBefore, err := walked(ctx, all)
	if err != nil {
		return fail(err)
	}
	if r.opt.Cold { // the walk has read the directories
		if err := dropCaches(); err != nil {
			return fail(err)
		}
	}
	for _, cmd := range commands {
		u, err := cmd.Run(ctx)
		if err != nil {
			return fail(err)
		}
		s.Usage = s.Usage.plus(u)
		if len(commands) > 1 {
			s.Parts = append(s.Parts, u)
		}
	}
	start := time.Now()
	if err := Settle(target); err != nil {
		return fail(err)
	}
	s.Settle = time.Since(start).Seconds()
	after, err := used(target)
	if err != nil {
		return fail(err)
	}
	walkedAfter, err := walked(ctx, all)
	if err != nil {
		return fail(err)
	}
	s.Added, s.Walked = after.minus(before), walkedAfter.minus(walkedBefore)
	return s
}

// dropCaches has the system forget what it has read.
func dropCaches() error {
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3\n"), 0); err != nil {
		return fmt.Errorf("drop the system's caches, as root may: %w", err)
	}
	return nil
}
