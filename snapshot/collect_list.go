package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"repotool/store"
)

// An UnsureError says that it is not known what is needed, so nothing is deleted.
type UnsureError struct {
	What string
	Err  error
}

func (e *UnsureError) Error() string {
	return fmt.Sprintf("nothing is collected, since it is not known what %s needs: %v", e.What, e.Err)
}

// Unwrap returns the cause.
func (e *UnsureError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *UnsureError) Hint() string {
	if errors.Is(e.Err, store.ErrNewerFormat) {
		return "collect with the repotool that took that snapshot, or a later one"
	}
	return "'repotool verify' says more; bring it back from another copy of the store, or, if it is not wanted any more, forget it (or move it out of the store)"
}

// A listed is a snapshot that there is.
type listed struct{ installation, name string }

// everySnapshot lists the snapshots of all installations, in Exclusive. It is stricter
// than those who list them for people: whatever stands among snapshots must be one, or
// nothing is known of what it needs; and a day without one shows that one was lost.
func everySnapshot(st *store.Store) ([]listed, error) {
	installations, err := strictly(st.Path("snapshots"))
	if err != nil {
		return nil, err
	}
	var all []listed
	for _, installation := range installations {
		names, err := strictly(st.Path("snapshots", installation))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			all = append(all, listed{installation, name})
		}
	}
	if len(all) == 0 {
		return nil, &UnsureError{"this store", errors.New("it has no snapshot at all: are they on a disk that is not mounted?")}
	}
	return all, noLostSnapshot(st, all)
}

// noLostSnapshot looks for days whose snapshot is neither listed nor forgotten.
func noLostSnapshot(st *store.Store, all []listed) error {
	forgotten, err := ListForgotten(st)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, f := range forgotten {
		known["days/"+f.Installation+"/"+f.Snapshot] = true
	}
	for _, x := range all {
		known["days/"+x.installation+"/"+x.name] = true
	}
	days, err := fs.Glob(os.DirFS(st.Dir()), "days/*/*")
	if err != nil {
		return err
	}
	for _, day := range days {
		if _, err := time.Parse(TimeFormat, filepath.Base(day)); err == nil && !known[day] {
			return &UnsureError{day, errors.New("its snapshot is gone, and was not forgotten")}
		}
	}
	return nil
}

// readAll reads their manifests. One that was forgotten meanwhile needs nothing.
func readAll(st *store.Store, list []listed) ([]*Manifest, error) {
	var all []*Manifest
	for _, x := range list {
		m, err := loadManifest(st, x.installation, x.name)
		switch {
		case err == nil:
			all = append(all, m)
		case errors.Is(err, fs.ErrNotExist) && !exists(filepath.Join(snapshotsDir(st, x.installation), x.name)):
		default:
			return nil, &UnsureError{"snapshot " + x.name + " of " + x.installation, err}
		}
	}
	return all, nil
}

// strictly lists a directory whose entries all must be directories.
func strictly(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, &UnsureError{dir, err}
	}
	var names []string
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.Name(), building): // of a run with a lease, or of one that is no more
		case !e.IsDir():
			return nil, &UnsureError{filepath.Join(dir, e.Name()), errors.New("it is no directory")}
		default:
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// checkAllSegments reads the segments of all manifests: what they say decides what is
// deleted.
func checkAllSegments(ctx context.Context, st *store.Store, manifests []*Manifest) error {
	checked, buf := map[store.Hash]bool{}, make([]byte, 1<<20)
	for _, m := range manifests {
		for _, seg := range m.Segments {
			if checked[seg.Object] {
				continue
			}
			if _, err := st.Check(ctx, seg.Object, buf); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return &UnsureError{"snapshot " + m.Name() + " of " + m.Installation, fmt.Errorf("manifest segment: %w", err)}
			}
			checked[seg.Object] = true
		}
	}
	return nil
}
