package store

import (
	"context"
	"os"

	"golang.org/x/sys/unix"
)

// All by which something is forgotten, moved into quarantine or deleted goes through
// the few functions here, so that a test can cut it off before each of them.

// A Fault is asked before a change, and may forbid it.
type Fault func(op, path string) error

// SetFault is for tests, before the store is used.
func (s *Store) SetFault(f Fault) { s.fault = f }

func (s *Store) mayChange(op, path string) error {
	if s.fault == nil {
		return nil
	}
	return s.fault(op, path)
}

// Rename moves a file or directory of the store.
func (s *Store) Rename(from, to string) error {
	if err := s.mayChange("rename", from); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// Remove removes a file or an empty directory of the store.
func (s *Store) Remove(name string) error {
	if err := s.mayChange("remove", name); err != nil {
		return err
	}
	return os.Remove(name)
}

// Symlink makes a symbolic link in the store.
func (s *Store) Symlink(to, name string) error {
	if err := s.mayChange("symlink", name); err != nil {
		return err
	}
	return os.Symlink(to, name)
}

// SyncDir makes the names in a directory of the store durable.
func (s *Store) SyncDir(dir string) error {
	if err := s.mayChange("sync", dir); err != nil {
		return err
	}
	return SyncDir(dir)
}

// mkdir makes a directory of the store.
func (s *Store) mkdir(name string) error {
	if err := s.mayChange("mkdir", name); err != nil {
		return err
	}
	return os.Mkdir(name, 0o755)
}

// rmdir removes an empty directory, and nothing else.
func (s *Store) rmdir(name string) error {
	if err := s.mayChange("rmdir", name); err != nil {
		return err
	}
	return unix.Rmdir(name)
}

// linkBack makes an object of what lies in quarantine.
func (s *Store) linkBack(path string, h Hash) error {
	if err := s.mayChange("link", path); err != nil {
		return err
	}
	return unix.Linkat(unix.AT_FDCWD, path, s.objects, h.path(), 0)
}

// moveAway moves an object to a path.
func (s *Store) moveAway(h Hash, path string) error {
	if err := s.mayChange("rename", path); err != nil {
		return err
	}
	return unix.Renameat(s.objects, h.path(), unix.AT_FDCWD, path)
}

// RemoveTree is [RemoveTree] for a directory of the store.
func (s *Store) RemoveTree(ctx context.Context, dir string) error {
	if err := s.mayChange("remove", dir); err != nil {
		return err
	}
	return RemoveTree(ctx, dir)
}
