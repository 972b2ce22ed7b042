package repotest

import (
	"flag"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Again is a command that runs one test of the calling test's program by itself. What that
// leaves in its temporary directory when it is killed goes with the calling test.
func Again(t testing.TB, name string, env ...string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	return again(t, "^"+name+"$", slices.Concat([]string{"TMPDIR=" + dir, "GOTMPDIR=" + dir}, env))
}

func again(t testing.TB, run string, env []string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+run, "-test.v")
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
	run := "^" + t.Name() + "$"
	wanted := flag.Lookup("test.run").Value.String()
	if _, subtests, ok := strings.Cut(wanted, "/"); ok && !strings.Contains(wanted, "|") {
		run += "/" + subtests // those alone that are wanted
	}
	cmd := again(t, run, []string{"ALONE=" + t.Name()}) // as another user, it may write where all may
	cmd.SysProcAttr = attr
	cmd.Stdout = t.Output() // seen with -v while it runs, and if it fails
	cmd.Stderr = cmd.Stdout
	if err := cmd.Run(); err != nil {
		t.Fatalf("alone (a mount namespace wants root, or user namespaces): %v", err)
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
