package reunpack

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// workPrefix begins the names of what is not complete, workSuffix ends them: FOSSology
// and snapshots pass over *.I. They stand at the top of files, where no program of
// FOSSology looks for content.
const (
	workPrefix = ".repotool-reunpack-"
	workSuffix = ".I"
)

// A blank is a new file that has no Name yet.
type blank struct {
	fd   int
	work string // its name, where the file system wants one
}

// create opens a new file on the file system of the target.
func (t *target) create() (*blank, error) {
	if !t.noUnnamed.Load() {
		fd, err := unix.Openat(t.fd, ".", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
		switch {
		case err == nil:
			return &blank{fd: fd}, nil
		case !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EISDIR) && !errors.Is(err, unix.EINVAL):
			return nil, &pathError{"make a file in", t.top, err}
		}
		t.noUnnamed.Store(true)
	}
	name := t.workName()
	atStep()
	fd, err := unix.Openat(t.fd, name, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, &pathError{"make", filepath.Join(t.top, name), err}
	}
	// Held as long as it is open: who tidies up knows that somebody is at it.
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		unix.Close(fd)
		unix.Unlinkat(t.fd, name, 0)
		return nil, &pathError{"lock", filepath.Join(t.top, name), err}
	}
	return &blank{fd, name}, nil
}

// workName is a name that nobody else uses.
func (t *target) workName() string {
	return fmt.Sprintf("%s%d-%d%s", workPrefix, unix.Getpid(), t.count.Add(1), workSuffix)
}

// discard lets go of a file, which is gone then if it was given no Name.
func (t *target) discard(b *blank) {
	unix.Close(b.fd)
	if b.work != "" {
		unix.Unlinkat(t.fd, b.work, 0)
	}
}

// link gives a file its name in a directory. What is there stays: that is EEXIST.
func (t *target) link(b *blank, dir int, name string) error {
	if b.work != "" {
		return unix.Linkat(t.fd, b.work, dir, name, 0)
	}
	if !t.byProc.Load() {
		err := unix.Linkat(b.fd, "", dir, name, unix.AT_EMPTY_PATH)
		if !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EPERM) {
			return err
		}
	}
	err := unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", b.fd), dir, name, unix.AT_SYMLINK_FOLLOW)
	if err == nil {
		t.byProc.Store(true) // not our right: by /proc, as open(2) advises
	}
	return err
}

// tidy removes what killed runs left, wherever files are.
func (r *run) tidy() error {
	tops, err := r.source.Repository.Tops()
	if err != nil {
		return err
	}
	for _, top := range tops {
		if filepath.Base(top) != "files" {
			continue
		}
		t := &target{top: filepath.Join(r.source.Repository.Path, top)}
		if t.fd, err = unix.Open(t.top, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
			return &pathError{"open", t.top, err}
		}
		err = t.tidy()
		unix.Close(t.fd)
		if err != nil {
			return err
		}
	}
	return nil
}

// tidy removes what killed runs left at one host. What a run has at this moment is locked, or is
// a directory that is not empty for longer than the run needs to rename it.
func (t *target) tidy() error {
	names, err := readNames(t.top)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, workPrefix) || !strings.HasSuffix(name, workSuffix) {
			continue
		}
		fd, err := unix.Openat(t.fd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			continue // gone, or not ours
		}
		if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == nil {
			if unix.Unlinkat(t.fd, name, 0) != nil {
				unix.Unlinkat(t.fd, name, unix.AT_REMOVEDIR)
			}
		}
		unix.Close(fd)
	}
	return nil
}
