package repotest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Faults are planned where they happen: at the system calls of the real program, on a real
// file system, without a seam in it. The program is started behind a filter (seccomp(2))
// that asks this process about each call which changes a file; it counts those below some
// directories, and at the n-th one kills the program, or has the call fail.

// A Fault is one that is planned.
type Fault struct {
	At   int64      // the n-th change; 0: none, they are counted only
	Kill bool       // the program is killed before it happens
	With unix.Errno // else the call fails with it
	// Short: only writes count, and the n-th writes half of what it is given, and says so.
	Short bool
	Then  func() // is called at that moment, while the program waits
}

func (f Fault) String() string {
	if f.Kill {
		return fmt.Sprintf("killed at change %d", f.At)
	}
	if f.Short {
		return fmt.Sprintf("write %d is short", f.At)
	}
	return fmt.Sprintf("%v at change %d", f.With, f.At)
}

// A FaultyRun is what became of a program.
type FaultyRun struct {
	Changes int64  // that it made, or tried
	Fired   bool   // the fault has happened
	What    string // where: the call and the path
	Exit    int    // -1: it was killed
	Output  string
}

// faultPatience is how long a program may take with a fault, on a busy machine.
const faultPatience = 20 * time.Minute

// faultLauncher is the name under which a test's binary starts a program behind the filter.
const faultLauncher = "repotest-faulty"

// FaultLauncher is for testscript.Main.
func FaultLauncher() (name string, main func()) { return faultLauncher, launch }

// launch is the process that becomes the program.
func launch() {
	runtime.LockOSThread()
	fd, err := listen()
	if err == nil {
		err = unix.Sendmsg(3, []byte{0}, unix.UnixRights(fd), nil, 0)
	}
	if err == nil {
		unix.Close(fd)
		unix.CloseOnExec(3)
		err = unix.Exec(os.Args[1], os.Args[1:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, faultLauncher, err)
	os.Exit(70)
}

// changing are the calls that change files, and where their path is: the argument with a
// descriptor, and that with a path, -1 for none.
var changing = map[uint32]struct {
	name     string
	fd, path int
}{
	unix.SYS_OPENAT: {"open", 0, 1}, unix.SYS_MKDIRAT: {"mkdir", 0, 1}, unix.SYS_UNLINKAT: {"unlink", 0, 1}, unix.SYS_SYMLINKAT: {"symlink", 1, 2},
	unix.SYS_LINKAT: {"link", 2, 3}, unix.SYS_RENAMEAT: {"rename", 2, 3}, unix.SYS_RENAMEAT2: {"rename", 2, 3}, unix.SYS_MKNODAT: {"mknod", 0, 1},
	unix.SYS_FCHMODAT: {"chmod", 0, 1}, unix.SYS_FCHOWNAT: {"chown", 0, 1}, unix.SYS_UTIMENSAT: {"utimens", 0, 1},
	unix.SYS_WRITE: {"write", 0, -1}, unix.SYS_PWRITE64: {"pwrite", 0, -1}, unix.SYS_FTRUNCATE: {"truncate", 0, -1}, unix.SYS_FCHMOD: {"chmod", 0, -1},
	unix.SYS_FCHOWN: {"chown", 0, -1}, unix.SYS_FSYNC: {"fsync", 0, -1}, unix.SYS_FDATASYNC: {"fdatasync", 0, -1}, unix.SYS_SYNCFS: {"syncfs", 0, -1},
	unix.SYS_COPY_FILE_RANGE: {"copy_file_range", 2, -1}, unix.SYS_FALLOCATE: {"fallocate", 0, -1},
}

// listen filters this process, and returns where its calls are asked about.
func listen() (int, error) {
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	ask := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF}
	allow := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}
	jump := func(op uint16, k uint32, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | op | unix.BPF_K, K: k, Jf: no}
	}
	filter := []unix.SockFilter{load(0)}
	for call := range changing {
		if call == unix.SYS_OPENAT { // only what makes or empties a file
			continue
		}
		filter = append(filter, jump(unix.BPF_JEQ, call, 1), ask)
	}
	const makes = unix.O_CREAT | unix.O_TRUNC | unix.O_TMPFILE&^unix.O_DIRECTORY
	filter = append(filter, jump(unix.BPF_JEQ, unix.SYS_OPENAT, 3), load(third), jump(unix.BPF_JSET, makes, 1), ask, allow)
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return -1, err
	}
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// RunFaulty runs a program with a fault below some directories, whose paths are absolute.
// It is given another name's dir by the tests that use it: program is its path.
func RunFaulty(t testing.TB, f Fault, roots []string, program string, args ...string) FaultyRun {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	theirs := os.NewFile(uintptr(pair[1]), "pair")
	launcher, err := exec.LookPath(faultLauncher)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(launcher, append([]string{program}, args...)...)
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	s := &supervisor{fault: f, roots: roots, group: cmd.Process.Pid, done: make(chan struct{})}
	if s.fd, err = receive(pair[0]); err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		t.Fatalf("%v: %s", err, out.String())
	}
	ended := make(chan error)
	go func() { ended <- s.serve() }()
	watch := time.AfterFunc(faultPatience, func() { syscall.Kill(-s.group, syscall.SIGKILL) })
	err = cmd.Wait()
	late := !watch.Stop()
	syscall.Kill(-s.group, syscall.SIGKILL) // children that it may have left
	close(s.done)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	unix.Close(s.fd)
	if late {
		t.Fatalf("it did not end within %v: %v: %s", faultPatience, f, out.String())
	}
	r := FaultyRun{Changes: s.n, Fired: s.fired, What: s.what, Output: out.String()}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		r.Exit = exit.ExitCode()
	} else if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return r
}

// receive gets the descriptor that a launcher sends.
func receive(fd int) (int, error) {
	oob := make([]byte, unix.CmsgSpace(4))
	n, on, _, _, err := unix.Recvmsg(fd, make([]byte, 1), oob, 0)
	if err != nil || n == 0 {
		return -1, errors.Join(errors.New("the launcher sent nothing"), err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:on])
	if err != nil || len(messages) != 1 {
		return -1, errors.Join(errors.New("the launcher sent no descriptor"), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return -1, errors.Join(errors.New("the launcher sent no descriptor"), err)
	}
	return fds[0], nil
}
