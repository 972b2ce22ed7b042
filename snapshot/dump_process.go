package snapshot

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// toolGrace is how long a tool that was told to end may take before it is killed.
const toolGrace = 10 * time.Second

// A process is a tool at work, in a process group of its own. When the context ends the group is sent SIGTERM, and after
// the grace SIGKILL. When the tool has ended, however it did, what it left behind in its group is killed. If repotool itself is
// killed, the kernel kills the tool; what the tool started then ends at its next word to nobody, by SIGPIPE.
type process struct {
	*exec.Cmd
	ended chan struct{}
}

// command makes the process.
func (t *pgTool) command(ctx context.Context) *process {
	cmd := exec.CommandContext(ctx, t.path, t.args...)
	cmd.Env = t.env
	cmd.Stderr = &t.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM); err != syscall.ESRCH {
			return err
		}
		return os.ErrProcessDone
	}
	// After it, Wait kills the tool and reads its output no longer.
	if cmd.WaitDelay = t.grace; t.grace == 0 {
		cmd.WaitDelay = toolGrace
	}
	return &process{cmd, make(chan struct{})}
}

// Start starts the tool. The kernel takes the end of the thread that started it for our end, and Go ends threads when it
// likes, so one is kept until the tool has ended.
func (p *process) Start() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.Cmd.Start()
		started <- err
		if err == nil {
			<-p.ended
		}
	}()
	return <-started
}

// Wait waits for the end of the tool, and ends what it left behind. It does so before it buries the tool: as long as
// that is a zombie no other process or group has its number.
func (p *process) Wait() error {
	for unix.Waitid(unix.P_PID, p.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	syscall.Kill(-p.Process.Pid, syscall.SIGKILL)
	err := p.Cmd.Wait()
	close(p.ended)
	return err
}

// Run is Start and Wait.
func (p *process) Run() error {
	if err := p.Start(); err != nil {
		return err
	}
	return p.Wait()
}
