package prune

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// workEnding ends the names of links that are not in their place yet. They stand beside
// it; FOSSology and snapshots pass over *.I.
const workEnding = ".repotool-dedup.I"

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
