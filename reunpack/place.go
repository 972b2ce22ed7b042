package reunpack

import (
	"errors"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// openPlace opens the directory of a file. There is no way to it through a symbolic
// link, which could lead out of the repository: that is ELOOP or ENOTDIR.
func (t *target) openPlace(path string) (int, error) {
	dir := filepath.Dir(path)
	for !t.noOpenat2.Load() {
		fd, err := unix.Openat2(t.fd, dir, &unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
			Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS})
		switch {
		case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM): // before Linux 5.6, or in a container that does not know it
			t.noOpenat2.Store(true)
		case !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR): // else somebody renames something at this moment
			return fd, err
		}
	}
	return t.walkTo(dir)
}

// walkTo does the same, one directory after another.
func (t *target) walkTo(dir string) (int, error) {
	at := t.fd
	for name := range strings.SplitSeq(dir, "/") {
		fd, err := unix.Openat(at, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if at != t.fd {
			unix.Close(at)
		}
		if err != nil {
			return -1, err
		}
		at = fd
	}
	return at, nil
}
