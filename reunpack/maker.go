package reunpack

import (
	"errors"
	"path"
	"runtime"

	"golang.org/x/sys/unix"
)

// At FOSSology's depth nearly every file has a directory of its own. To make one aside,
// give it owner and mode, and rename it takes eight system calls, and costs more than to
// write a small file. The kernel can do it in one: a new directory belongs to who makes
// it, has the mode that he asks for, less his umask, and takes group and setgid from a
// directory around it that has setgid. So a thread becomes the owner, without umask, and
// makes directories where they belong. What it cannot make so, [target.mkdirs] makes.

// A maker makes the directories of a batch. Whatever does not go well is left to others.
type maker struct {
	t   *target
	gid uint32
	fit map[string]bool // by directory: one that is made in it is as it should be
}

// makeDirs makes the directories of files, as far as that goes in this way.
func (t *target) makeDirs(files []string) {
	if t.aside.Load() || len(files) == 0 {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never let go: the thread ends, with what it became
		m := &maker{t: t, fit: map[string]bool{}}
		if !m.become() || !m.try() {
			t.aside.Store(true)
			return
		}
		for _, file := range files {
			m.dir(path.Dir(file))
		}
	}()
	<-done
}

// become makes this thread the owner of what it makes.
func (m *maker) become() bool {
	if unix.Unshare(unix.CLONE_FS) != nil { // the umask is its own from now on
		return false
	}
	unix.Umask(0)
	want := m.t.style.dir
	// They say nothing of a failure, only who one was before. The group comes first:
	// the new user may have no right to choose.
	unix.SetfsgidRetGid(int(want.gid))
	unix.SetfsuidRetUid(int(want.uid))
	gid, err := unix.SetfsgidRetGid(-1)
	if err != nil {
		return false
	}
	uid, err := unix.SetfsuidRetUid(-1)
	m.gid = uint32(gid)
	return err == nil && uint32(uid) == want.uid
}

// try makes a directory under a work name, once for each target: a file system may
// have owners of its own, or a default list of rights.
func (m *maker) try() bool {
	if m.t.tried.Load() {
		return true
	}
	var st unix.Stat_t
	if unix.Fstat(m.t.fd, &st) != nil || !m.hands(&st) {
		return false
	}
	work := m.t.workName()
	if unix.Mkdirat(m.t.fd, work, m.mode()) != nil {
		return false
	}
	err := unix.Fstatat(m.t.fd, work, &st, unix.AT_SYMLINK_NOFOLLOW)
	ok := err == nil && m.right(&st) && unix.Unlinkat(m.t.fd, work, unix.AT_REMOVEDIR) == nil
	m.t.tried.Store(ok)
	return ok
}

// mode is what mkdir takes of it; setgid comes from the directory around.
func (m *maker) mode() uint32 { return m.t.style.dir.mode & 0o1777 }

// hands says whether a directory that is made in one like this gets the right group
// and setgid.
func (m *maker) hands(around *unix.Stat_t) bool {
	want := m.t.style.dir
	if around.Mode&unix.S_ISGID != 0 {
		return want.mode&unix.S_ISGID != 0 && around.Gid == want.gid
	}
	return want.mode&unix.S_ISGID == 0 && m.gid == want.gid
}

func (m *maker) right(st *unix.Stat_t) bool {
	want := m.t.style.dir
	return st.Uid == want.uid && st.Gid == want.gid && st.Mode == unix.S_IFDIR|want.mode
}

// dir makes a directory and those around it, and says whether one in it may be made.
func (m *maker) dir(name string) (fit bool) {
	if fit, known := m.fit[name]; known {
		return fit
	}
	defer func() { m.fit[name] = fit }()
	var st unix.Stat_t
	err := unix.Fstatat(m.t.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	if name == "." || !errors.Is(err, unix.ENOENT) {
		return err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR && m.hands(&st)
	}
	if !m.dir(path.Dir(name)) || unix.Mkdirat(m.t.fd, name, m.mode()) != nil {
		return false // somebody else makes it, perhaps at this moment
	}
	if unix.Fstatat(m.t.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
		return false
	}
	if !m.right(&st) { // against the trial: it goes before it is used
		unix.Unlinkat(m.t.fd, name, unix.AT_REMOVEDIR)
		return false
	}
	return m.hands(&st)
}
