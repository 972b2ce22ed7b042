package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"repotool/snapshot"
	"repotool/store"
)

// noRoom adds to an error that is about a full disk what is free in the
// directories that were written to, and what to do.
func noRoom(err error, dirs ...string) error {
	return noRoomTo(err, "run it again: what is written already is found and not written twice", dirs...)
}

// noRoomTo says in place of noRoom's words what to do once there is room.
func noRoomTo(err error, then string, dirs ...string) error {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) && !errors.Is(err, io.ErrShortWrite) {
		return err
	}
	var base *snapshot.RoomError
	if errors.As(err, &base) {
		return err // says it better
	}
	var path *fs.PathError
	if errors.As(err, &path) && path.Path == os.Stdout.Name() {
		return err // where that leads is not known
	}
	hint := "make room, then " + then
	for _, dir := range dirs {
		bytes, nodes, err := store.Free(dir)
		if err != nil {
			continue
		}
		hint += "; " + dir + " has " + size(bytes) + " free"
		if nodes >= 0 {
			hint += " and " + inodes(nodes)
		}
	}
	if slices.Contains(dirs, os.TempDir()) {
		hint += "; TMPDIR names another directory for what is temporary"
	}
	return withHint(err, hint)
}
