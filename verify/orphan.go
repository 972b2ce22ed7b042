package verify

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"repotool/snapshot"
	"repotool/store"
)

// checkOrphans looks for days without a snapshot, and for what stands among
// snapshots and days and is neither: half of a deletion, or of an accident.
func checkOrphans(st *store.Store, found *findings) error {
	// Days first: a snapshot is published before its day.
	for _, top := range []string{"days", "snapshots"} {
		installations, err := visible(st, top)
		if err != nil {
			return err
		}
		for _, installation := range installations {
			dir := top + "/" + installation.Name()
			if !installation.IsDir() {
				found.add(Finding{Kind: Orphaned, What: dir, Detail: "it is no directory of an installation"})
				continue
			}
			entries, err := visible(st, dir)
			if err != nil {
				return err
			}
			for _, e := range entries {
				if why := orphaned(st, top, installation.Name(), e); why != "" {
					found.add(Finding{Kind: Orphaned, What: dir + "/" + e.Name(), Detail: why})
				}
			}
		}
	}
	return nil
}

// visible lists a directory of the store, without what a run is building there.
func visible(st *store.Store, dir string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(st.Path(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	shown := entries[:0]
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			shown = append(shown, e)
		}
	}
	return shown, nil
}

// orphaned says why an entry of an installation's snapshots or days belongs to
// nothing; "" if it does not.
func orphaned(st *store.Store, top, installation string, e fs.DirEntry) string {
	if top == "days" && e.Name() == "current" && e.Type() == fs.ModeSymlink {
		return "" // it may lead to nothing after a deletion
	}
	if _, err := time.Parse(snapshot.TimeFormat, e.Name()); err != nil || !e.IsDir() {
		return "it has not the name of a snapshot, or is no directory"
	}
	if top == "snapshots" {
		return "" // looked at as a snapshot
	}
	if _, err := os.Lstat(st.Path("snapshots", installation, e.Name())); !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if isForgotten(st, installation, e.Name()) {
		return "" // it goes with the next run of forget or gc
	}
	if _, err := os.Lstat(st.Path("days", installation, e.Name())); err != nil {
		return "" // it has just gone
	}
	return "its snapshot is not there"
}

// isForgotten says whether a snapshot lies in the trash.
func isForgotten(st *store.Store, installation, name string) bool {
	list, err := snapshot.ListForgotten(st)
	return err == nil && slices.ContainsFunc(list, func(f snapshot.Forgotten) bool {
		return f.Installation == installation && f.Snapshot == name
	})
}
