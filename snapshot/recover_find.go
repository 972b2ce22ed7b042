package snapshot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"repotool/store"
)

// Broken is a snapshot that cannot be read, or whose day is not there.
type Broken struct {
	Installation string `json:"installation"`
	Snapshot     string `json:"snapshot"`
	Why          string `json:"why"`
	Day          bool   `json:"day"`              // its day directory is there
	Layout       Layout `json:"layout,omitempty"` // of the day that is missing
}

// FindBroken lists the snapshots that cannot be read: those whose manifest, or a segment
// of it, is missing or damaged, and days whose snapshot is not there. With days also those
// that say that they have a day, and have none; it may have been deleted on purpose.
func FindBroken(ctx context.Context, st *store.Store, days bool) (broken []Broken, err error) {
	installations := map[string]bool{}
	for _, top := range []string{"snapshots", "days"} {
		names, err := directories(st.Path(top))
		if err != nil {
			return nil, fmt.Errorf("look for broken snapshots: %w", err)
		}
		for _, n := range names {
			installations[n] = true
		}
	}
	forgotten, err := ListForgotten(st)
	if err != nil {
		return nil, err
	}
	for installation := range installations {
		names := map[string]bool{}
		for _, dir := range []string{snapshotsDir(st, installation), daysDir(st, installation)} {
			found, err := directories(dir)
			if err != nil {
				return nil, fmt.Errorf("look for broken snapshots: %w", err)
			}
			for _, n := range found {
				names[n] = true
			}
		}
		for name := range names {
			going := slices.ContainsFunc(forgotten, func(f Forgotten) bool { return f.Installation == installation && f.Snapshot == name })
			if _, err := time.Parse(TimeFormat, name); err != nil || going {
				continue
			}
			b := Broken{Installation: installation, Snapshot: name, Day: exists(filepath.Join(daysDir(st, installation), name))}
			b.Why, err = unreadable(ctx, st, installation, name)
			if err != nil {
				return nil, err
			}
			if layout := readSummary(st, installation, name).Layout; b.Why == "" && days && !b.Day && layout != LayoutNone && layout != "" {
				b.Why, b.Layout = "its day directory is not there", layout
			}
			if b.Why != "" {
				broken = append(broken, b)
			}
		}
	}
	slices.SortFunc(broken, func(a, b Broken) int {
		return cmp.Or(cmp.Compare(a.Installation, b.Installation), cmp.Compare(a.Snapshot, b.Snapshot))
	})
	return broken, nil
}

// directories lists those of a directory that nobody is building.
func directories(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if e.IsDir() && e.Name()[0] != '.' {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// unreadable says why a snapshot cannot be read; "" if it can.
func unreadable(ctx context.Context, st *store.Store, installation, name string) (string, error) {
	m, err := loadManifest(st, installation, name)
	if errors.Is(err, store.ErrNewerFormat) {
		return "", err // that is not damage
	}
	if err == nil {
		err = checkAllSegments(ctx, st, []*Manifest{m})
	}
	var unsure *UnsureError
	if errors.As(err, &unsure) {
		err = unsure.Err
	}
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err == nil:
		return "", nil
	case !exists(filepath.Join(snapshotsDir(st, installation), name)):
		return "the snapshot is not there, its day is", nil
	}
	return err.Error(), nil
}

// making is what a day is called that is made again. Unlike one that is called building
// it may be incomplete although its snapshot is there.
const making = ".making-"

// MakeDay makes the day directory of a snapshot again, from its manifest and objects. It
// appears complete, or not at all. Files whose objects are lost are missing in it.
func (s *Snapshot) MakeDay(ctx context.Context, layout Layout, p *Progress) error {
	if p == nil {
		p = new(Progress)
	}
	days := daysDir(s.Store, s.Manifest.Installation)
	draft, place := filepath.Join(days, making+s.Name()), filepath.Join(days, s.Name())
	if exists(place) {
		return &fs.PathError{Op: "make", Path: place, Err: unix.EEXIST}
	}
	err := os.MkdirAll(days, 0o755)
	if err == nil {
		err = store.RemoveTree(ctx, draft) // of a run that was killed
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("make day: %w", err)
	}
	m := *s.Manifest // what it says of RESTORE.txt stays: it was written for the same files
	none := func(context.Context, string, store.Hash, error) (bool, error) { return false, nil }
	p.Begin(PhaseDay, m.Total().Files, 0)
	if err := buildDay(ctx, s.Store, &m, layout, draft, p, none); err != nil {
		return errors.Join(err, store.RemoveTree(context.WithoutCancel(ctx), draft))
	}
	if err := errors.Join(s.Store.Sync(ctx), renameDurably(draft, place)); err != nil {
		return fmt.Errorf("make day: %w", err)
	}
	return nil
}
