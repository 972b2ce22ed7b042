package unpack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Tools meet hostile bytes, and are written in C. Each runs in a process group of
// its own, within limits of the kernel and of Landlock (confine.go), and dies with
// us. Where the kernel allows it, it sees no network and no process but its own; the
// first of these takes all others with it when it dies. For root it runs as nobody.

const (
	// toolMemory is the address space of one process: 7z wants eleven times the
	// dictionary for its threads, and dictionaries of 64 MB are usual.
	toolMemory = 4 << 30
	// toolProcesses is how many processes and threads a tool may have: dpkg-source
	// has a handful, 7z a thread for each processor.
	toolProcesses = 1024
	// nobody is the user and the group that own nothing.
	nobody = 65534
	// toolWords is how much of what a tool says on stderr is kept for the report.
	toolWords = 2 << 10
	// toolPipes is how long nothing may come out of the pipes of a tool that has ended
	// before they are given up, in case that something it started and that left its
	// group holds them. What is in them may have to wait for a busy machine.
	toolPipes = time.Minute
)

// An exitError says that a tool ended by itself and was not content. What it left
// behind counts, as it does for FOSSology.
type exitError struct {
	tool  string
	code  int
	words string // its own, the last of them
}

func (e *exitError) Error() string {
	s := fmt.Sprintf("%s ended with exit status %d", e.tool, e.code)
	if e.words != "" {
		s += ": " + e.words
	}
	return s
}

