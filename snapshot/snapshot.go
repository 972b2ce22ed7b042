package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"

	"repotool/fossology"
	"repotool/store"
)

// A Snapshot is one that was taken, open for reading.
type Snapshot struct {
	Manifest *Manifest
	Store    *store.Store // that holds its objects: the root, or that of its cycle
	Root     *store.Store // where it was found
	owners   *ownersHere  // that its entries are to have; nil: those that they have
}

// Find opens the snapshot that ref names: its time or the beginning of it,
// "latest", or "latest~1" for the one before, in the store or in a cycle. A wrong name is
// a *RefError.
func Find(st *store.Store, installation, ref string) (*Snapshot, error) {
	return find(st, installation, ref, places)
}

// FindOwn is [Find] without the cycles.
func FindOwn(st *store.Store, installation, ref string) (*Snapshot, error) {
	return find(st, installation, ref, ownPlaces)
}

func find(st *store.Store, installation, ref string, list func(*store.Store, string) ([]place, error)) (*Snapshot, error) {
	for {
		all, err := list(st, installation)
		if err != nil {
			return nil, err
		}
		p, err := choose(all, ref)
		if err != nil {
			return nil, err
		}
		m, err := loadManifest(p.in, installation, p.name)
		if errors.Is(err, fs.ErrNotExist) && !exists(filepath.Join(snapshotsDir(p.in, installation), p.name)) {
			continue // forgotten since it was listed: no damage, and ref means another one now, or none
		}
		if err != nil {
			return nil, err
		}
		return &Snapshot{Manifest: m, Store: p.in, Root: st}, nil
	}
}

func loadManifest(st *store.Store, installation, name string) (*Manifest, error) {
	file := filepath.Join(snapshotsDir(st, installation), name, "manifest")
	m, err := readManifest(file)
	if err != nil {
		return nil, err
	}
	// A good manifest in the wrong place must not be restored under another name.
	if m.Name() != name || m.Installation != installation {
		return nil, fmt.Errorf("%s: it is that of snapshot %s of %q: %w", file, m.Name(), m.Installation, ErrDamagedManifest)
	}
	return m, nil
}

// Name is the snapshot's name.
func (s *Snapshot) Name() string { return s.Manifest.Name() }

// Summary says how the snapshot was made.
func (s *Snapshot) Summary() *Summary {
	x := readSummary(s.Store, s.Manifest.Installation, s.Name())
	if s.Root != nil && s.Store != s.Root {
		x.Scheme, x.Cycle = SchemeRotating, filepath.Base(s.Store.Dir())
	}
	return x
}

// Entries yields what the snapshot holds at and below prefix ("" for all),
// sorted by path as fossology.ComparePaths does.
func (s *Snapshot) Entries(ctx context.Context, prefix string) iter.Seq2[Entry, error] {
	return entries(ctx, s.Store, s.Manifest.Segments, prefix)
}

// Uses yields every object that the snapshot needs, with what for, and the
// entries that need none; an object that serves several times comes several times.
func (s *Snapshot) Uses(ctx context.Context) iter.Seq2[Use, error] {
	return func(yield func(Use, error) bool) {
		for _, seg := range s.Manifest.Segments {
			if !yield(Use{Object: seg.Object, Size: seg.Bytes, For: "manifest"}, nil) {
				return
			}
		}
		if s.Manifest.Database != nil {
			for _, part := range s.Manifest.Database.Parts {
				for i, p := range part.Pieces {
					if !yield(Use{Object: p.Object, Size: p.Len, For: "database/" + part.PieceName(i)}, nil) {
						return
					}
				}
			}
		}
		for e, err := range s.dayEntries(ctx) {
			if err != nil {
				yield(Use{}, err)
				return
			}
			if e.absent {
				continue
			}
			u := Use{e.Object, e.Size, e.Path, &e.Entry, e.shown}
			if e.LeftOut() {
				u.Object = store.Hash{}
			}
			if !yield(u, nil) {
				return
			}
		}
	}
}

// A Use is an object and what a snapshot needs it for.
type Use struct {
	Object store.Hash // zero: of an entry that has none, or that gold brings back
	Size   int64
	For    string // a path of the repository, database/…, or manifest
	Entry  *Entry // of the repository; nil for what belongs to the manifest or the database
	InDay  bool   // a day directory shows the entry
}

// A Change is a difference between two snapshots. Old or New is nil where
// the path is in one of them only.
type Change struct {
	Path     string
	Old, New *Entry
}

// Content says whether the bytes differ, not only mode, owner or time.
func (c Change) Content() bool {
	return c.Old == nil || c.New == nil || !c.Old.contentEqual(c.New)
}

// standing yields what stood in the repository.
func (s *Snapshot) standing(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for e, err := range s.Entries(ctx, "") {
			if (err != nil || !e.Gone) && !yield(e, err) {
				return
			}
		}
	}
}

// Diff yields what differs between two snapshots, sorted by path. Whether a file
// is stored or left out is no difference of the repository; one that is gone from it has
// been removed, though a snapshot keeps it.
func Diff(ctx context.Context, from, to *Snapshot) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		byPath := func(a, b Entry) int { return fossology.ComparePaths(a.Path, b.Path) }
		for p, err := range pairs(from.standing(ctx), to.standing(ctx), byPath) {
			c := Change{Old: p.a, New: p.b}
			switch {
			case err != nil:
				yield(Change{}, fmt.Errorf("compare snapshots: %w", err))
				return
			case p.a == nil:
				c.Path = p.b.Path
			case p.b == nil || p.a.differs(p.b):
				c.Path = p.a.Path
			default:
				continue
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}
