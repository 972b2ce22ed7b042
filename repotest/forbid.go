package repotest

import (
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// third is where a filter finds the low half of a call's third argument, on a
// machine with the low half first (seccomp_data in linux/seccomp.h).
const third = 16 + 2*8

// Forbid makes a system call fail for the rest of the process (seccomp(2)): so
// a test plays a file system that lacks something. With flags only calls fail
// that have one of them in their third argument. Call it in a process that runs
// one test alone.
func Forbid(t testing.TB, call, flags uint32, with unix.Errno) {
	t.Helper()
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	unless := func(op uint16, k uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | op | unix.BPF_K, K: k, Jf: skip}
	}
	answer := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }
	filter := []unix.SockFilter{load(0), unless(unix.BPF_JEQ, call, 1)}
	if flags != 0 {
		filter = []unix.SockFilter{load(0), unless(unix.BPF_JEQ, call, 3), load(third), unless(unix.BPF_JSET, flags, 1)}
	}
	filter = append(filter, answer(unix.SECCOMP_RET_ERRNO|uint32(with)), answer(unix.SECCOMP_RET_ALLOW))
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog))); errno != 0 {
		t.Fatal(errno)
	}
}
