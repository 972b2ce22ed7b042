package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"repotool/fossology"
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
		err := mkdirs(r.fd, e.Path, "", r.dirMode, r.passDir)
		if errors.Is(err, unix.ENOTDIR) {
			r.o.Findings.Add(InTheWay, e.Path, "not restored: "+err.Error())
			return nil
		}
		if err != nil {
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
		st, err := r.enter(dir)
		if err != nil || r.dirMode != unfinishedDir || st.Mode&0o1777 != unfinishedDir {
			return err
		}
	}
	r.setDir(dir, r.Manifest.DirMode)
	return nil
}

// enter sees whether what is there is a directory. A link to one is none: what it
// leads to is no part of the target, as it was no part of the snapshot.
func (r *restorer) enter(dir string) (st unix.Stat_t, err error) {
	switch err := unix.Fstatat(r.fd, dir, &st, unix.AT_SYMLINK_NOFOLLOW); {
	case err != nil:
		return st, &fs.PathError{Op: "enter", Path: dir, Err: err}
	case st.Mode&unix.S_IFMT == unix.S_IFLNK:
		return st, fmt.Errorf("%s is a symbolic link: %w", dir, unix.ENOTDIR)
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return st, fmt.Errorf("%s: %w", dir, unix.ENOTDIR)
	}
	return st, nil
}

// enterAll does it for a directory and those above it, as far as they are there and
// are not above last, which was looked at before.
func (r *restorer) enterAll(dir, last string) error {
	for i := 1; i <= len(dir); i++ {
		if i < len(dir) && dir[i] != '/' || last != "" && fossology.Within(last, dir[:i]) {
			continue
		}
		_, err := r.enter(dir[:i])
		if errors.Is(err, unix.ENOENT) {
			return nil
		}
		if err != nil {
			return err
		}
	}
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
