package snapshot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"repotool/store"
)

// wholeFile is up to which size a file is read whole before it is written.
const wholeFile = 1 << 20

// A fileWriter writes files of a restore. It belongs to one goroutine.
type fileWriter struct {
	*restorer
	buf   []byte
	last  string // directory that is known to be there
	fresh bool   // last was made by this writer: nothing of the snapshot is in it yet
	noTmp bool   // the target has no unnamed files
	dev   uint64 // file system of the last file
}

func newFileWriter(r *restorer) *fileWriter {
	return &fileWriter{restorer: r, buf: make([]byte, wholeFile+1)}
}

// restore brings one file or link back.
func (w *fileWriter) restore(ctx context.Context, e *Entry) error {
	w.count.files.Add(1)
	w.count.bytes.Add(e.Size)
	w.o.Progress.Files.Add(1)
	w.o.Progress.Bytes.Add(e.Size)
	if !w.o.Plan {
		if err := w.mkdirFor(e.Path); err != nil {
			return w.wrong(e, err)
		}
	}
	there, right := w.present(ctx, e)
	if right {
		w.count.kept.Add(1)
		if !w.o.Plan {
			w.setMeta(e)
		}
		return nil
	}
	if !w.o.Plan {
		if err := w.write(ctx, e, there); err != nil {
			return w.wrong(e, err)
		}
	}
	w.wrote(e, there)
	return nil
}

// wrong turns what concerns one file alone into a finding, and everything else
// into an error that ends the restore.
func (w *fileWriter) wrong(e *Entry, err error) error {
	var damage *store.DamagedError
	var source *store.SourceError
	switch {
	case errors.As(err, &damage), errors.Is(err, store.ErrNoObject), errors.As(err, &source) && errors.Is(err, unix.EIO):
		w.count.damaged.Add(1)
		w.o.Findings.Add(StoreDamaged, e.Path, "not restored: "+err.Error())
	case errors.Is(err, unix.EISDIR), errors.Is(err, unix.ENOTDIR):
		w.o.Findings.Add(InTheWay, e.Path, "not restored: "+err.Error())
	default:
		return fmt.Errorf("%s: %w", e.Path, err)
	}
	return nil
}

func (w *fileWriter) wrote(e *Entry, there bool) {
	w.count.newBytes.Add(e.Size)
	if there {
		w.count.replaced.Add(1)
	} else {
		w.count.written.Add(1)
	}
}

