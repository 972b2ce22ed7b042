package snapshot

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// LeftoverKind says why a restore left a database on the server.
type LeftoverKind string

// The kinds of databases that restores leave; each is the middle of their names.
const (
	Unfinished LeftoverKind = "restore" // the restore was killed: the next one drops it
	Before     LeftoverKind = "before"  // what had the name before the restore
	Wrong      LeftoverKind = "wrong"   // what a restore loaded, but with other rows than the manifest says
)

const leftoverTime = "20060102_150405"

var leftoverPattern = regexp.MustCompile(`(?s)^.*_(restore|before|wrong)_(\d{8}_\d{6})$`)

// A Leftover is a database that a restore left on the server.
type Leftover struct {
	Name string
	Kind LeftoverKind
	Time time.Time
}

// ParseLeftover recognises a leftover by its name.
func ParseLeftover(name string) (Leftover, bool) {
	m := leftoverPattern.FindStringSubmatch(name)
	if m == nil {
		return Leftover{}, false
	}
	at, err := time.Parse(leftoverTime, m[2])
	return Leftover{name, LeftoverKind(m[1]), at}, err == nil
}

// Of says whether it was left by a restore of that database.
func (l Leftover) Of(database string) bool { return l.Name == leftoverName(database, l.Kind, l.Time) }

// leftoverName names a leftover within the 63 bytes that PostgreSQL would cut it to.
func leftoverName(target string, kind LeftoverKind, at time.Time) string {
	suffix := fmt.Sprintf("_%s_%s", kind, at.UTC().Format(leftoverTime))
	n := min(len(target), 63-len(suffix))
	for n < len(target) && n > 0 && !utf8.RuneStart(target[n]) {
		n--
	}
	return target[:n] + suffix
}

// clean drops what killed restores of the same database left. One that still has a session is another restore at
// work, or the server has not noticed yet that its client was killed: it stays.
func (l *loader) clean(ctx context.Context) error {
	names, err := l.Admin.Databases(ctx)
	if err != nil {
		return &LoadError{Database: l.Target, Step: "look for unfinished restores", Err: err}
	}
	for _, name := range names {
		left, ok := ParseLeftover(name)
		if !ok || left.Kind != Unfinished || !left.Of(l.Target) {
			continue
		}
		if err := l.Admin.DropIdleDatabase(ctx, name); err != nil {
			l.warn("what an unfinished restore left is still there: "+err.Error(), "drop it when nothing uses it: DROP DATABASE "+quoteName(name))
			continue
		}
		l.loaded.Removed = append(l.loaded.Removed, name)
	}
	return nil
}

// keepWrong gives a database with wrong counts a name that no restore cleans away.
func (l *loader) keepWrong(ctx context.Context, e *CountError) error {
	if err := l.Admin.SwapDatabase(ctx, l.restored, l.wrong, l.wrong); err != nil {
		return errors.Join(e, fmt.Errorf("keep it as %s: %w", l.wrong, err))
	}
	e.Database = l.wrong
	return e
}

// tablespaces finds out where the new database can be. Where its tables go is said in the dump, and psql would stop there.
func (l *loader) tablespaces(ctx context.Context) error {
	if l.from.Tablespace == "" && len(l.from.Tablespaces) == 0 {
		return nil
	}
	have, err := l.Admin.Tablespaces(ctx)
	if err != nil {
		return &LoadError{Database: l.Target, Step: "look for tablespaces", Err: err}
	}
	if missing := l.from.MissingTablespaces(have); len(missing) > 0 {
		var names, create []string
		for _, t := range missing {
			names = append(names, fmt.Sprintf("%s (%s)", t.Name, t.Location))
			create = append(create, "CREATE TABLESPACE "+quoteName(t.Name)+" LOCATION '/any/empty/directory'")
		}
		return &LoadError{Database: l.Target, Step: "look for tablespaces",
			Err:    fmt.Errorf("tables of the dump are in tablespaces that the server has not: %s", strings.Join(names, ", ")),
			Advice: "make them, in any empty directory that belongs to the server's user: " + strings.Join(create, "; ")}
	}
	if slices.Contains(have, l.from.Tablespace) {
		l.place = l.from.Tablespace
	} else if l.from.Tablespace != "" {
		l.warn(fmt.Sprintf("the database was in the tablespace %s, which the server has not: it is where all others are", l.from.Tablespace),
			"ALTER DATABASE ... SET TABLESPACE moves it")
	}
	return nil
}

// MissingTablespaces returns those that the dump needs and a server with these lacks.
func (d DumpedDatabase) MissingTablespaces(have []string) []Tablespace {
	var missing []Tablespace
	for _, t := range d.Tablespaces {
		if !slices.Contains(have, t.Name) {
			missing = append(missing, t)
		}
	}
	return missing
}
