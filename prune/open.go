package prune

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// openRepository opens the directory below which plans and deeds look for files, so that
// all of them are in the same one, whatever becomes of its name meanwhile.
func openRepository(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &fs.PathError{Op: "open repository", Path: path, Err: err}
	}
	return fd, nil
}

// openFile opens a file to read it, without setting the time at which that was done last,
// if that is our right.
func openFile(dir int, name string) (int, error) {
	const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
	fd, err := unix.Openat(dir, name, flags|unix.O_NOATIME, 0)
	if errors.Is(err, unix.EPERM) { // somebody else's
		fd, err = unix.Openat(dir, name, flags, 0)
	}
	return fd, err
}

// unlike says why a file stays that cannot be opened.
func unlike(err error) Reason {
	switch {
	case errors.Is(err, unix.ENOENT):
		return Gone
	case errors.Is(err, unix.ELOOP), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.EXDEV):
		return Changed
	}
	return Unreadable
}
