package snapshot

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"repotool/store"
)

// A Scheme says how snapshots follow each other.
type Scheme string

// The schemes. The zero value is SchemeLinked.
const (
	SchemeLinked   Scheme = "linked"   // each day is complete, and all share their objects
	SchemeRotating Scheme = "rotating" // a base, days that hold what changed, and a new base in their place
)

// A Cycle is a base and the days that build on it. It is a store of its own inside of the
// store, cycles/<installation>/<base>: so it shares nothing with the cycle before, no
// object, no manifest, no block on the disk, and goes as a whole.
type Cycle struct {
	Installation string
	Base         string // the name of its first snapshot
	Store        *store.Store
	Err          error // why it cannot be opened; Store is then nil
}

func cyclesDir(st *store.Store, installation string) string {
	return st.Path("cycles", installation)
}

// Cycles opens the cycles of an installation, oldest first. They are closed with the store.
func Cycles(st *store.Store, installation string) ([]Cycle, error) {
	names, err := directories(cyclesDir(st, installation))
	if err != nil {
		return nil, fmt.Errorf("list cycles: %w", err)
	}
	var all []Cycle
	for _, name := range names {
		if _, err := time.Parse(TimeFormat, name); err != nil {
			continue
		}
		c := Cycle{Installation: installation, Base: name}
		c.Store, c.Err = st.Within("cycles", installation, name)
		if c.Err != nil && !exists(c.dir(st)) {
			continue // it has just gone
		}
		all = append(all, c)
	}
	return all, nil
}

// AllCycles opens the cycles of all installations.
func AllCycles(st *store.Store) ([]Cycle, error) {
	installations, err := directories(st.Path("cycles"))
	if err != nil {
		return nil, fmt.Errorf("list cycles: %w", err)
	}
	var all []Cycle
	for _, installation := range installations {
		of, err := Cycles(st, installation)
		if err != nil {
			return nil, err
		}
		all = append(all, of...)
	}
	return all, nil
}

func (c *Cycle) dir(root *store.Store) string {
	return filepath.Join(cyclesDir(root, c.Installation), c.Base)
}

// Dir is where the cycle lies in its store.
func (c *Cycle) Dir() string { return "cycles/" + c.Installation + "/" + c.Base }

// List returns the summaries of an installation's snapshots, those of its cycles too,
// oldest first. Of a cycle that cannot be opened there are none: see [Cycles]. A summary
// that cannot be read is replaced, as in [ListOwn].
func List(st *store.Store, installation string) ([]*Summary, error) {
	return list(st, installation, places)
}

// ListOwn returns the summaries of the snapshots that an installation has in the store
// itself, without those of its cycles, oldest first. A summary that cannot be read is
// replaced by what name and manifest say, with a finding; it is not Known.
func ListOwn(st *store.Store, installation string) ([]*Summary, error) {
	return list(st, installation, ownPlaces)
}

func list(st *store.Store, installation string, places func(*store.Store, string) ([]place, error)) ([]*Summary, error) {
	all, err := places(st, installation)
	if err != nil {
		return nil, err
	}
	list := make([]*Summary, 0, len(all))
	for _, p := range all {
		x := readSummary(p.in, installation, p.name)
		if !x.Known() && !exists(filepath.Join(snapshotsDir(p.in, installation), p.name)) {
			continue // forgotten meanwhile
		}
		if p.in != st {
			x.Scheme, x.Cycle = SchemeRotating, filepath.Base(p.in.Dir())
		}
		list = append(list, x)
	}
	return list, nil
}

// place is where a snapshot is: in the store itself, or in a cycle.
type place struct {
	name string
	in   *store.Store
}

// ownPlaces lists the snapshots that an installation has in the store itself.
func ownPlaces(st *store.Store, installation string) (all []place, err error) {
	names, err := listNames(st, installation)
	for _, n := range names {
		all = append(all, place{n, st})
	}
	return all, err
}

// places lists the snapshots of an installation wherever they are, oldest first.
func places(st *store.Store, installation string) ([]place, error) {
	all, err := ownPlaces(st, installation)
	if err != nil {
		return nil, err
	}
	cycles, err := Cycles(st, installation)
	if err != nil {
		return nil, err
	}
	for _, c := range cycles {
		if c.Err != nil {
			continue
		}
		of, err := ownPlaces(c.Store, installation)
		if err != nil {
			return nil, err
		}
		all = append(all, of...)
	}
	slices.SortStableFunc(all, func(a, b place) int { return cmp.Compare(a.name, b.name) })
	return all, nil
}

// newestName is the name of the newest snapshot that a store and its cycles have, whether
// or not they can be opened; "" if there is none.
func newestName(st *store.Store, installation string) (newest string, err error) {
	cycles, err := directories(cyclesDir(st, installation))
	if err != nil {
		return "", fmt.Errorf("list cycles: %w", err)
	}
	dirs := []string{snapshotsDir(st, installation)}
	for _, c := range cycles {
		dirs = append(dirs, filepath.Join(cyclesDir(st, installation), c, "snapshots", installation))
	}
	for _, dir := range dirs {
		names, err := directories(dir)
		if err != nil {
			return "", fmt.Errorf("list snapshots: %w", err)
		}
		for _, name := range names {
			if _, err := time.Parse(TimeFormat, name); err == nil {
				newest = max(newest, name)
			}
		}
	}
	return newest, nil
}
