package prune

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// workEnding ends the names of links that are not in their place yet. They stand beside
// it; FOSSology and snapshots pass over *.I.
const workEnding = ".repotool-dedup.I"

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

// alike compares two files, and what more is known of them than owner, mode and times.
func (d *relinker) alike(ctx context.Context, a, b *handle, buf []byte) (Reason, error) {
	half := len(buf) / 2
	for at := int64(0); at < a.st.Size; {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if a.awaited() || b.awaited() { // he shall not wait for all of it
			return InUse, nil
		}
		n, err := readAt(a.fd, buf[:min(int64(half), a.st.Size-at)], at)
		if err != nil {
			return Unreadable, nil
		}
		m, err := readAt(b.fd, buf[half:half+n], at)
		switch {
		case err != nil:
			return Unreadable, nil
		case n == 0 || m != n || !bytes.Equal(buf[:n], buf[half:half+m]):
			return Different, nil
		}
		at += int64(n)
	}
	if !sameAttributes(a.fd, b.fd) {
		return Metadata, nil
	}
	return "", nil
}

// readAt reads all of it, or as much as there is.
func readAt(fd int, b []byte, at int64) (n int, err error) {
	for n < len(b) {
		m, err := unix.Pread(fd, b[n:], at+int64(n))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return n, err
		}
		if m == 0 {
			break
		}
		n += m
	}
	return n, nil
}

// sameAttributes says whether two files have the same extended attributes: access lists,
// labels, capabilities.
func sameAttributes(a, b int) bool {
	var buf [1024]byte
	na, errA := unix.Flistxattr(a, buf[:512])
	nb, errB := unix.Flistxattr(b, buf[512:])
	if errors.Is(errA, unix.ENOTSUP) && errors.Is(errB, unix.ENOTSUP) {
		return true
	}
	if errA != nil || errB != nil || na != nb {
		return false
	}
	all := attributeNames(buf[:na])
	if !slices.Equal(all, attributeNames(buf[512:512+nb])) {
		return false
	}
	for _, name := range all {
		var x, y [4096]byte
		n, errA := unix.Fgetxattr(a, name, x[:])
		m, errB := unix.Fgetxattr(b, name, y[:])
		if errA != nil || errB != nil || !bytes.Equal(x[:n], y[:m]) {
			return false
		}
	}
	return true
}

// attributeNames splits the list of a file's attributes.
func attributeNames(list []byte) []string {
	all := strings.FieldsFunc(string(list), func(r rune) bool { return r == 0 })
	slices.Sort(all)
	return all
}

// relink gives the name of m to the inode of keep. At every moment the name leads to the
// one or the other: the new link is made beside it, and the two change places. Only then,
// if nobody has touched either meanwhile, the old one goes; else they change back.
func (d *relinker) relink(keep, m *handle) (freed int64, why Reason, err error) {
	work := m.name + workEnding
	atStep()
	if why, err = linkTo(keep, m, work); why != "" || err != nil {
		return 0, why, err
	}
	atStep()
	if keep.awaited() || m.awaited() {
		if err := unix.Unlinkat(m.dir, work, 0); err != nil {
			return 0, "", fmt.Errorf("remove %s: %w", work, err)
		}
		return 0, InUse, nil
	}
	exchange := func() error { return unix.Renameat2(m.dir, work, m.dir, m.name, unix.RENAME_EXCHANGE) }
	if err := exchange(); err != nil {
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
			return d.replace(keep, m, work)
		}
		why, err := refusal(err)
		if e := unix.Unlinkat(m.dir, work, 0); e != nil {
			err = errors.Join(err, fmt.Errorf("remove %s: %w", work, e))
		}
		return 0, why, err
	}
	atStep()
	// Who waits for m has found it by this name, before. Who waits for keep may have found it
	// by this name, too, just now: what he writes is to be found by it.
	if !m.isAt(work) || keep.touched() || m.touched() || m.awaited() {
		if err := exchange(); err != nil {
			return 0, "", fmt.Errorf("%s has changed; put it back from %s: %w", m.name, work, err)
		}
		why = Changed
	}
	if err := unix.Unlinkat(m.dir, work, 0); err != nil {
		return 0, "", fmt.Errorf("remove %s: %w", work, err)
	}
	if why == "" {
		freed = m.freed()
	}
	return freed, why, nil
}

// replace is for file systems on which names cannot change places.
func (d *relinker) replace(keep, m *handle, work string) (freed int64, why Reason, err error) {
	if !m.isAt(m.name) || keep.touched() || m.touched() || keep.awaited() || m.awaited() {
		why = Changed
	} else if err := unix.Renameat(m.dir, work, m.dir, m.name); err != nil {
		if why, err = refusal(err); err != nil {
			return 0, "", err
		}
	}
	if why != "" {
		if err := unix.Unlinkat(m.dir, work, 0); err != nil {
			return 0, "", fmt.Errorf("remove %s: %w", work, err)
		}
		return 0, why, nil
	}
	return m.freed(), "", nil
}

// linkTo gives keep another name, beside m. What an interrupted run left there goes first.
func linkTo(keep, m *handle, work string) (Reason, error) {
	err := linkHandle(keep.fd, m.dir, work)
	if errors.Is(err, unix.EEXIST) {
		if why, err := tidy(m.dir, m.name, 0); why != "" || err != nil {
			return why, err
		}
		err = linkHandle(keep.fd, m.dir, work)
	}
	return refusal(err)
}

// linkHandle gives a file that is open another name.
func linkHandle(fd, dir int, name string) error {
	err := unix.Linkat(fd, "", dir, name, unix.AT_EMPTY_PATH)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EPERM) { // not our right: by /proc, as open(2) advises
		err = unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), dir, name, unix.AT_SYMLINK_FOLLOW)
	}
	return err
}

// refusal says whether a file stays because of an error of a call, or the run ends by it.
func refusal(err error) (Reason, error) {
	switch {
	case err == nil:
		return "", nil
	case errors.Is(err, unix.EMLINK):
		return Full, nil
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES), errors.Is(err, unix.ENAMETOOLONG):
		return Refused, nil
	case errors.Is(err, unix.ENOENT):
		return Gone, nil
	case errors.Is(err, unix.EXDEV):
		return OtherDisk, nil
	}
	return "", fmt.Errorf("link: %w", err)
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
