package snapshot

import (
	"context"
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"repotool/store"
)

// create opens a new file without a name near path, or where the file system
// has no such thing one whose name a snapshot passes over (*.I).
func (w *fileWriter) create(path string, mode uint32) (fd int, name string, err error) {
	dir := orDot(path[:max(0, strings.LastIndexByte(path, '/'))])
	if !w.noTmp {
		fd, err = store.OpenUnnamed(w.fd, dir, mode)
		if !errors.Is(err, store.ErrNoUnnamed) {
			return fd, "", err
		}
		w.noTmp = true
	}
	name = w.tmpName(path)
	fd, err = unix.Openat(w.fd, name, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	return fd, name, err
}

// tmpName is a free name beside path for what is not complete. A restore that
// is killed may leave it; the next one has to put the same file right, and
// removes it here.
func (w *fileWriter) tmpName(path string) string {
	i := strings.LastIndexByte(path, '/') + 1
	base := path[i:]
	name := path[:i] + ".repotool-" + base[:min(len(base), 200)] + ".I" // a name has 255 bytes at most
	unix.Unlinkat(w.fd, name, 0)
	return name
}

// symlink makes a symbolic link; what is there is replaced at once.
func (w *fileWriter) symlink(e *Entry, there bool) error {
	if !there {
		return unix.Symlinkat(e.Target, w.fd, e.Path)
	}
	name := w.tmpName(e.Path)
	if err := unix.Symlinkat(e.Target, w.fd, name); err != nil {
		return err
	}
	return w.rename(name, e.Path)
}

func (w *fileWriter) rename(name, path string) error {
	err := unix.Renameat(w.fd, name, w.fd, path)
	if err != nil {
		unix.Unlinkat(w.fd, name, 0)
	}
	return err
}

// place gives a complete file its name; what is there is replaced at once.
func (w *fileWriter) place(fd int, name, path string, there bool) error {
	if !there && name == "" {
		err := store.LinkUnnamed(fd, w.fd, path)
		if !errors.Is(err, unix.EEXIST) {
			return err
		}
	}
	if name == "" {
		name = w.tmpName(path)
		if err := store.LinkUnnamed(fd, w.fd, name); err != nil {
			return err
		}
	}
	return w.rename(name, path)
}

// link makes a further name of a restored file; where that fails, a copy.
func (w *fileWriter) link(ctx context.Context, from string, e *Entry) error {
	if w.o.Plan || w.lacks[from] || w.sameFile(from, e.Path) || w.mkdirFor(e.Path) != nil {
		return w.restore(ctx, e) // which says what is wrong
	}
	there, _ := w.present(ctx, e)
	name := w.tmpName(e.Path)
	err := unix.Linkat(w.fd, from, w.fd, name, 0)
	if err == nil {
		err = w.rename(name, e.Path)
	}
	if err != nil {
		return w.restore(ctx, e)
	}
	w.count.files.Add(1)
	w.count.bytes.Add(e.Size)
	w.count.linked.Add(1)
	w.wrote(e, there)
	return nil
}

func (w *fileWriter) sameFile(a, b string) bool {
	var x, y unix.Stat_t
	return unix.Fstatat(w.fd, a, &x, unix.AT_SYMLINK_NOFOLLOW) == nil &&
		unix.Fstatat(w.fd, b, &y, unix.AT_SYMLINK_NOFOLLOW) == nil && x.Ino == y.Ino && x.Dev == y.Dev
}
