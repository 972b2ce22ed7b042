package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Everything that a process leaves in tmp/ for longer than a system call is in
// a room: a directory tmp/<pid>-<random> with a file "lock" in it, which its
// owner, one open store, holds locked (flock) as long as it lives. The lock
// goes with the process, so a room whose lock can be had is nobody's. On a
// network file system a lock may reach no further than its host: there only
// rooms made on this host are taken for nobody's.

// roomLock is the name of the lock's file in its room.
const roomLock = "lock"

// roomTries is how often a room is made anew because a sweep took it before
// it was locked.
const roomTries = 100

// roomOwner is what a room's lock contains.
type roomOwner struct {
	PID     int    `json:"pid"`
	Host    string `json:"host"`
	Machine string `json:"machine"` // its /etc/machine-id; several hosts may have one name
}

func thisOwner() roomOwner {
	host, _ := os.Hostname()
	id, _ := os.ReadFile("/etc/machine-id")
	return roomOwner{os.Getpid(), host, strings.TrimSpace(string(id))}
}

// sameHost says whether both are known to be on one host.
func (o roomOwner) sameHost(other roomOwner) bool {
	return o.Host != "" && o.Machine != "" && o.Host == other.Host && o.Machine == other.Machine
}

// TempDir returns a directory on the store's file system that is this open
// store's alone. Close removes it; if the process dies before, the next Sweep
// of any process does.
func (s *Store) TempDir() (string, error) {
	name, err := s.room()
	return s.Path("tmp", name), err
}

// room makes the room at its first call and returns its name below tmp/.
func (s *Store) room() (string, error) {
	s.roomMu.Lock()
	defer s.roomMu.Unlock()
	if s.roomHeld != nil {
		return s.roomName, nil
	}
	tmp, err := s.Folder("tmp")
	if err != nil {
		return "", err
	}
	for range roomTries {
		name := fmt.Sprintf("%d-%s", os.Getpid(), rand.Text()[:12])
		held, err := makeRoom(filepath.Join(tmp, name))
		if err != nil {
			return "", fmt.Errorf("make a directory for temporary files: %w", err)
		}
		if held != nil {
			s.roomName, s.roomHeld = name, held
			return name, nil
		}
	}
	return "", fmt.Errorf("make a directory for temporary files in %s: somebody removes it again and again", tmp)
}

// makeRoom makes a room and returns its lock; nil if a sweep was faster.
func makeRoom(dir string) (held *os.File, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, roomLock), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	defer func() {
		if held == nil {
			f.Close()
		}
	}()
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		return nil, nil
	case err != nil:
		return nil, &fs.PathError{Op: "lock", Path: f.Name(), Err: err}
	case !stillThere(f):
		return nil, nil
	}
	b, err := json.Marshal(thisOwner())
	if err == nil {
		_, err = f.Write(append(b, '\n'))
	}
	if err != nil {
		return nil, errors.Join(err, clearRoom(dir, f))
	}
	return f, nil
}

// stillThere says whether an open file still has the name it was opened by.
func stillThere(f *os.File) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(f.Name())
	return err == nil && os.SameFile(open, named)
}

// leaveRoom removes the room of this open store, if it has one.
func (s *Store) leaveRoom() error {
	s.roomMu.Lock()
	defer s.roomMu.Unlock()
	if s.roomHeld == nil {
		return nil
	}
	err := clearRoom(s.Path("tmp", s.roomName), s.roomHeld)
	s.roomHeld = nil
	return err
}

// Sweep removes the rooms of processes that are no more, and says how many. It
// never touches what a living process uses, here or on another host, and may
// run beside anything.
func (s *Store) Sweep(ctx context.Context) (swept int, err error) {
	entries, err := os.ReadDir(s.Path("tmp"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("sweep tmp: %w", err)
	}
	network := OnNetwork(s.dir)
	var errs []error
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return swept, err
		}
		if !e.IsDir() {
			continue
		}
		gone, err := sweepRoom(s.Path("tmp", e.Name()), network)
		if gone {
			swept++
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("sweep tmp: %w", err))
		}
	}
	return swept, errors.Join(errs...)
}

// sweepRoom removes a room if it is nobody's.
func sweepRoom(dir string, network bool) (gone bool, err error) {
	f, err := os.OpenFile(filepath.Join(dir, roomLock), os.O_RDWR, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// It is being made, or a sweep was killed at its end, or it is no
		// room: it goes only if it is empty. Whoever makes it tries again.
		return unix.Rmdir(dir) == nil, nil
	case errors.Is(err, fs.ErrPermission):
		return false, nil // another user's
	case err != nil:
		return false, err
	}
	defer f.Close()
	if nobodys, err := roomIsNobodys(f, network); err != nil || !nobodys {
		return false, err
	}
	if !stillThere(f) {
		return false, nil // another sweep was faster
	}
	return true, clearRoom(dir, f)
}

// roomIsNobodys takes the lock of a room, and says whether its owner is no more.
func roomIsNobodys(f *os.File, network bool) (bool, error) {
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			return false, nil
		}
		return false, &fs.PathError{Op: "lock", Path: f.Name(), Err: err}
	}
	if !network {
		return true, nil
	}
	var owner roomOwner
	b, err := io.ReadAll(io.LimitReader(f, 1<<16))
	return err == nil && json.Unmarshal(b, &owner) == nil && owner.sameHost(thisOwner()), nil
}

// clearRoom removes a room by its lock, which is held and goes last: what a
// killed clearRoom leaves is a room like any other, or an empty directory.
func clearRoom(dir string, held *os.File) error {
	defer held.Close()
	// A pg_dump that outlived its repotool may still be making files here. It
	// writes for nobody, and fails as soon as its directory is gone.
	var err error
	for range 3 {
		if err = emptyRoom(dir); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	if err := os.Remove(held.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	held.Close() // NFS keeps a name for a removed file that is open
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func emptyRoom(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // gone with the store, which lay in another one
	}
	for _, e := range entries {
		if e.Name() != roomLock {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return err
}
