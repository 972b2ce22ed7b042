package snapshot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"repotool/store"
)

// damaging are findings that say that a snapshot lacks something that it should hold,
// so that an older one may be the better one.
var damaging = map[FindingKind]bool{ContentDiffers: true, Unreadable: true, Changing: true, ObjectLost: true,
	NoFile: true, NoGold: true, ManyGone: true, RowsDiffer: true}

// Damage says what of the snapshot's findings is damage; "" if nothing is.
func (s *Summary) Damage() string {
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(s.FindingCount)) {
		if damaging[kind] && s.FindingCount[kind] > 0 {
			kinds = append(kinds, string(kind))
		}
	}
	return strings.Join(kinds, ", ")
}

// Candidates are an installation's snapshots as [Retain] wants to know them.
func Candidates(st *store.Store, installation string) ([]Candidate, error) {
	list, err := ListOwn(st, installation)
	if err != nil {
		return nil, err
	}
	all := make([]Candidate, len(list))
	for i, x := range list {
		at, err := time.Parse(TimeFormat, x.Name)
		if err != nil {
			return nil, fmt.Errorf("snapshot %q: %w", x.Name, err)
		}
		all[i] = Candidate{Name: x.Name, Time: at, Pin: readPin(st, installation, x.Name), Damage: x.Damage(),
			Unknown: !x.Known() || !readable(st, installation, x.Name)}
	}
	return all, nil
}

// readable says whether a snapshot has a manifest, and the manifest its segments, as far
// as can be seen without reading those. Only such a one may stand for others.
func readable(st *store.Store, installation, name string) bool {
	m, err := loadManifest(st, installation, name)
	if err != nil {
		return false
	}
	for _, seg := range m.Segments {
		if info, err := st.Stat(seg.Object); err != nil || info.Size != seg.Bytes {
			return false
		}
	}
	return true
}

// InUse is a snapshot that was to be forgotten, and stays since somebody reads it.
type InUse struct {
	Snapshot string `json:"snapshot"`
	By       string `json:"by"`
}

// Forget takes snapshots out of an installation's list, all at once for everybody who
// looks: each by one rename into trash/. Those that a living process reads stay, and
// so do those that were pinned meanwhile; the next call sees them again. Days follow
// their snapshots. What lies in trash/ then is removed by [EmptyTrash], and the objects
// by [Collect].
func Forget(ctx context.Context, st *store.Store, installation string, names []string) (forgotten []string, inUse []InUse, err error) {
	if len(names) == 0 {
		return nil, nil, nil
	}
	dir := snapshotsDir(st, installation)
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
		return nil, nil, fmt.Errorf("forget: %s is no directory", dir)
	}
	if _, err := st.Folder("trash"); err != nil {
		return nil, nil, fmt.Errorf("forget: %w", err)
	}
	names = slices.Sorted(slices.Values(names)) // the oldest first: what is cut short leaves the newest
	err = st.Exclusive(ctx, func() error {
		leases, err := st.Leases()
		if err != nil {
			return err
		}
		var free []string
		for _, name := range names {
			info, err := os.Lstat(filepath.Join(dir, name))
			switch by := readBy(leases, installation+"/"+name); {
			case errors.Is(err, os.ErrNotExist): // somebody was faster
			case err != nil:
				return err
			case !info.IsDir():
				return fmt.Errorf("%s is no directory", filepath.Join(dir, name))
			case by != "":
				inUse = append(inUse, InUse{name, by})
			case readPin(st, installation, name) != nil:
				inUse = append(inUse, InUse{name, "a pin"})
			default:
				free = append(free, name)
			}
		}
		if err := moveCurrent(st, installation, free); err != nil {
			return err
		}
		for _, name := range free {
			if err := st.Rename(filepath.Join(dir, name), trashName(st, installation, name)); err != nil {
				return err
			}
			forgotten = append(forgotten, name)
		}
		return errors.Join(st.SyncDir(dir), st.SyncDir(st.Path("trash")))
	})
	if err != nil {
		return forgotten, inUse, fmt.Errorf("forget: %w", err)
	}
	_, err = takeDays(ctx, st)
	return forgotten, inUse, err
}

// takeDays moves the days of all that was forgotten.
func takeDays(ctx context.Context, st *store.Store) ([]Forgotten, error) {
	list, err := ListForgotten(st)
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		if err := f.takeDay(ctx, st); err != nil {
			return nil, fmt.Errorf("forget the day of %s: %w", f.Snapshot, err)
		}
	}
	return list, nil
}

// readBy says who holds a snapshot.
func readBy(leases []store.Lease, snapshot string) string {
	for _, l := range leases {
		if l.Snapshot == snapshot {
			return l.Who()
		}
	}
	return ""
}

// moveCurrent has "current" lead to the newest day that stays, if its own goes.
func moveCurrent(st *store.Store, installation string, going []string) error {
	days := daysDir(st, installation)
	current := filepath.Join(days, "current")
	to, err := os.Readlink(current)
	if err != nil || !slices.Contains(going, to) {
		return nil // there is none, or it stays
	}
	names, err := listNames(st, installation)
	if err != nil {
		return err
	}
	for _, name := range slices.Backward(names) {
		if slices.Contains(going, name) || !exists(filepath.Join(days, name)) {
			continue
		}
		draft := filepath.Join(days, ".forget-current") // not a run's, which removes its own
		if err := st.Remove(draft); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := st.Symlink(name, draft); err != nil {
			return err
		}
		return st.Rename(draft, current)
	}
	return st.Remove(current)
}
