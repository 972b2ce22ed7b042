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

	"golang.org/x/sys/unix"

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
	list, err := List(st, installation)
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

// RetainAllBut decides to forget the snapshots of those names, and no other. What must
// not be forgotten is an error.
func RetainAllBut(list []Candidate, names []string, now time.Time) ([]Decision, error) {
	decisions := Retain(list, Policy{}, now)
	for i := range decisions {
		d := &decisions[i]
		named := slices.Contains(names, d.Snapshot)
		switch protected := slices.ContainsFunc(d.Reasons, protects); {
		case named && protected:
			return nil, &ProtectedError{d.Snapshot, d.Reasons}
		case named:
			d.Keep, d.Reasons = false, []string{"named"}
		default:
			d.Keep, d.Reasons = true, []string{"not named"}
		}
	}
	return decisions, nil
}

// protects says whether a reason to keep a snapshot also holds against its name.
func protects(reason string) bool {
	return strings.HasPrefix(reason, "pinned") || strings.HasPrefix(reason, "newest")
}

// A ProtectedError says that a snapshot is not forgotten, whoever asks.
type ProtectedError struct {
	Snapshot string
	Reasons  []string
}

func (e *ProtectedError) Error() string {
	return fmt.Sprintf("forget %s: %s", e.Snapshot, strings.Join(e.Reasons, ", "))
}

// Hint says what to do about it.
func (e *ProtectedError) Hint() string {
	if slices.ContainsFunc(e.Reasons, func(r string) bool { return strings.HasPrefix(r, "pinned") }) {
		return "take the pin away first: repotool unpin " + e.Snapshot
	}
	return "the newest good snapshot always stays: take another one first"
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

// forgottenPrefix begins the names in trash/ of what was forgotten: behind it and a
// dot stand the snapshot's name, a dot, and the installation.
const forgottenPrefix = "forgotten"

// trashName is a name in trash/ that is free. It is no directory deep: where no room is
// left, a name fits where a directory does not.
func trashName(st *store.Store, installation, name string) string {
	for n := 1; ; n++ {
		number := ""
		if n > 1 {
			number = fmt.Sprint(n)
		}
		path := st.Path("trash", forgottenPrefix+number+"."+name+"."+installation)
		if !exists(path) {
			return path
		}
	}
}

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
	return removed, nil
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
