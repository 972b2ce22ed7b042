package store

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// staged is a file that has no name yet, or one in tmp/ that nobody trusts.
type staged struct {
	s    *Store
	fd   int
	name string // below tmp/; empty for an unnamed file
}

// stage opens a new file for writing.
func (w *Writer) stage() (*staged, error) {
	s := w.s
	tmp, err := s.tmpDir()
	if err != nil {
		return nil, err
	}
	if !s.noTmp.Load() {
		fd, err := OpenUnnamed(tmp, ".", 0o444)
		if err == nil {
			return &staged{s: s, fd: fd}, nil
		}
		if !errors.Is(err, ErrNoUnnamed) {
			return nil, fmt.Errorf("create a file in %s: %w", s.Path("tmp"), err)
		}
		s.noTmp.Store(true)
	}
	name, err := s.tmpName()
	if err != nil {
		return nil, err
	}
	fd, err := unix.Openat(tmp, name, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR|unix.O_CLOEXEC, 0o444)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", s.Path("tmp", name), err)
	}
	return &staged{s, fd, name}, nil
}

// tmpName is a name below tmp/ that no other process or call uses.
func (s *Store) tmpName() (string, error) {
	room, err := s.room()
	return fmt.Sprintf("%s/%d", room, s.tmpSeq.Add(1)), err
}

// link gives the file its object's name. EEXIST is returned bare.
func (t *staged) link(h Hash) error {
	err := t.linkAs(t.s.objects, h.path())
	if errors.Is(err, unix.ENOENT) {
		if _, err := t.s.Folder("objects/" + h.path()[:2]); err != nil {
			return fmt.Errorf("add object %s: %w", h, err)
		}
		err = t.linkAs(t.s.objects, h.path())
	}
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("add object %s: %w", h, err)
	}
	return err
}

func (t *staged) linkAs(dirfd int, path string) error {
	s := t.s
	if s.chmod {
		if err := unix.Fchmod(t.fd, 0o444); err != nil {
			return err
		}
	}
	if t.name != "" {
		return unix.Linkat(s.tmp, t.name, dirfd, path, 0)
	}
	return LinkUnnamed(t.fd, dirfd, path)
}

// replace puts the file in the place of an object, at once. It is synced
// first: a rename that a power cut cuts short must leave the old or the new.
func (t *staged) replace(h Hash) error {
	name := t.name
	if name == "" {
		var err error
		if name, err = t.s.tmpName(); err != nil {
			return err
		}
		if err := t.linkAs(t.s.tmp, name); err != nil {
			return fmt.Errorf("replace object %s: %w", h, err)
		}
		t.name = name
	}
	if err := unix.Fsync(t.fd); err != nil {
		return fmt.Errorf("replace object %s: %w", h, err)
	}
	if err := unix.Renameat(t.s.tmp, name, t.s.objects, h.path()); err != nil {
		return fmt.Errorf("replace object %s: %w", h, err)
	}
	t.name = ""
	return nil
}

// heal replaces an object that holds other bytes, which outlive it in the
// directory aside: somebody may want to know what became of them.
func (t *staged) heal(h Hash, aside string) error {
	if err := t.s.keepAside(h, t.s.Path(cmp.Or(aside, "trash"))); err != nil {
		return err
	}
	return t.replace(h)
}

// keepAside makes a further link to an object's present bytes in dir. What was
// kept there before stays.
func (s *Store) keepAside(h Hash, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("keep object %s aside: %w", h, err)
	}
	name := filepath.Join(dir, h.String())
	for i := 2; ; i++ {
		err := unix.Linkat(s.objects, h.path(), unix.AT_FDCWD, name, 0)
		switch {
		case err == nil, errors.Is(err, unix.ENOENT), errors.Is(err, unix.EMLINK): // days keep one that has all links
			return nil
		case !errors.Is(err, unix.EEXIST):
			return fmt.Errorf("keep object %s as %s: %w", h, name, err)
		}
		name = filepath.Join(dir, fmt.Sprintf("%s.%d", h, i))
	}
}

// discard closes the file and takes its temporary name away.
func (t *staged) discard() {
	unix.Close(t.fd)
	if t.name != "" {
		unix.Unlinkat(t.s.tmp, t.name, 0)
	}
}
