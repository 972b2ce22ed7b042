package snapshot

import (
	"context"
	"errors"
	"fmt"

	"repotool/store"
)

// An old cycle goes as a whole, by one rename, when there are more than are to be kept.
// It stays, whatever is to be kept, if a newer one does not do as well: if that cannot be
// read, or its last snapshot has a damage that the old one's last has not. So a file that
// went bad in the repository, or a disk that was not mounted, never costs the last good
// copy. Of several that stay for such a reason, those that one before it makes needless go.

// A KeptCycle is one that was to go, and stays.
type KeptCycle struct {
	Base string `json:"base"`
	Why  string `json:"why"`
}

// retire lets old cycles go.
func (r *rotator) retire(ctx context.Context, report *Rotation) error {
	cycles, err := Cycles(r.o.Store, r.o.Installation)
	if err != nil {
		return err
	}
	// The newest first: what stays is compared with all that is older.
	var stay []Cycle
	for i := len(cycles) - 1; i >= 0; i-- {
		c := cycles[i]
		if len(stay) <= max(0, r.o.Keep) {
			stay = append(stay, c)
			continue
		}
		why := ""
		for _, newer := range stay {
			if why = replaces(newer, c); why == "" {
				break
			}
		}
		if why == "" {
			why, err = removeCycle(ctx, r.o.Store, c)
			if err != nil {
				return fmt.Errorf("remove the cycle of %s: %w", c.Base, err)
			}
		}
		if why != "" {
			stay = append(stay, c)
			report.Kept = append(report.Kept, KeptCycle{c.Base, why})
			continue
		}
		report.Removed = append(report.Removed, c.Base)
	}
	return emptyCycles(ctx, r.o.Store)
}

// replaces says why a newer cycle does not do as well as an old one; "" if it does.
func replaces(newer, old Cycle) string {
	if newer.Err != nil {
		return fmt.Sprintf("the cycle of %s cannot be opened: %v", newer.Base, newer.Err)
	}
	if old.Err != nil {
		return fmt.Sprintf("it cannot be opened, so nobody knows what only it has: %v", old.Err)
	}
	names, err := listNames(newer.Store, newer.Installation)
	if err != nil || len(names) == 0 {
		return fmt.Sprintf("the cycle of %s has no snapshot that can be read", newer.Base)
	}
	last := names[len(names)-1]
	has, err := damages(newer, last)
	if err != nil {
		return fmt.Sprintf("snapshot %s cannot be read: %v", last, err)
	}
	if len(has) == 0 {
		return ""
	}
	// What was wrong in every snapshot of the old one, it has not got, either.
	names, err = listNames(old.Store, old.Installation)
	for _, name := range names {
		var had map[Finding]bool
		if err == nil {
			had, err = damages(old, name)
		}
		for x := range has {
			if err == nil && !had[x] {
				return fmt.Sprintf("snapshot %s has damage that %s has not: %s %s", last, name, x.Kind, x.Path)
			}
		}
	}
	if err != nil {
		return fmt.Sprintf("it cannot be read, so nobody knows what only it has: %v", err)
	}
	return ""
}

// damages are the findings of a snapshot that say that it lacks something.
func damages(c Cycle, name string) (map[Finding]bool, error) {
	s := readSummary(c.Store, c.Installation, name)
	if !s.Known() || !readable(c.Store, c.Installation, name) {
		return nil, fmt.Errorf("%s: %w", name, ErrDamagedManifest)
	}
	m, err := loadManifest(c.Store, c.Installation, name)
	if err != nil {
		return nil, err
	}
	all, want := map[Finding]bool{}, int64(0)
	for kind, n := range s.FindingCount {
		if damaging[kind] {
			want += n
		}
	}
	for x, err := range recordedFindings(c.Store, m) {
		if err != nil {
			return nil, err
		}
		if !damaging[x.Kind] {
			continue
		}
		want--
		if all[Finding{Kind: x.Kind, Path: x.Path}] = true; len(all) > maxSuspects {
			return nil, fmt.Errorf("it has more than %d findings", maxSuspects)
		}
	}
	if want != 0 {
		return nil, errors.New("its record of findings is not complete")
	}
	return all, nil
}

// ForgetCycle removes an old cycle by hand, whether or not a newer one does as well. The
// newest stays, and so does one of which a snapshot is pinned or read.
func ForgetCycle(ctx context.Context, root *store.Store, installation, base string) error {
	cycles, err := Cycles(root, installation)
	if err != nil {
		return err
	}
	for i, c := range cycles {
		if c.Base != base {
			continue
		}
		why := "it is the newest"
		if i < len(cycles)-1 {
			why, err = removeCycle(ctx, root, c)
		}
		if err == nil && why != "" {
			err = &ProtectedError{base, []string{why}}
		}
		if err != nil {
			return err
		}
		return emptyCycles(ctx, root)
	}
	return fmt.Errorf("forget the cycle of %s: %w", base, ErrNoSnapshot)
}

// removeCycle moves a cycle into the trash. If somebody wants it, it stays.
func removeCycle(ctx context.Context, root *store.Store, c Cycle) (why string, err error) {
	if _, err := root.Folder("trash"); err != nil {
		return "", err
	}
	move := func() error {
		if err := root.Rename(c.dir(root), trashed(root, cyclePrefix, c.Base, c.Installation)); err != nil {
			return err
		}
		return errors.Join(root.SyncDir(cyclesDir(root, c.Installation)), root.SyncDir(root.Path("trash")))
	}
	if c.Store == nil { // nobody can open it
		return "", root.Exclusive(ctx, move)
	}
	err = root.Exclusive(ctx, func() error {
		return c.Store.Exclusive(ctx, func() error {
			if why, err = c.wanted(); err != nil || why != "" {
				return err
			}
			return move()
		})
	})
	return why, err
}

// wanted says who wants the cycle to stay.
func (c *Cycle) wanted() (string, error) {
	names, err := listNames(c.Store, c.Installation)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		if readPin(c.Store, c.Installation, name) != nil {
			return "snapshot " + name + " of it is pinned", nil
		}
	}
	leases, err := c.Store.Leases()
	if err != nil || len(leases) == 0 {
		return "", err
	}
	return "it is used by " + leases[0].Who(), nil
}
