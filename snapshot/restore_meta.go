package snapshot

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

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

// shared says whether a file of the target has names that are nobody's business
// here: it is the object itself (somebody copied a day with cp -l), or what would
// be set would be set for its other names too, which may be those of a day.
func (w *fileWriter) shared(st *unix.Stat_t, e *Entry) bool {
	if st.Nlink == 1 {
		return false
	}
	if !w.metaRight(st, e) {
		return true
	}
	object, err := w.Store.Stat(e.Object)
	return err == nil && object.Inode == st.Ino && object.Device == uint64(st.Dev)
}

// metaRight says whether a file has the owner, mode and time of an entry.
func (w *fileWriter) metaRight(st *unix.Stat_t, e *Entry) bool {
	return st.Mode&0o7777 == e.Mode && (w.o.NoOwner || st.Uid == e.UID && st.Gid == e.GID) && st.Mtim.Nano() == e.Mtime
}

// setMeta does what setFD does for a file that is right already, where it differs.
func (w *fileWriter) setMeta(e *Entry) {
	var st unix.Stat_t
	if e.Kind != File || unix.Fstatat(w.fd, e.Path, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
		return
	}
	if w.metaRight(&st, e) {
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
