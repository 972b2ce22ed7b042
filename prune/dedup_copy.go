package prune

import (
	"errors"
	"fmt"
	"path"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// A copied file has a copy beside it, or needs none.
type copied struct {
	m, keep Member
	size    int64
	dir     int
	made    bool
	err     error
}

// copy makes a copy of a file that shares its bytes.
func (u *separator) copy(c *copied, buf []byte) {
	var err error
	if c.dir, err = fossology.OpenBeneath(u.top, path.Dir(c.m.Path)); err != nil {
		c.dir = -1
		u.left(c, unlike(err))
		return
	}
	name := path.Base(c.m.Path)
	fd, err := openFile(c.dir, name)
	if err != nil {
		u.left(c, unlike(err))
		return
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if c.err = unix.Fstat(fd, &st); c.err != nil {
		return
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size != c.size:
		u.left(c, Changed)
	case u.shares(fd, &st, c):
		if c.err = duplicate(fd, &st, c, buf); c.err == nil {
			c.made = true
		} else if why, err := refusal(c.err); err == nil && why != "" {
			c.err = nil
			u.left(c, why)
		}
	default:
		if _, c.err = tidy(c.dir, name, 0); c.err == nil {
			u.alone(fd, &st, c)
		}
	}
}

// alone counts a file that has bytes of its own. If it is the inode of its double, which is
// gone, it gets its own owner, mode and time again.
func (u *separator) alone(fd int, st *unix.Stat_t, c *copied) {
	is := &u.r.Apart
	if u.how == Link && st.Ino == c.keep.Inode && st.Ino != c.m.Inode && st.Nlink == 1 {
		is = &u.r.Back
		if why, err := refusal(c.dress(fd, path.Base(c.m.Path), st)); err != nil || why != "" {
			u.left(c, Refused)
			return
		}
	}
	u.mu.Lock()
	is.add(c.size)
	u.mu.Unlock()
}

// left counts a file that is not given its own bytes.
func (u *separator) left(c *copied, why Reason) {
	u.mu.Lock()
	u.r.Left.add(why, c.size)
	u.mu.Unlock()
}

// shares says whether a file still shares its bytes with another one. One that FOSSology
// has written anew has bytes of its own.
func (u *separator) shares(fd int, st *unix.Stat_t, c *copied) bool {
	if u.how == Reflink {
		x, ok := firstExtent(fd)
		return ok && st.Ino == c.m.Inode && x.extentFlags&fiemapExtentShared != 0
	}
	return st.Ino != c.m.Inode && st.Nlink > 1
}

// duplicate copies a file's bytes, not its blocks.
func duplicate(from int, st *unix.Stat_t, c *copied, buf []byte) (err error) {
	name := path.Base(c.m.Path)
	work := name + workEnding
	const flags = unix.O_CREAT | unix.O_EXCL | unix.O_WRONLY | unix.O_CLOEXEC | unix.O_NOFOLLOW
	open := func() (int, error) { atStep(); return unix.Openat(c.dir, work, flags, 0o600) }
	to, err := open()
	if errors.Is(err, unix.EEXIST) {
		if why, e := tidy(c.dir, name, 0); why == "" && e == nil {
			to, err = open()
		}
	}
	if err != nil {
		return fmt.Errorf("make a copy: %w", err)
	}
	defer func() {
		err = errors.Join(err, unix.Close(to))
		if err != nil {
			err = errors.Join(fmt.Errorf("make a copy: %w", err), unix.Unlinkat(c.dir, work, 0))
		}
	}()
	for at := int64(0); at < st.Size; {
		n, err := readAt(from, buf, at)
		if err != nil {
			return err
		}
		if n == 0 {
			return errors.New("it has become shorter")
		}
		for b := buf[:n]; len(b) > 0; {
			n, err := unix.Pwrite(to, b, at)
			if err != nil && !errors.Is(err, unix.EINTR) {
				return err
			}
			b, at = b[max(n, 0):], at+int64(max(n, 0))
		}
	}
	if err := copyAttributes(from, to); err != nil {
		return err
	}
	return c.dress(to, work, st)
}

// dress gives a file the owner, mode and time that it had. The time is that of what it
// shared its bytes with if that has another one since the run: somebody has read it, or
// written to it.
func (c *copied) dress(fd int, name string, st *unix.Stat_t) error {
	if err := unix.Fchown(fd, int(c.m.UID), int(c.m.GID)); err != nil {
		return err
	}
	if err := unix.Fchmod(fd, c.m.Mode&0o7777); err != nil { // after chown, which takes bits away
		return err
	}
	mtime := unix.NsecToTimespec(c.m.Mtime)
	if st.Mtim.Nano() != c.keep.Mtime && st.Ino != c.m.Inode {
		mtime = st.Mtim
	}
	return unix.UtimesNanoAt(c.dir, name, []unix.Timespec{{Nsec: unix.UTIME_OMIT}, mtime}, unix.AT_SYMLINK_NOFOLLOW)
}

// copyAttributes copies the extended attributes, which both files had.
func copyAttributes(from, to int) error {
	var list [512]byte
	n, err := unix.Flistxattr(from, list[:])
	if errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range attributeNames(list[:n]) {
		var value [4096]byte
		n, err := unix.Fgetxattr(from, name, value[:])
		if err == nil {
			err = unix.Fsetxattr(to, name, value[:n], 0)
		}
		if err != nil && !errors.Is(err, unix.ENOTSUP) {
			return fmt.Errorf("attribute %s: %w", name, err)
		}
	}
	return nil
}
