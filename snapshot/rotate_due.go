package snapshot

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A CycleLength says when a new base is due. The zero value is DefaultCycle.
type CycleLength struct {
	Days    int            // after so many snapshots, the base included; 0: by Weekday
	Weekday time.Weekday   // with the first snapshot of this day, or after it
	Zone    *time.Location // where the day begins at midnight; nil: UTC
}

// DefaultCycle is a week of nightly snapshots.
var DefaultCycle = CycleLength{Days: 7}

// ParseCycle reads a number of snapshots, or the English name of a weekday.
func ParseCycle(v string) (CycleLength, error) {
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return CycleLength{Days: n}, nil
	}
	for day := time.Sunday; day <= time.Saturday; day++ {
		if strings.EqualFold(v, day.String()) || strings.EqualFold(v, day.String()[:3]) {
			return CycleLength{Weekday: day}, nil
		}
	}
	return CycleLength{}, fmt.Errorf("cycle %q: expected a number of snapshots, such as 7, or a day, such as sunday", v)
}

func (l CycleLength) String() string {
	if l.Days > 0 {
		return strconv.Itoa(l.Days)
	}
	return strings.ToLower(l.Weekday.String())
}

// over says why a cycle whose base was taken at a time, and that has a number of
// snapshots, is over; "" if it is not.
func (l CycleLength) over(base time.Time, have int, now time.Time) string {
	if l.Days > 0 {
		if have < l.Days {
			return ""
		}
		return fmt.Sprintf("the cycle of %s has %d of %d snapshots", base.UTC().Format(TimeFormat), have, l.Days)
	}
	zone := l.Zone
	if zone == nil {
		zone = time.UTC
	}
	if base.After(now) { // by a clock that was wrong: no weekday will come to pass
		return DefaultCycle.over(base, have, now)
	}
	now = now.In(zone)
	back := (int(now.Weekday()) - int(l.Weekday) + 7) % 7
	begin := time.Date(now.Year(), now.Month(), now.Day()-back, 0, 0, 0, 0, zone)
	if !base.Before(begin) {
		return ""
	}
	return fmt.Sprintf("a cycle begins on %s", l.Weekday)
}

// due says why a new base is due; "" if the newest cycle goes on. It also is if a day of
// the cycle could not be restored by hand, since one of those that it builds on is broken.
func (r *rotator) due(cycles []Cycle) (string, error) {
	if len(cycles) == 0 {
		return "there is none yet", nil
	}
	c := cycles[len(cycles)-1]
	if c.Err != nil {
		return fmt.Sprintf("the cycle of %s cannot be opened: %v", c.Base, c.Err), nil
	}
	names, err := listNames(c.Store, c.Installation)
	if err != nil {
		return "", err
	}
	if len(names) == 0 {
		return fmt.Sprintf("the cycle of %s has no snapshot", c.Base), nil
	}
	for _, name := range names {
		m, err := loadManifest(c.Store, c.Installation, name)
		switch {
		case err != nil:
			return fmt.Sprintf("snapshot %s of the cycle cannot be read: %v", name, err), nil
		case !exists(filepath.Join(daysDir(c.Store, c.Installation), name)) && !exists(filepath.Join(daysDir(c.Store, c.Installation), building+name)):
			return fmt.Sprintf("the day of snapshot %s is not there", name), nil
		case m.Depth != r.o.Depth:
			return "the depth of the repository changed", nil
		case readSummary(c.Store, c.Installation, name).Layout != r.o.Layout:
			return "another layout of days is wanted", nil
		}
	}
	base, err := parseTime(c.Base)
	return r.o.Length.over(base, len(names), r.o.Now()), err
}

func parseTime(name string) (time.Time, error) {
	at, err := time.Parse(TimeFormat, name)
	if err != nil {
		return at, fmt.Errorf("snapshot %q: %w", name, err)
	}
	return at, nil
}
