package store

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Inside says whether a directory is outer or lies in it. It asks the file system
// and not the names, which links and bind mounts make ambiguous. A directory that is
// not there yet lies where it would be made.
func Inside(dir, outer string) (bool, error) {
	var want unix.Stat_t
	err := unix.Stat(outer, &want)
	if errors.Is(err, unix.ENOENT) {
		return false, nil // nothing lies in it
	}
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", outer, err)
	}
	fd, err := openNearest(dir)
	if err != nil {
		return false, fmt.Errorf("look for the directories above %s: %w", dir, err)
	}
	defer func() { unix.Close(fd) }()
	var last unix.Stat_t
	for {
		var at unix.Stat_t
		if err := unix.Fstat(fd, &at); err != nil {
			return false, fmt.Errorf("look for the directories above %s: %w", dir, err)
		}
		switch {
		case sameFile(&at, &want):
			return true, nil
		case sameFile(&at, &last): // the root is above itself
			return false, nil
		}
		last = at
		up, err := unix.Openat(fd, "..", nearest, 0)
		if err != nil {
			return false, fmt.Errorf("look for the directories above %s: %w", dir, err)
		}
		unix.Close(fd)
		fd = up
	}
}

// nearest opens a directory to see where it is: that takes no right to read it.
const nearest = unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC

// openNearest opens a directory, or the nearest above it that is there.
func openNearest(dir string) (int, error) {
	for {
		fd, err := unix.Open(dir, nearest, 0)
		up := filepath.Dir(dir)
		if !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR) || up == dir {
			return fd, err
		}
		dir = up
	}
}

func sameFile(a, b *unix.Stat_t) bool { return a.Ino == b.Ino && a.Dev == b.Dev }

// Apart returns a *NestedError if dir lies in the store or the store in dir: what
// is written to the one would then change the other.
func (s *Store) Apart(dir string) error {
	for _, pair := range [][2]string{{dir, s.dir}, {s.dir, dir}} {
		inside, err := Inside(pair[0], pair[1])
		if err != nil {
			return err
		}
		if inside {
			return &NestedError{Store: s.dir, Dir: dir, StoreInside: pair[0] == s.dir}
		}
	}
	return nil
}

// A NestedError says that a store and another directory are not apart.
type NestedError struct {
	Store, Dir  string
	StoreInside bool // the store lies in the directory, not the other way round
}

func (e *NestedError) Error() string {
	if e.StoreInside {
		return fmt.Sprintf("the store %s lies in %s", e.Store, e.Dir)
	}
	return fmt.Sprintf("%s lies in the store %s", e.Dir, e.Store)
}

// Hint says what to do about it.
func (e *NestedError) Hint() string {
	return "neither may hold the other: name another directory, or move the store"
}
