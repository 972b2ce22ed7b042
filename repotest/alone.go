package repotest

import (
	"context"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Again is a command that runs one test of the calling test's program by itself.
func Again(ctx context.Context, name string, env ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+name+"$", "-test.v")
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

// Alone runs the calling test by itself in another process, because it changes
// what a process has but once: its user, its mounts, its system calls. It says
// whether this is that process.
func Alone(t testing.TB, attr *syscall.SysProcAttr) bool {
	t.Helper()
	if os.Getenv("ALONE") == t.Name() {
		return true
	}
	cmd := Again(t.Context(), t.Name(), "ALONE="+t.Name())
	cmd.SysProcAttr = attr
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("alone (a mount namespace wants root, or user namespaces): %v\n%s", err, out)
	}
	return false
}

// OwnMounts gives a process a mount namespace; an ordinary user needs a user
// namespace for that.
func OwnMounts() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// Tmpfs mounts a file system in memory, with options as mount(8) takes them, until
// the end of the test. It takes [OwnMounts].
func Tmpfs(t testing.TB, options string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Fatalf("mount a tmpfs: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}
