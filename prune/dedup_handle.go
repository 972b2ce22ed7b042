package prune

import (
	"errors"
	"path"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// A handle is a file that is being looked at.
type handle struct {
	dir, fd int // -1: not open
	name    string
	st      unix.Stat_t
	synced  bool
}

func (h *handle) close() {
	for _, fd := range []*int{&h.fd, &h.dir} {
		if *fd >= 0 {
			unix.Close(*fd)
			*fd = -1
		}
	}
}

// open opens a file that must be as it was when the plan was made. As long as it is open,
// nobody can open it to write to it, where the file system knows leases (fcntl(2)).
func (d *relinker) open(m *Member, size int64) (*handle, Reason) {
	h := &handle{dir: -1, fd: -1, name: path.Base(m.Path)}
	dir := path.Dir(m.Path)
	var err error
	if h.dir, err = fossology.OpenBeneath(d.top, dir); err != nil {
		return h, unlike(err)
	}
	if h.fd, err = openFile(h.dir, h.name); err != nil {
		h.fd = -1
		return h, unlike(err)
	}
	if err := unix.Fstat(h.fd, &h.st); err != nil {
		return h, Unreadable
	}
	if st := &h.st; st.Mode != m.Mode || st.Ino != m.Inode || st.Uid != m.UID || st.Gid != m.GID || st.Size != size || st.Mtim.Nano() != m.Mtime {
		return h, Changed
	}
	if d.p.How == Link {
		return h, h.lease()
	}
	return h, ""
}

// lease asks the kernel to have everybody wait who opens the file to write to it, for as
// long as it is open here. Who has no right to that, or a file system that knows no leases,
// shares nothing by links: a writer would write to a file that nobody finds any more.
func (h *handle) lease() Reason {
	_, err := unix.FcntlInt(uintptr(h.fd), unix.F_SETLEASE, unix.F_RDLCK)
	switch {
	case errors.Is(err, unix.EAGAIN):
		return InUse
	case err != nil:
		return Refused
	}
	return ""
}

// awaited says whether somebody waits for the lease to end, or it has ended: with what is
// open he writes to the inode that he has found.
func (h *handle) awaited() bool {
	held, err := unix.FcntlInt(uintptr(h.fd), unix.F_GETLEASE, 0)
	return err != nil || held != unix.F_RDLCK
}

// isAt says whether a name leads to the file.
func (h *handle) isAt(name string) bool {
	var st unix.Stat_t
	return unix.Fstatat(h.dir, name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil && st.Ino == h.st.Ino && st.Dev == h.st.Dev
}

// touched says whether somebody has changed a file since it was opened. That it has other
// names now does not count.
func (h *handle) touched() bool {
	var st unix.Stat_t
	return unix.Fstat(h.fd, &st) != nil || st.Size != h.st.Size || st.Mtim != h.st.Mtim || st.Mode != h.st.Mode || st.Uid != h.st.Uid || st.Gid != h.st.Gid
}

// freed are the bytes that the file gives back, which has lost a name: none, if it has others.
func (h *handle) freed() int64 {
	var st unix.Stat_t
	if unix.Fstat(h.fd, &st) != nil || st.Nlink > 0 {
		return 0
	}
	return st.Blocks * 512
}
