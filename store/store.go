package store

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Version is the format that this package writes.
const Version = 1

// readme is the procedure for whoever finds a store and has no repotool.
//
//go:embed README.txt
var readme []byte

// topFolders are made by Init. Those that hold nothing durable come last.
var topFolders = []string{"objects", "snapshots", "days", "ledger", "quarantine", "trash", "tmp", "locks", "cache"}

// A Store is an open store on a local file system. Its methods may be called
// from several goroutines.
type Store struct {
	dir     string
	head    header
	objects int // directory handle of objects/
	chmod   bool
	tmpSeq  atomic.Uint64
	noTmp   atomic.Bool // the file system has no O_TMPFILE
	noClone atomic.Bool // FICLONE is refused
	cold    atomic.Bool // see ReadCold
	renewMu sync.Mutex
	fault   Fault // of tests; else nil

	tmpMu   sync.Mutex
	tmp     int // directory handle of tmp/, if tmpOpen
	tmpOpen bool

	inner []*Store // see Within; tmpMu

	roomMu   sync.Mutex
	roomName string   // below tmp/
	roomHeld *os.File // its lock; nil: no room yet
}

// Init makes a store in dir, which must be missing or empty, after probing
// whether the file system can carry one. A refusal is an *UnfitError. What an
// Init that was cut short has left is taken over by the next.
func Init(_ context.Context, dir string, now time.Time) (*Store, error) { return create(dir, now) }

func create(dir string, now time.Time) (*Store, error) {
	if _, err := os.Stat(filepath.Join(dir, "store.json")); err == nil {
		return nil, fmt.Errorf("init %s: %w", dir, ErrExists)
	}
	if hasRemains(dir) {
		return nil, &UnfitError{dir, "it holds " + ErrHeaderLost.Error(), AdoptAdvice(dir)}
	}
	if !isFree(dir) {
		return nil, &UnfitError{dir, "it is not empty", "name an empty or a new directory"}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("init store: %w", err)
	}
	if err := Probe(dir); err != nil {
		return nil, err
	}
	for _, name := range topFolders {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return nil, fmt.Errorf("init store: %w", err)
		}
	}
	if err := MakeObjects(dir); err != nil {
		return nil, err
	}
	if err := writeHeader(dir, now); err != nil {
		return nil, err
	}
	return Open(dir)
}

// MakeObjects makes the folders of objects that are not there, in a store whose objects/ is
// gone. What is in snapshots/ and days/ then says what there was.
func MakeObjects(dir string) error {
	for i := range 256 {
		name := filepath.Join(dir, "objects", hex.EncodeToString([]byte{byte(i)}))
		if err := os.MkdirAll(name, 0o755); err != nil {
			return fmt.Errorf("make objects/: %w", err)
		}
	}
	return nil
}

// writeHeader writes store.json, last: a directory without it is no store.
func writeHeader(dir string, now time.Time) error {
	var id [16]byte
	rand.Read(id[:])
	return header{Version: Version, ID: hex.EncodeToString(id[:]), Created: now.UTC()}.write(dir)
}

// isFree says whether a directory is missing or empty, but for what an Init makes
// before it is done: empty folders, and the README.
func isFree(dir string) bool {
	for _, e := range entriesOf(dir) {
		switch name := e.Name(); {
		case name == "lost+found", name == "README.txt":
		case name == "objects":
			for _, folder := range entriesOf(filepath.Join(dir, name)) {
				if len(entriesOf(filepath.Join(dir, name, folder.Name()))) > 0 {
					return false
				}
			}
		case !slices.Contains(topFolders, name), len(entriesOf(filepath.Join(dir, name))) > 0:
			return false
		}
	}
	return true
}

// entriesOf lists a directory. What cannot be listed is empty here: the first
// write says why.
func entriesOf(dir string) []os.DirEntry {
	entries, _ := os.ReadDir(dir)
	return entries
}

// Open opens the store in dir.
func Open(dir string) (*Store, error) {
	b, err := os.ReadFile(filepath.Join(dir, "store.json"))
	switch {
	case errors.Is(err, fs.ErrNotExist) && hasRemains(dir):
		return nil, fmt.Errorf("open store %s: %w", dir, ErrHeaderLost)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("open store %s: %w", dir, ErrNoStore)
	case err != nil:
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{dir: dir}
	if err := json.Unmarshal(b, &s.head); err != nil {
		return nil, fmt.Errorf("open store %s: %w: %w", dir, ErrHeaderLost, err)
	}
	if s.head.Version > Version {
		return nil, fmt.Errorf("open store %s: version %d, this repotool knows %d: %w", dir, s.head.Version, Version, ErrNewerFormat)
	}
	if s.head.Version < 1 {
		return nil, fmt.Errorf("open store %s: %w: it has no version", dir, ErrHeaderLost)
	}
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC
	s.objects, err = unix.Open(s.Path("objects"), flags, 0)
	if errors.Is(err, unix.ENOENT) && s.isNew() {
		if _, err := s.Folder("snapshots"); err != nil {
			return nil, err
		}
		if _, err := s.Folder("objects"); err != nil {
			return nil, err
		}
		s.objects, err = unix.Open(s.Path("objects"), flags, 0)
	}
	if errors.Is(err, unix.ENOENT) {
		return nil, fmt.Errorf("open store %s: %w: %w", dir, ErrObjectsLost, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open store: %w", &fs.PathError{Op: "open", Path: s.Path("objects"), Err: err})
	}
	s.chmod = Umask()&0o444 != 0
	return s, nil
}

// Close gives the store's handles back and removes what is in its TempDir.
func (s *Store) Close() error {
	errs := []error{s.leaveRoom(), unix.Close(s.objects)}
	for _, inner := range s.inner {
		errs = append(errs, inner.Close())
	}
	if s.tmpOpen {
		errs = append(errs, unix.Close(s.tmp))
	}
	return errors.Join(errs...)
}

// Dir is the store's directory as it was given to Open.
func (s *Store) Dir() string { return s.dir }

// ID is the store's random identity, 32 hex digits.
func (s *Store) ID() string { return s.head.ID }

// Path joins elements to the store's directory.
func (s *Store) Path(elem ...string) string {
	return filepath.Join(append([]string{s.dir}, elem...)...)
}

// Sync makes everything that was written to the store's file system durable,
// with one system call for all of it.
func (s *Store) Sync(context.Context) error {
	err := s.mayChange("syncfs", s.dir)
	if err == nil {
		err = unix.Syncfs(s.objects)
	}
	if err != nil {
		return fmt.Errorf("sync store %s: %w", s.dir, err)
	}
	return nil
}
