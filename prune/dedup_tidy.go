package prune

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// tidy deals with what an interrupted run left beside a file: a link that was not in its
// place yet, the inode that had lost its place, or a part of a copy. It goes if the file
// holds its bytes. If it does not, or somebody has it open for writing, and it is the inode
// that stood there when the plan was made (was; 0: not known), it takes its place again.
// Else it stays: that is [Refused].
func tidy(dir int, name string, was uint64) (Reason, error) {
	work := name + workEnding
	left, err := openFile(dir, work)
	if errors.Is(err, unix.ENOENT) {
		return "", nil
	}
	if err != nil {
		return Refused, nil
	}
	defer unix.Close(left)
	var st unix.Stat_t
	if err := unix.Fstat(left, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return Refused, nil
	}
	h := &handle{fd: left}
	if h.lease() != InUse && beginsAs(dir, name, left, &st) && (!h.awaited() || st.Nlink > 1) {
		if err := unix.Unlinkat(dir, work, 0); err != nil {
			return "", fmt.Errorf("remove %s: %w", work, err)
		}
		return "", nil
	}
	if st.Ino != was {
		return Refused, nil
	}
	if err := unix.Renameat(dir, work, dir, name); err != nil {
		return "", fmt.Errorf("put %s back into its place: %w", work, err)
	}
	return Changed, nil
}

// beginsAs says whether a file begins with all the bytes of another one.
func beginsAs(dir int, name string, other int, st *unix.Stat_t) bool {
	fd, err := openFile(dir, name)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	why, _ := sameBytes(other, fd, st.Size, make([]byte, 256<<10), func() (Reason, error) { return "", nil })
	return why == ""
}
