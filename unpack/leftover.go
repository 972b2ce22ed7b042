package unpack

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A repotool that is killed leaves its scratches behind. Each is locked as long as it
// is in use, so the next run finds those that nobody uses any more, and clears them.

// scratchPrefix begins the names of scratches.
const scratchPrefix = "repotool-tool-"

// swept are the directories that were cleared by this process.
var swept sync.Map

// lockedDir makes a directory and locks it.
func lockedDir(parent string) (string, *os.File, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	if _, done := swept.LoadOrStore(parent, true); !done {
		clearLeftovers(parent)
	}
	for {
		path, err := os.MkdirTemp(parent, scratchPrefix)
		if err != nil {
			return "", nil, err
		}
		lock, err := lockDir(path)
		if err == nil {
			return path, lock, nil
		}
		if !errors.Is(err, errInUse) && !errors.Is(err, fs.ErrNotExist) { // else somebody took it for a leftover just now
			return "", nil, errors.Join(err, os.Remove(path))
		}
	}
}

var errInUse = errors.New("it is in use")

// lockDir locks a directory that is still at its path.
func lockDir(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(errInUse, f.Close())
	}
	here, err := f.Stat()
	there, e := os.Lstat(path)
	if err == nil && (e != nil || !os.SameFile(here, there)) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// clearLeftovers removes the scratches of this user that nobody uses. What it cannot
// remove stays for the next time.
func clearLeftovers(parent string) {
	found, _ := filepath.Glob(filepath.Join(parent, scratchPrefix+"*"))
	for _, path := range found {
		i, err := os.Lstat(path)
		if err != nil || !i.IsDir() || i.Sys().(*syscall.Stat_t).Uid != uint32(os.Geteuid()) {
			continue
		}
		if lock, err := lockDir(path); err == nil {
			allow(path)
			os.RemoveAll(path)
			lock.Close()
		}
	}
}
