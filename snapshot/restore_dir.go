package snapshot

import (
	"os"

	"golang.org/x/sys/unix"

	"repotool/store"
)

// unfinishedDir is the mode of a directory between mkdir and the moment when it
// has its own mode and owner. No FOSSology has one like that, so the restore
// that follows a killed one knows which directories to finish.
const unfinishedDir = 0o1700

// newDirMode is the mode to make directories with: the usual one of the
// snapshot where mkdir can give it with all that belongs to it in one step.
func (r *restorer) newDirMode() uint32 {
	m := r.Manifest.DirMode
	mine := r.o.NoOwner || m.UID == r.euid && m.GID == uint32(os.Getegid())
	switch {
	case m == DirMeta{}:
		return 0o755 // a snapshot without deep directories; every other has an entry
	case mine && m.Mode&^0o777 == 0 && m.Mode&store.Umask() == 0:
		return m.Mode
	}
	return unfinishedDir
}

// dir makes a directory that has an entry, with its mode and owner.
func (r *restorer) dir(e *Entry) error {
	if r.o.Plan {
		return nil
	}
	if e.Path != "" {
		if err := mkdirs(r.fd, e.Path, "", r.dirMode, r.passDir); err != nil {
			return err
		}
	}
	r.setDir(orDot(e.Path), DirMeta{e.Mode, e.UID, e.GID})
	return nil
}

// passDir gives a directory without an entry the usual mode and owner: a new
// one, and one that an earlier restore was killed over.
func (r *restorer) passDir(dir string, isNew bool) error {
	if !isNew {
		var st unix.Stat_t
		if r.dirMode != unfinishedDir || unix.Fstatat(r.fd, dir, &st, unix.AT_SYMLINK_NOFOLLOW) != nil || st.Mode&0o1777 != unfinishedDir {
			return nil
		}
	}
	r.setDir(dir, r.Manifest.DirMode)
	return nil
}

// setDir sets what is not right yet. The mode comes last: it ends unfinishedDir.
func (r *restorer) setDir(dir string, m DirMeta) {
	if m == (DirMeta{}) {
		return
	}
	var st unix.Stat_t
	known := unix.Fstatat(r.fd, dir, &st, unix.AT_SYMLINK_NOFOLLOW) == nil
	if !r.o.NoOwner && !(known && st.Uid == m.UID && st.Gid == m.GID) {
		known = false
		if err := unix.Fchownat(r.fd, dir, int(m.UID), int(m.GID), unix.AT_SYMLINK_NOFOLLOW); err != nil {
			r.foreign(dir, owner(m.UID, m.GID), err)
		}
	}
	if !(known && st.Mode&0o7777 == m.Mode) {
		if err := unix.Fchmodat(r.fd, dir, m.Mode, 0); err != nil {
			r.foreign(dir, mode(m.Mode), err)
		}
	}
}
