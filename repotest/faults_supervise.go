package repotest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A supervisor answers for each call whether it goes on.
type supervisor struct {
	fd    int
	fault Fault
	roots []string
	group int
	done  chan struct{}
	n     int64
	fired bool
	what  string
}

// notification is struct seccomp_notif, answer struct seccomp_notif_resp (linux/seccomp.h).
type notification struct {
	id    uint64
	pid   uint32
	flags uint32
	call  uint32
	arch  uint32
	at    uint64
	args  [6]uint64
}

type answer struct {
	id    uint64
	value int64
	err   int32
	flags uint32
}

const goesOn = 1 // SECCOMP_USER_NOTIF_FLAG_CONTINUE

func (s *supervisor) serve() error {
	for {
		poll := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}
		_, err := unix.Poll(poll, 50)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if poll[0].Revents&unix.POLLIN == 0 {
			select {
			case <-s.done:
				return nil
			default:
				continue
			}
		}
		var n notification
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(s.fd), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&n)))
		if errno == unix.ENOENT || errno == unix.EINTR { // who asked is no more
			continue
		}
		if errno != 0 {
			return errno
		}
		a := answer{id: n.id, flags: goesOn}
		if s.counts(&n) && s.n == s.fault.At {
			s.fired = true
			if s.fault.Then != nil {
				s.fault.Then()
			}
			if s.fault.Kill {
				syscall.Kill(-s.group, syscall.SIGKILL)
				continue
			}
			a.flags, a.err = 0, -int32(s.fault.With)
			if s.fault.Short {
				if a.value, a.err, err = half(&n); err != nil {
					return err
				}
			}
		}
		unix.Syscall(unix.SYS_IOCTL, uintptr(s.fd), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&a))) // it may be no more
	}
}

// counts says whether a call changes something below the roots, and counts it.
func (s *supervisor) counts(n *notification) bool {
	if s.fault.Short && (n.call != unix.SYS_WRITE && n.call != unix.SYS_PWRITE64 || n.args[2] < 2) {
		return false
	}
	c := changing[n.call]
	path := fmt.Sprintf("/proc/%d/fd/%d", n.pid, int32(n.args[c.fd]))
	if int32(n.args[c.fd]) == unix.AT_FDCWD {
		path = fmt.Sprintf("/proc/%d/cwd", n.pid)
	}
	dir, err := os.Readlink(path)
	if c.path >= 0 {
		name := text(int(n.pid), uintptr(n.args[c.path]))
		if filepath.IsAbs(name) {
			dir, err = name, nil
		} else {
			dir = filepath.Join(dir, name)
		}
	}
	if err != nil {
		return false
	}
	for _, root := range s.roots {
		if dir == root || strings.HasPrefix(dir, root+"/") {
			if s.n++; s.n == s.fault.At {
				s.what = c.name + " " + dir
			}
			return true
		}
	}
	return false
}

// half writes the first half of what a write of another process is given, into its file.
func half(n *notification) (written int64, failed int32, err error) {
	group, err := leader(n.pid)
	if err != nil {
		return 0, 0, err
	}
	process, err := unix.PidfdOpen(group, 0)
	if err != nil {
		return 0, 0, fmt.Errorf("open process: %w", err)
	}
	defer unix.Close(process)
	fd, err := unix.PidfdGetfd(process, int(int32(n.args[0])), 0)
	if err != nil {
		return 0, 0, fmt.Errorf("take its descriptor: %w", err)
	}
	defer unix.Close(fd)
	b := make([]byte, n.args[2]/2)
	local := []unix.Iovec{{Base: &b[0], Len: uint64(len(b))}}
	if _, err := unix.ProcessVMReadv(int(n.pid), local, []unix.RemoteIovec{{Base: uintptr(n.args[1]), Len: len(b)}}, 0); err != nil {
		return 0, 0, fmt.Errorf("read what it writes: %w", err)
	}
	size, err := 0, error(nil)
	if n.call == unix.SYS_WRITE {
		size, err = unix.Write(fd, b)
	} else {
		size, err = unix.Pwrite(fd, b, int64(n.args[3]))
	}
	var errno unix.Errno
	if errors.As(err, &errno) {
		return 0, -int32(errno), nil
	}
	return int64(size), 0, err
}

// leader is the process that a thread belongs to.
func leader(thread uint32) (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", thread))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), "\nTgid:")
	line, _, _ := strings.Cut(rest, "\n")
	return strconv.Atoi(strings.TrimSpace(line))
}

// text reads a string of another process.
func text(pid int, at uintptr) string {
	if at == 0 {
		return ""
	}
	b := make([]byte, 4096)
	local := []unix.Iovec{{Base: &b[0], Len: uint64(len(b))}}
	n := 0
	for size := len(b); size > 0 && n <= 0; size /= 2 { // it may end at a page that is not there
		local[0].Len = uint64(size)
		n, _ = unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: at, Len: size}}, 0)
	}
	if n <= 0 {
		return ""
	}
	s, _, _ := bytes.Cut(b[:n], []byte{0})
	return string(s)
}
