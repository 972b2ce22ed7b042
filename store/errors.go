package store

import (
	"errors"
	"fmt"
	"time"
)

// Opening a store.
var (
	// ErrNoStore: the directory holds no store.json.
	ErrNoStore = errors.New("no repotool store here")
	// ErrHeaderLost: the directory holds a store whose store.json is missing or
	// damaged. [Adopt] makes it anew.
	ErrHeaderLost = errors.New("a store without a good store.json")
	// ErrNewerFormat: the store was written by a later version of repotool.
	ErrNewerFormat = errors.New("store format is newer than this repotool")
	// ErrExists: Init or Adopt found a store in place.
	ErrExists = errors.New("a store is there already")
)

// ErrNoObject is returned for an object that the store does not hold.
var ErrNoObject = errors.New("no such object")

// A UnfitError says why a file system cannot carry a store.
type UnfitError struct {
	Dir    string
	Reason string
	Advice string
}

func (e *UnfitError) Error() string {
	return fmt.Sprintf("%s cannot hold a store: %s", e.Dir, e.Reason)
}

// Hint says what to do about it.
func (e *UnfitError) Hint() string { return e.Advice }

// A DamagedError says that an object's bytes are not those of its name.
type DamagedError struct {
	Object Hash
	Got    Hash
	Size   int64
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("object %s: its %d bytes hash to %s", e.Object, e.Size, e.Got)
}

// Hint says what to do about it.
func (e *DamagedError) Hint() string {
	return "run 'repotool verify --repair': it takes the bytes from the live repository if they still are there"
}

// A FolderError says that a folder of objects cannot be read.
type FolderError struct {
	Folder string // below the store
	Err    error
}

func (e *FolderError) Error() string { return fmt.Sprintf("read %s: %v", e.Folder, e.Err) }
func (e *FolderError) Unwrap() error { return e.Err }

// Holder says who holds a lock. It is what the lock's file contains.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Since   time.Time `json:"since"`
	Command string    `json:"command"`
}

// A LockedError says that somebody else holds a lock.
type LockedError struct {
	Name   string
	Path   string // of the lock's file
	Holder Holder // zero if it has not written its name yet
}

func (e *LockedError) Error() string {
	if e.Holder.PID == 0 {
		return fmt.Sprintf("%s is locked by a run that has just begun and has not written its name yet", e.Name)
	}
	return fmt.Sprintf("%s is locked by %s (process %d on %s, since %s)", e.Name, e.Holder.Command,
		e.Holder.PID, e.Holder.Host, e.Holder.Since.Local().Format("2006-01-02 15:04:05"))
}

// Hint says what to do about it.
func (e *LockedError) Hint() string {
	if e.Holder.PID == 0 {
		return "run the command again to see who it is, or ask the system: fuser -v " + e.Path
	}
	return "wait for it to end; the lock goes with its process, there is nothing to delete"
}

// A SourceError says that the bytes to be stored could not be read: the fault
// is not the store's.
type SourceError struct{ Err error }

func (e *SourceError) Error() string { return "read: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *SourceError) Unwrap() error { return e.Err }

// ErrObjectsLost is returned for a store without objects/: the better part of it is gone,
// or on a disk that is not mounted.
var ErrObjectsLost = errors.New("its objects/ is not there")
