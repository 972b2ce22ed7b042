package bench

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// groupGrace is how long a command that was told to end may take before it is killed.
const groupGrace = 10 * time.Second

// runGroup runs a command in a process group of its own. When its context ends the group is
// sent SIGTERM, and the command, after the grace, SIGKILL. What it left behind in its group is
// killed, before the command is buried: as long as that is a zombie no other group has its
// number.
func runGroup(cmd *exec.Cmd) error {
	runtime.LockOSThread() // the kernel takes the end of the thread that started it for our end
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM); err != syscall.ESRCH {
			return err
		}
		return os.ErrProcessDone
	}
	cmd.WaitDelay = groupGrace
	if err := cmd.Start(); err != nil {
		return err
	}
	for unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	return cmd.Wait()
}