// present says whether there is something at the entry's path, and whether it
// is right: for a file that means its bytes, read and hashed.
func (w *fileWriter) present(ctx context.Context, e *Entry) (there, right bool) {
	if w.fd < 0 || w.fresh {
		return false, false
	}
	if e.Kind == Symlink {
		n, err := unix.Readlinkat(w.fd, e.Path, w.buf)
		return err == nil || errors.Is(err, unix.EINVAL), err == nil && string(w.buf[:n]) == e.Target
	}
	fd, err := unix.Openat(w.fd, e.Path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return !errors.Is(err, unix.ENOENT), false
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size != e.Size {
		return true, false
	}
	got, _, err := store.HashFD(ctx, fd, w.buf)
	return true, err == nil && (got == e.Object || e.Size == 0)
}

func (w *fileWriter) mkdirFor(path string) error {
	dir := path[:max(0, strings.LastIndexByte(path, '/'))]
	if dir == w.last {
		return nil
	}
	w.fresh = false
	pass := func(part string, isNew bool) error {
		w.fresh = isNew && part == dir
		return w.passDir(part, isNew)
	}
	if err := mkdirs(w.fd, dir, w.last, w.dirMode, pass); err != nil {
		return err
	}
	w.last = dir
	return nil
}

// write puts the entry in its place, complete or not at all.
func (w *fileWriter) write(ctx context.Context, e *Entry, there bool) error {
	if e.Kind == Symlink {
		if err := w.symlink(e, there); err != nil {
			return err
		}
		if !w.o.NoOwner {
			if err := unix.Fchownat(w.fd, e.Path, int(e.UID), int(e.GID), unix.AT_SYMLINK_NOFOLLOW); err != nil {
				w.foreign(e.Path, owner(e.UID, e.GID), err)
			}
		}
		return nil
	}
	fd, name, err := w.create(e.Path, e.Mode&0o777)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	err = w.fill(ctx, fd, e)
	if err == nil {
		w.setFD(fd, e)
		err = w.place(fd, name, e.Path, there)
	}
	if err != nil && name != "" {
		unix.Unlinkat(w.fd, name, 0)
	}
	return err
}

// create opens a new file without a name near path, or where the file system
// has no such thing one whose name a snapshot passes over (*.I).
func (w *fileWriter) create(path string, mode uint32) (fd int, name string, err error) {
	dir := orDot(path[:max(0, strings.LastIndexByte(path, '/'))])
	if !w.noTmp {
		fd, err = unix.Openat(w.fd, dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, mode)
		if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EISDIR) && !errors.Is(err, unix.EINVAL) {
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

// fill copies the object and checks it on the way.
func (w *fileWriter) fill(ctx context.Context, dst int, e *Entry) error {
	if e.Object.IsZero() {
		return nil
	}
	src, err := w.Store.OpenFD(e.Object)
	if err != nil {
		return err
	}
	defer unix.Close(src)
	size, got, err := store.Copy(ctx, dst, src, e.Size, w.buf)
	if err != nil {
		return err
	}
	if got != e.Object || size != e.Size {
		return &store.DamagedError{Object: e.Object, Got: got, Size: size}
	}
	return nil
}

// setFD gives a file its owner, mode and time, in this order: a change of
// owner takes setgid away. What is right already is left alone: to ask costs
// less than a change that the file system writes into its journal.
func (w *fileWriter) setFD(fd int, e *Entry) {
	var st unix.Stat_t
	known := unix.Fstat(fd, &st) == nil
	if known && st.Dev != w.dev {
		w.dev = st.Dev
		w.toSync(fd, st.Dev)
	}
	if !w.o.NoOwner && !(known && st.Uid == e.UID && st.Gid == e.GID) {
		known = false
		if err := unix.Fchown(fd, int(e.UID), int(e.GID)); err != nil {
			w.foreign(e.Path, owner(e.UID, e.GID), err)
		}
	}
	if !(known && st.Mode&0o7777 == e.Mode) {
		if err := unix.Fchmod(fd, e.Mode); err != nil {
			w.foreign(e.Path, mode(e.Mode), err)
		}
	}
	if st.Mtim.Nano() == e.Mtime {
		return
	}
	t := unix.NsecToTimespec(e.Mtime)
	if err := futimens(fd, [2]unix.Timespec{t, t}); err != nil {
		w.foreign(e.Path, "time", err)
	}
}

// futimens sets access and modification time to the nanosecond. It is
// utimensat(2) without a path, which package unix does not offer.
func futimens(fd int, t [2]unix.Timespec) error {
	_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(fd), 0, uintptr(unsafe.Pointer(&t)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// setMeta does the same for a file that is right already, where it differs.
func (w *fileWriter) setMeta(e *Entry) {
	var st unix.Stat_t
	if e.Kind != File || unix.Fstatat(w.fd, e.Path, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
		return
	}
	if st.Mode&0o7777 == e.Mode && (w.o.NoOwner || st.Uid == e.UID && st.Gid == e.GID) && st.Mtim.Nano() == e.Mtime {
		return
	}
	fd, err := unix.Openat(w.fd, e.Path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		w.foreign(e.Path, "owner, mode or time", err)
		return
	}
	defer unix.Close(fd)
	w.setFD(fd, e)
}

// place gives a complete file its name; what is there is replaced at once.
func (w *fileWriter) place(fd int, name, path string, there bool) error {
	if !there && name == "" {
		err := linkFD(fd, w.fd, path)
		if !errors.Is(err, unix.EEXIST) {
			return err
		}
	}
	if name == "" {
		name = w.tmpName(path)
		if err := linkFD(fd, w.fd, name); err != nil {
			return err
		}
	}
	return w.rename(name, path)
}

// linkFD gives an unnamed file a name.
func linkFD(fd, dirfd int, path string) error {
	err := unix.Linkat(fd, "", dirfd, path, unix.AT_EMPTY_PATH)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EPERM) {
		return unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), dirfd, path, unix.AT_SYMLINK_FOLLOW)
	}
	return err
}

// link makes a further name of a restored file; where that fails, a copy.
func (w *fileWriter) link(ctx context.Context, from string, e *Entry) error {
	if w.o.Plan || w.sameFile(from, e.Path) {
		return w.restore(ctx, e)
	}
	if err := w.mkdirFor(e.Path); err != nil {
		return w.wrong(e, err)
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