// run runs a tool in the directory where, one of the scratch's own. An *exitError
// is a verdict on the input; after any other error what is in the scratch is
// not to be used.
func (s *scratch) run(ctx context.Context, stdout io.Writer, where, name string, args ...string) error {
	s.u.uses(name)
	path, err := tool(name)
	if err != nil {
		return err
	}
	ctx, free := context.WithTimeoutCause(ctx, s.u.limits.Tool, errToolTime)
	defer free()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	c := &child{stderr: &tail{max: toolWords}, ended: make(chan struct{})}
	rules := s.confine(path)
	defer rules.close()
	if err := c.start(ctx, rules, s.u.limits, func() *exec.Cmd { return s.command(ctx, c.stderr, stdout, where, path, args) }); err != nil {
		if context.Cause(ctx) == nil {
			s.u.fail(fmt.Errorf("start %s: %w", name, err))
		}
		return errStop
	}
	watching := make(chan struct{})
	over := make(chan struct{})
	go func() {
		defer close(over)
		s.watch(watching, stop)
	}()
	err = c.wait()
	close(watching)
	<-over
	if err := s.check(); err != nil { // it may have been quicker than the watch
		stop(err)
	}
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%s: %w", name, cause)
	}
	var exit *exec.ExitError
	if err != nil && s.full() {
		s.u.fail(fmt.Errorf("%s in %s: %w", name, s.path, unix.ENOSPC))
		return errStop
	}
	if errors.As(err, &exit) && exit.Exited() {
		return &exitError{name, exit.ExitCode(), c.stderr.String()}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// stream runs a tool and lets use read what it writes. The tool's error comes to
// use as the reader's, and is returned.
func (s *scratch) stream(ctx context.Context, use func(io.Reader) error, name string, args ...string) error {
	r, w, err := os.Pipe()
	if err != nil {
		s.u.fail(fmt.Errorf("start %s: %w", name, err))
		return errStop
	}
	p := &toolPipe{r: r, ended: make(chan struct{})}
	go func() {
		p.err = s.run(ctx, w, scratchOut, name, args...)
		w.Close()
		p.hurry()
		close(p.ended)
	}()
	err = use(p)
	r.Close() // a tool that nobody listens to ends
	<-p.ended
	if err == nil {
		err = p.err
	}
	return err
}

// A toolPipe is what a tool writes. It is read from the kernel's pipe itself, however long
// that takes: os/exec would copy it, and give up what nobody has taken soon after the end.
type toolPipe struct {
	r     *os.File
	ended chan struct{} // closed when the tool has ended
	err   error         // its own, then
}

// hurry limits the wait for more.
func (p *toolPipe) hurry() { p.r.SetReadDeadline(time.Now().Add(toolPipes)) }

func (p *toolPipe) Read(b []byte) (int, error) {
	select {
	case <-p.ended:
		p.hurry()
	default:
	}
	n, err := p.r.Read(b)
	if err == io.EOF || errors.Is(err, os.ErrDeadlineExceeded) {
		if <-p.ended; p.err != nil {
			return n, p.err
		}
		return n, io.EOF
	}
	return n, err
}

// A child is a tool at work.
type child struct {
	cmd    *exec.Cmd
	stderr *tail
	ended  chan struct{} // closed when the tool has ended
	thread sync.WaitGroup
}

func (s *scratch) command(ctx context.Context, stderr, stdout io.Writer, where, path string, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = s.in(where)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "HOME=" + s.in(scratchHome), "TMPDIR=" + s.in(scratchHome)}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.ExtraFiles = s.files
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if s.lent {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	cmd.Cancel = func() error {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != syscall.ESRCH {
			return err
		}
		return os.ErrProcessDone
	}
	cmd.WaitDelay = toolPipes
	return cmd
}

// together is set once the kernel has refused name spaces.
var together atomic.Bool

// apart puts a command into name spaces of its own for networks, processes and what
// these share, which hold nothing. An ordinary user needs one for users, too.
func apart(a *syscall.SysProcAttr) {
	a.Cloneflags = syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC
	if uid, gid := os.Geteuid(), os.Getegid(); uid != 0 {
		a.Cloneflags |= syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
	}
}

// start starts the tool. The kernel takes the end of the thread that started it
// for our end, and Go ends threads when it likes, so one is kept until the tool
// has ended. It is under the rules for tools then, and not of use for anything else.
func (c *child) start(ctx context.Context, rules confinement, limits Limits, command func() *exec.Cmd) error {
	started := make(chan error)
	c.thread.Go(func() {
		runtime.LockOSThread() // never to be unlocked, so that the thread ends
		rules.enter()
		err := errors.ErrUnsupported
		if !together.Load() {
			c.cmd = command()
			apart(c.cmd.SysProcAttr)
			err = c.cmd.Start()
		}
		if err != nil && ctx.Err() == nil {
			c.cmd = command()
			if err = c.cmd.Start(); err == nil {
				together.Store(true)
			}
		}
		if err == nil {
			c.limit(limits)
		}
		started <- err
		if err == nil {
			<-c.ended
		}
	})
	return <-started
}

// limit sets the kernel's limits. A tool that was quick has run some microseconds
// without them; what it starts later has them from the beginning. That a tool is
// gone already is no error. Who runs as nobody is limited by nobody, for without
// one more right root may not do it; the thread has that user from then on.
func (c *child) limit(l Limits) {
	if c.cmd.SysProcAttr.Credential != nil {
		unix.RawSyscall(unix.SYS_SETRESGID, nobody, nobody, nobody)
		unix.RawSyscall(unix.SYS_SETRESUID, nobody, nobody, nobody)
	}
	cpu := uint64(max(l.Tool/time.Second, 1)) * uint64(runtime.NumCPU())
	for resource, n := range map[int]uint64{
		unix.RLIMIT_FSIZE: uint64(l.Member),
		unix.RLIMIT_AS:    toolMemory,
		unix.RLIMIT_CPU:   cpu,
		unix.RLIMIT_CORE:  0,
		unix.RLIMIT_NPROC: toolProcesses,
	} {
		var old unix.Rlimit
		if unix.Prlimit(c.cmd.Process.Pid, resource, nil, &old) == nil {
			n = min(n, old.Max) // more than that may not be asked for
			unix.Prlimit(c.cmd.Process.Pid, resource, &unix.Rlimit{Cur: n, Max: n}, nil)
		}
	}
}

// wait waits for the end of the tool, and ends what it left behind. It does so
// before it buries the tool: as long as that is a zombie no other group has its
// number.
func (c *child) wait() error {
	for unix.Waitid(unix.P_PID, c.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	err := c.cmd.Wait()
	close(c.ended)
	c.thread.Wait()
	return err
}

// A tail keeps the last of what is written to it.
type tail struct {
	max int
	b   []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.b = append(t.b, b[max(0, len(b)-t.max):]...)
	t.b = t.b[max(0, len(t.b)-t.max):]
	return len(b), nil
}

// String is the text on one line.
func (t *tail) String() string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(t.b), "?")), " ")
}
