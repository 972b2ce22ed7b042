package store

import (
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// ErrNoUnnamed means that a file system has no files without a name.
var ErrNoUnnamed = errors.New("the file system has no unnamed files (O_TMPFILE)")

// OpenUnnamed opens a new file that has no name yet, for reading and writing, on
// the file system of a directory. It vanishes with its descriptor unless
// [LinkUnnamed] gives it a name: a killed process leaves nothing.
func OpenUnnamed(dirfd int, dir string, mode uint32) (fd int, err error) {
	fd, err = unix.Openat(dirfd, dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, mode)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) || errors.Is(err, unix.EINVAL) {
		return -1, ErrNoUnnamed
	}
	return fd, err
}

// linkByProc remembers that this process may not link by descriptor alone.
var linkByProc atomic.Bool

// LinkUnnamed gives an unnamed file a name. What is there already is left
// alone: that is EEXIST.
func LinkUnnamed(fd, dirfd int, path string) error {
	if !linkByProc.Load() {
		err := unix.Linkat(fd, "", dirfd, path, unix.AT_EMPTY_PATH)
		if !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EPERM) {
			return err
		}
	}
	err := unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), dirfd, path, unix.AT_SYMLINK_FOLLOW)
	if err == nil {
		linkByProc.Store(true) // not our right: go by /proc as open(2) advises
	}
	return err
}
