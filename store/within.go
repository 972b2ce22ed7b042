package store

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Some stores lie in another one and belong to it: a place below its own directory that
// has a format, objects and snapshots of its own, and shares no block with anything
// outside.

// Within opens the store at a path in this one, which closes it. It is opened once.
func (s *Store) Within(elem ...string) (*Store, error) {
	dir := s.Path(elem...)
	s.tmpMu.Lock()
	i := slices.IndexFunc(s.inner, func(x *Store) bool { return x.dir == dir && x.stillThere() })
	if i >= 0 {
		defer s.tmpMu.Unlock()
		return s.inner[i], nil
	}
	s.tmpMu.Unlock()
	inner, err := Open(dir)
	if err != nil {
		return nil, err
	}
	s.adopt(inner)
	return inner, nil
}

// InitWithin makes a store at a path in this one, which closes it.
func (s *Store) InitWithin(now time.Time, elem ...string) (*Store, error) {
	inner, err := create(s.Path(elem...), now)
	if err != nil {
		return nil, err
	}
	s.adopt(inner)
	return inner, nil
}

func (s *Store) adopt(inner *Store) {
	inner.noClone.Store(true) // a copy that shares blocks with its source, and so with other copies, is none
	inner.fault = s.fault
	s.tmpMu.Lock()
	defer s.tmpMu.Unlock()
	s.inner = append(s.inner, inner)
}

// stillThere says whether the store is still at its path, and not another one or none.
func (s *Store) stillThere() bool {
	var open, named, head unix.Stat_t
	return unix.Stat(s.Path("store.json"), &head) == nil && unix.Fstat(s.objects, &open) == nil && unix.Stat(s.Path("objects"), &named) == nil && sameFile(&open, &named)
}

// CloseWithin closes such a store before this one is closed: before it is moved.
func (s *Store) CloseWithin(inner *Store) error {
	s.tmpMu.Lock()
	defer s.tmpMu.Unlock()
	i := slices.Index(s.inner, inner)
	if i < 0 {
		return nil
	}
	s.inner = slices.Delete(s.inner, i, i+1)
	return inner.Close()
}

// ReadCold has the bytes of objects that are checked read from the disk from now on, and
// not from the kernel's memory of what was just written there. They must be synced.
func (s *Store) ReadCold() { s.cold.Store(true) }
