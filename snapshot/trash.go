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

	"golang.org/x/sys/unix"

	"repotool/store"
)

// forgottenPrefix begins the names in trash/ of what was forgotten: behind it and a
// dot stand the snapshot's name, a dot, and the installation.
const forgottenPrefix = "forgotten"

// trashName is where a snapshot goes that is forgotten.
func trashName(st *store.Store, installation, name string) string {
	return trashed(st, forgottenPrefix, name, installation)
}

// trashed is a name in trash/ that is free. It is no directory deep: where no room is
// left, a name fits where a directory does not.
func trashed(st *store.Store, prefix, name, installation string) string {
	for n := 1; ; n++ {
		number := ""
		if n > 1 {
			number = fmt.Sprint(n)
		}
		path := st.Path("trash", prefix+number+"."+name+"."+installation)
		if !exists(path) {
			return path
		}
	}
}

// cyclePrefix begins the names in trash/ of cycles: behind it and a dot stand the name of
// the base, a dot, and the installation.
const cyclePrefix = "cycle"

// A Forgotten is a snapshot that lies in trash/.
type Forgotten struct {
	Installation, Snapshot string
	dir                    string
}

// ListForgotten lists what was forgotten and is not gone yet.
func ListForgotten(st *store.Store) ([]Forgotten, error) {
	entries, err := os.ReadDir(st.Path("trash"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list trash: %w", err)
	}
	var list []Forgotten
	for _, e := range entries {
		first, rest, ok := strings.Cut(e.Name(), ".")
		if !ok || strings.TrimRight(first, "0123456789") != forgottenPrefix {
			continue
		}
		name, installation, ok := strings.Cut(rest, ".")
		if _, err := time.Parse(TimeFormat, name); ok && err == nil {
			list = append(list, Forgotten{installation, name, st.Path("trash", e.Name())})
		}
	}
	return list, nil
}

// EmptyTrash removes what was forgotten, days first: it also goes on with what an
// earlier run did not end. It touches nothing else in trash/.
func EmptyTrash(ctx context.Context, st *store.Store) (removed int, err error) {
	list, err := takeDays(ctx, st)
	if err != nil {
		return 0, err
	}
	for _, f := range list {
		if err := st.RemoveTree(ctx, f.dir); err != nil {
			return removed, fmt.Errorf("empty trash: %w", err)
		}
		removed++
	}
	return removed, emptyCycles(ctx, st)
}

// takeDay moves the day of a forgotten snapshot beside its manifest, durably: only what
// lies there is known to be forgotten. A snapshot that has the same name since keeps its day.
func (f *Forgotten) takeDay(ctx context.Context, st *store.Store) error {
	days := daysDir(st, f.Installation)
	err := st.Exclusive(ctx, func() error {
		if exists(filepath.Join(snapshotsDir(st, f.Installation), f.Snapshot)) {
			return nil
		}
		err := st.Rename(filepath.Join(days, f.Snapshot), filepath.Join(f.dir, "day"))
		if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
			return nil // it has its own: this one belongs to a later snapshot of that name
		}
		return err
	})
	// Whoever moved it, now or before, it is to be moved for good. What is not there
	// needs no care: another process may be emptying the trash.
	for _, dir := range []string{f.dir, days} {
		if err == nil || errors.Is(err, os.ErrNotExist) {
			err = st.SyncDir(dir)
		}
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// emptyCycles removes the cycles in the trash, also those that an earlier run left.
func emptyCycles(ctx context.Context, root *store.Store) error {
	entries, err := os.ReadDir(root.Path("trash"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("empty trash: %w", err)
	}
	for _, e := range entries {
		first, rest, ok := strings.Cut(e.Name(), ".")
		if !ok || strings.TrimRight(first, "0123456789") != cyclePrefix {
			continue
		}
		base, _, _ := strings.Cut(rest, ".")
		if _, err := parseTime(base); err != nil {
			continue
		}
		if err := root.RemoveTree(ctx, root.Path("trash", e.Name())); err != nil {
			return fmt.Errorf("empty trash: %w", err)
		}
	}
	return nil
}
