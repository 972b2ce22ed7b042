package store

import (
	"errors"

	"golang.org/x/sys/unix"
)

// OpenUntouched opens a file for reading so that not even its access time changes.
// It follows no link and waits for no fifo.
func OpenUntouched(dirfd int, path string) (fd int, err error) {
	const flags = unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NOFOLLOW | unix.O_NONBLOCK
	fd, err = unix.Openat(dirfd, path, flags|unix.O_NOATIME, 0)
	if errors.Is(err, unix.EPERM) {
		// Only a file's owner and root may ask for it.
		fd, err = unix.Openat(dirfd, path, flags, 0)
	}
	return fd, err
}

// IsDiskFault says whether an error means that a disk, or the file system on it,
// does not give back what was written.
func IsDiskFault(err error) bool {
	return errors.Is(err, unix.EIO) || errors.Is(err, unix.EUCLEAN) || errors.Is(err, unix.EBADMSG)
}
