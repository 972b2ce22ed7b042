package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Many ways to copy a store leave out directories that are empty, and README.txt
// says that some folders may be deleted. So whoever writes into a folder that
// Init has made makes it again if it is not there; reading needs none of them.

// Folder returns the path of a folder of the store, which it makes, durably, if
// it is not there.
func (s *Store) Folder(name string) (string, error) {
	dir := s.Path(name)
	err := os.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return dir, nil
	}
	if err == nil {
		err = SyncDir(filepath.Dir(dir))
	}
	if err != nil {
		return dir, fmt.Errorf("make a folder of the store: %w", err)
	}
	return dir, nil
}

// tmpDir is the directory handle of tmp/, which is opened when it is needed.
func (s *Store) tmpDir() (int, error) {
	s.tmpMu.Lock()
	defer s.tmpMu.Unlock()
	if s.tmpOpen {
		return s.tmp, nil
	}
	dir, err := s.Folder("tmp")
	if err != nil {
		return -1, err
	}
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: dir, Err: err}
	}
	s.tmp, s.tmpOpen = fd, true
	return fd, nil
}

// isNew says whether nothing was ever stored, so that objects/ may be missing as
// any empty folder may. Of another store it is the better part.
func (s *Store) isNew() bool {
	return len(entriesOf(s.Path("snapshots"))) == 0 && len(entriesOf(s.Path("days"))) == 0
}
