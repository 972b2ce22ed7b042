package snapshot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"repotool/store"
)

// listNames returns the names of an installation's snapshots, oldest first.
func listNames(st *store.Store, installation string) ([]string, error) {
	dirs, err := os.ReadDir(snapshotsDir(st, installation))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list snapshots: %w", err)
	}
	var names []string
	for _, d := range dirs {
		if _, err := time.Parse(TimeFormat, d.Name()); err == nil {
			names = append(names, d.Name())
		}
	}
	return names, nil
}

// Installations returns the names of the installations in a store, sorted.
func Installations(st *store.Store) ([]string, error) {
	var names []string
	for _, dir := range []string{"snapshots", "cycles"} {
		of, err := directories(st.Path(dir))
		if err != nil {
			return nil, fmt.Errorf("list installations: %w", err)
		}
		names = append(names, of...)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func readSummary(st *store.Store, installation, name string) *Summary {
	s := new(Summary)
	b, err := os.ReadFile(filepath.Join(snapshotsDir(st, installation), name, "summary.json"))
	if err == nil {
		err = json.Unmarshal(b, s)
	}
	if err == nil && s.Name != name {
		err = fmt.Errorf("summary.json is that of snapshot %q", s.Name)
	}
	if err != nil {
		t, _ := time.Parse(TimeFormat, name)
		*s = Summary{Installation: installation, Name: name, Time: t, FindingCount: map[FindingKind]int64{OldSnapshot: 1},
			First: []Finding{{OldSnapshot, name, err.Error()}}}
		if m, err := loadManifest(st, installation, name); err == nil {
			s.count(m)
		}
	}
	return s
}

// Resolve is the name of the snapshot that ref stands for, as in [Find], whether or not
// its manifest can be read.
func Resolve(st *store.Store, installation, ref string) (string, error) {
	all, err := places(st, installation)
	if err != nil {
		return "", err
	}
	p, err := choose(all, ref)
	return p.name, err
}

// choose is the place of the one snapshot that ref names.
func choose(all []place, ref string) (place, error) {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.name
	}
	name, err := resolve(names, ref)
	if err != nil {
		return place{}, err
	}
	return all[slices.Index(names, name)], nil
}

// resolve finds the one snapshot that ref names: a time or the beginning of
// one, "latest", or "latest~2" for the second before it.
func resolve(names []string, ref string) (string, error) {
	if rest, ok := strings.CutPrefix(ref, "latest"); ok {
		back := 0
		if rest != "" {
			n, err := strconv.Atoi(strings.TrimPrefix(rest, "~"))
			if err != nil || n < 0 || rest[0] != '~' {
				return "", &RefError{ref, names, "write latest~1 for the one before the latest"}
			}
			back = n
		}
		switch {
		case len(names) == 0:
			return "", &RefError{ref, names, "there are no snapshots"}
		case back >= len(names):
			return "", &RefError{ref, names, fmt.Sprintf("the oldest is latest~%d", len(names)-1)}
		}
		return names[len(names)-1-back], nil
	}
	var found []string
	for _, n := range names {
		if n == ref {
			return n, nil
		}
		if ref != "" && strings.HasPrefix(n, ref) {
			found = append(found, n)
		}
	}
	switch {
	case len(names) == 0:
		return "", &RefError{ref, names, "there are no snapshots"}
	case len(found) == 0:
		return "", &RefError{ref, names, "no snapshot begins like that"}
	case len(found) == 1:
		return found[0], nil
	}
	return "", &RefError{ref, names, fmt.Sprintf("%d snapshots begin like that, from %s to %s", len(found), found[0], found[len(found)-1])}
}

// A RefError says that a name stands for no snapshot, or for several.
type RefError struct {
	Ref    string
	Names  []string
	Reason string
}

func (e *RefError) Error() string { return fmt.Sprintf("snapshot %q: %s", e.Ref, e.Reason) }

// Unwrap makes it an ErrNoSnapshot.
func (e *RefError) Unwrap() error { return ErrNoSnapshot }

// Hint says what to do about it.
func (e *RefError) Hint() string {
	if len(e.Names) == 0 {
		return "this installation has no snapshot here; check --store and --installation"
	}
	return "'repotool snapshots' lists them; the latest is " + e.Names[len(e.Names)-1]
}
