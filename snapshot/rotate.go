package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"repotool/store"
)

// In the scheme rotating, Rotate takes each snapshot. It begins with a base: a cycle, in
// which all is read from the repository and hashed again. Then come days, each of which
// adds what changed. Then a new base is made beside the old cycle, under a name that
// nobody looks at; all of it is read back from the disk and checked; it gets its name by
// one rename; and only then the old cycle goes, if the new one lacks nothing that the old
// one has (retire.go). A run that is cut short leaves the old cycle as it was, and
// what it had copied is found by the next.

// RotateOptions say how to take a snapshot in the scheme rotating.
type RotateOptions struct {
	TakeOptions // Store holds the cycles
	Length      CycleLength
	Keep        int // how many cycles stay beside the newest

	// Check reads a new base, and returns why it is not good.
	Check func(context.Context, *store.Store) error
}

// A Rotation says what became of cycles in a run.
type Rotation struct {
	NewBase string      `json:"newBase,omitempty"` // why a new cycle was begun
	Removed []string    `json:"removed,omitempty"` // old cycles, by their bases
	Kept    []KeptCycle `json:"kept,omitempty"`    // old ones that were to go
}

// A BaseError says that a new base was not good. It was removed; the old cycle is as it was.
type BaseError struct{ Err error }

func (e *BaseError) Error() string {
	return fmt.Sprintf("the new base is not what was written, and was removed: %v", e.Err)
}

// Unwrap returns the cause.
func (e *BaseError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *BaseError) Hint() string {
	return "the cycle before stays as it was; look for a disk that fails (dmesg), then run it again"
}

// A RoomError says that a new base did not fit beside the old cycle. What was copied of it
// was removed, since nothing else had room either.
type RoomError struct{ Err error }

func (e *RoomError) Error() string {
	return fmt.Sprintf("a new base does not fit beside the old cycle: %v", e.Err)
}

// Unwrap returns the cause.
func (e *RoomError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *RoomError) Hint() string {
	return "the old cycle is as it was, and what was copied of the new base was removed: make room for all of it, or make longer cycles (--cycle), or use --scheme linked, which stores what is the same once"
}

// unfinished is the base that is being made, among the cycles.
const unfinished = building + "base"

// Rotate takes a snapshot in the scheme rotating. If an error comes with a result, the
// snapshot was taken, and an old cycle could not be removed.
func Rotate(ctx context.Context, o RotateOptions) (*Summary, error) {
	o.setDefaults()
	if err := o.Store.Apart(o.Repository); err != nil {
		return nil, fmt.Errorf("snapshot of %s: %w", o.Repository, err)
	}
	lock, err := o.Store.Lock(ctx, "snapshot-"+o.Installation, o.Command, o.Now())
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	cycles, err := Cycles(o.Store, o.Installation)
	if err != nil {
		return nil, err
	}
	r := &rotator{o: o}
	why, err := r.due(cycles)
	if err != nil {
		return nil, err
	}
	var s *Summary
	if why == "" {
		s, err = r.day(ctx, cycles[len(cycles)-1])
	} else {
		s, err = r.base(ctx)
	}
	if err != nil {
		return nil, err
	}
	s.Scheme, s.Rotation = SchemeRotating, &Rotation{NewBase: why}
	if err := r.retire(ctx, s.Rotation); err != nil {
		return s, fmt.Errorf("snapshot %s was taken, but the old cycle is still there: %w", s.Name, err)
	}
	return s, nil
}

// Due says why a snapshot now would begin with a new base; "" if it would not.
func Due(o RotateOptions) (string, error) {
	o.setDefaults()
	cycles, err := Cycles(o.Store, o.Installation)
	if err != nil {
		return "", err
	}
	return (&rotator{o: o}).due(cycles)
}

type rotator struct{ o RotateOptions }

// day adds a day to a cycle.
func (r *rotator) day(ctx context.Context, c Cycle) (*Summary, error) {
	t := r.o.TakeOptions
	t.Store, t.Changes = c.Store, true
	var err error
	if t.Before, err = r.newest(); err != nil {
		return nil, err
	}
	s, err := Take(ctx, t)
	if err == nil {
		s.Cycle = c.Base
	}
	return s, err
}

// newest is what the newest snapshot of all says, as far as it can be read.
func (r *rotator) newest() (*Manifest, error) {
	all, err := places(r.o.Store, r.o.Installation)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	last := all[len(all)-1]
	if m, err := loadManifest(last.in, r.o.Installation, last.name); err == nil {
		return m, nil
	}
	at, err := parseTime(last.name)
	return &Manifest{Time: at}, err
}

// base makes a new base, and makes it visible when all of it was read back.
func (r *rotator) base(ctx context.Context) (*Summary, error) {
	dir := cyclesDir(r.o.Store, r.o.Installation)
	for _, name := range []string{filepath.Dir(dir), dir} {
		if err := os.Mkdir(name, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("make a place for cycles: %w", err)
		}
	}
	in, err := r.begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin a new base: %w", err)
	}
	defer r.o.Store.CloseWithin(in)
	t := r.o.TakeOptions
	t.Store, t.FullScan = in, true
	if t.Before, err = r.newest(); err != nil {
		return nil, err
	}
	s, err := Take(ctx, t)
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return nil, errors.Join(&RoomError{err}, store.RemoveTree(context.WithoutCancel(ctx), filepath.Join(dir, unfinished)))
	}
	if err != nil {
		return nil, err
	}
	s.Cycle = s.Name
	in.ReadCold()
	if err := r.o.Check(ctx, in); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, errors.Join(&BaseError{err}, store.RemoveTree(context.WithoutCancel(ctx), filepath.Join(dir, unfinished)))
	}
	if err := r.o.Store.CloseWithin(in); err != nil {
		return nil, fmt.Errorf("end a new base: %w", err)
	}
	if err := r.publish(dir, s.Name); err != nil {
		return nil, fmt.Errorf("publish a new base: %w", err)
	}
	return s, nil
}

// publish gives the base its name. All of it is durable: Take synced the file system.
func (r *rotator) publish(dir, name string) error {
	if err := r.o.Store.Rename(filepath.Join(dir, unfinished), filepath.Join(dir, name)); err != nil {
		return err
	}
	for _, d := range []string{dir, filepath.Dir(dir), r.o.Store.Dir()} {
		if err := r.o.Store.SyncDir(d); err != nil {
			return err
		}
	}
	return nil
}

// begin opens the place where a base is made. What a run that was cut short has copied
// there is used: its objects are compared with what is read now. Its snapshot, if it had
// come that far, is of another moment, and is not.
func (r *rotator) begin(ctx context.Context) (*store.Store, error) {
	at := []string{"cycles", r.o.Installation, unfinished}
	dir := r.o.Store.Path(at...)
	in, err := r.o.Store.Within(at...)
	if err == nil {
		for _, left := range []string{snapshotsDir(in, r.o.Installation), daysDir(in, r.o.Installation), in.Path("cache")} {
			if err == nil {
				err = store.RemoveTree(ctx, left)
			}
		}
		return in, err
	}
	if exists(dir) {
		if err := store.RemoveTree(ctx, dir); err != nil {
			return nil, err
		}
	}
	return r.o.Store.InitWithin(r.o.Now(), at...)
}
