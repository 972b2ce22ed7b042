package main

import (
	"errors"
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// noRoom adds to an error that is about a full disk what is free in the
// directories that were written to, and what to do.
func noRoom(err error, dirs ...string) error {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) && !errors.Is(err, io.ErrShortWrite) {
		return err
	}
	hint := "make room, then run it again: what is written already is found and not written twice"
	for _, dir := range dirs {
		var st unix.Statfs_t
		if unix.Statfs(dir, &st) != nil {
			continue
		}
		hint += "; " + dir + " has " + size(int64(st.Bavail)*st.Bsize) + " free"
		if st.Files > 0 {
			hint += " and " + inodes(int64(st.Ffree))
		}
	}
	return withHint(err, hint)
}
