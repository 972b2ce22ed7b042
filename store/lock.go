package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// A Lock keeps other processes out of one activity. It goes with the process:
// a crash leaves no lock behind, only a file that nobody holds.
type Lock struct {
	f *os.File
}

// Lock takes the lock locks/<name>. If another process has it, the error is a
// *LockedError that says who. The command describes the holder to others.
func (s *Store) Lock(_ context.Context, name, command string, now time.Time) (*Lock, error) {
	dir, err := s.Folder("locks")
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		locked := &LockedError{Name: name, Path: f.Name()}
		b, _ := io.ReadAll(io.LimitReader(f, 1<<16))
		if json.Unmarshal(b, &locked.Holder) != nil {
			locked.Holder = Holder{} // it has not written its name yet
		}
		return nil, locked
	}
	host, _ := os.Hostname()
	b, err := json.Marshal(Holder{PID: os.Getpid(), Host: host, Since: now, Command: command})
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteAt(append(b, '\n'), 0)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return &Lock{f}, nil
}

// Unlock lets the next one in. The name goes first: it must not be taken for
// that of the next holder, who has the lock a moment before he writes his own.
func (l *Lock) Unlock() error { return errors.Join(l.f.Truncate(0), l.f.Close()) }
