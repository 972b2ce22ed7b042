package fossology

import (
	"errors"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// noOpenat2: the kernel is older than Linux 5.6, or a container does not know the call.
var noOpenat2 atomic.Bool

// OpenBeneath opens a directory, by its path below another one that is open, without
// going through a symbolic link, which could lead out of the repository: that is ELOOP
// or ENOTDIR. What it returns is good for calls that begin at a directory (O_PATH).
func OpenBeneath(top int, dir string) (int, error) {
	for !noOpenat2.Load() {
		fd, err := unix.Openat2(top, dir, &unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
			Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS})
		switch {
		case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
			noOpenat2.Store(true)
		case !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR): // else somebody renames something at this moment
			return fd, err
		}
	}
	at := top
	for name := range strings.SplitSeq(dir, "/") {
		fd, err := unix.Openat(at, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if at != top {
			unix.Close(at)
		}
		if err != nil {
			return -1, err
		}
		at = fd
	}
	return at, nil
}
