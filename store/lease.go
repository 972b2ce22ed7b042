package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A lease tells those who delete what a process works with. It is a file in the
// room of its open store (temporary.go), so it lasts as long as the process, and
// no clock decides when it ends. Leases are taken, and asked for, by [Store.Exclusive]
// only: whoever deletes knows all that were taken before.

// leasePrefix begins the name of a lease in its room.
const leasePrefix = "lease-"

// A Lease says what a process works with.
type Lease struct {
	Generation uint64 `json:"generation"`         // the newest of the quarantine when it began
	Writes     bool   `json:"writes,omitempty"`   // it adds objects that nothing refers to yet
	Snapshot   string `json:"snapshot,omitempty"` // installation/name of one that it reads; "" for none
	Command    string `json:"command,omitempty"`
	PID        int    `json:"pid"`
	Host       string `json:"host"`

	file string
}

// Who names the process.
func (l *Lease) Who() string { return fmt.Sprintf("%s (process %d on %s)", l.Command, l.PID, l.Host) }

// Release ends the lease. Closing the store does so, too.
func (l *Lease) Release() error {
	if err := os.Remove(l.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("end lease: %w", err)
	}
	return nil
}

// Lease takes a lease with the snapshot, command and rights of l. there is asked, if
// it is not nil, before the lease is taken and while nothing can be deleted: its
// error is returned, and there is no lease.
func (s *Store) Lease(ctx context.Context, l Lease, there func() error) (*Lease, error) {
	room, err := s.TempDir()
	if err != nil {
		return nil, fmt.Errorf("take a lease: %w", err)
	}
	err = s.Exclusive(ctx, func() error {
		if there != nil {
			if err := there(); err != nil {
				return err
			}
		}
		generations, err := s.Generations()
		if err != nil {
			return err
		}
		if n := len(generations); n > 0 {
			l.Generation = generations[n-1]
		}
		l.PID, l.Host = os.Getpid(), thisOwner().Host
		b, err := json.Marshal(l)
		if err != nil {
			return err
		}
		l.file = filepath.Join(room, fmt.Sprintf("%s%d", leasePrefix, s.tmpSeq.Add(1)))
		if err := os.WriteFile(l.file, append(b, '\n'), 0o600); err != nil {
			return errors.Join(fmt.Errorf("take a lease: %w", err), l.Release())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &l, nil
}

// Leases returns those of all living processes, this one's too. A lease that cannot
// be read may protect anything, and is an error. It is called in Exclusive.
func (s *Store) Leases() (all []Lease, err error) {
	rooms, err := os.ReadDir(s.Path("tmp"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look for leases: %w", err)
	}
	network := OnNetwork(s.dir)
	for _, room := range rooms {
		if !room.IsDir() {
			continue
		}
		of, err := leasesOf(s.Path("tmp", room.Name()), network)
		if err != nil {
			return nil, fmt.Errorf("look for leases: %w", err)
		}
		all = append(all, of...)
	}
	return all, nil
}

// leasesOf reads the leases in a room, if its process lives.
func leasesOf(room string, network bool) (all []Lease, err error) {
	entries, err := os.ReadDir(room)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // swept meanwhile
	}
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return !strings.HasPrefix(e.Name(), leasePrefix) })
	if len(entries) == 0 {
		return nil, nil
	}
	if dead, err := roomIsDead(room, network); err != nil || dead {
		return nil, err
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(room, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // released meanwhile
		}
		var l Lease
		if err == nil {
			err = json.Unmarshal(b, &l)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(room, e.Name()), err)
		}
		all = append(all, l)
	}
	return all, nil
}

// roomIsDead says whether the process that made a room is known to be no more.
func roomIsDead(dir string, network bool) (bool, error) {
	f, err := os.OpenFile(filepath.Join(dir, roomLock), os.O_RDWR, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil // swept, or being swept
	case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.EROFS):
		return false, nil // it cannot be asked: it may live
	case err != nil:
		return false, err
	}
	defer f.Close()
	return roomIsNobodys(f, network)
}

// Exclusive runs f while no other process is in its own Exclusive. It is for moments:
// the listing of snapshots changes in it, and leases are taken in it.
func (s *Store) Exclusive(ctx context.Context, f func() error) error {
	dir, err := s.Folder("locks")
	if err != nil {
		return fmt.Errorf("lock references: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "references"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("lock references: %w", err)
	}
	defer lock.Close()
	for wait := time.Millisecond; ; wait = min(2*wait, maxLockWait) {
		err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return f()
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("lock references: %w", &fs.PathError{Op: "lock", Path: lock.Name(), Err: err})
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("lock references: %w", ctx.Err())
		}
	}
}

// maxLockWait is how long it takes at most to see that a lock is free: it is held for
// milliseconds.
const maxLockWait = 50 * time.Millisecond

// CannotWrite says whether an error means that a store cannot be written to just now:
// it is mounted read-only, belongs to somebody else, or has no room.
func CannotWrite(err error) bool {
	for _, e := range []error{unix.EROFS, unix.EACCES, unix.EPERM, unix.ENOSPC, unix.EDQUOT} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
