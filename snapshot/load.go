package snapshot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"repotool/fossology"
)

// Admin is what loading asks of the server beyond feeding a dump to psql. A *fossology.Database answers; it must not
// be connected to the database that is restored.
type Admin interface {
	// DatabaseExists says whether there is a database of that name.
	DatabaseExists(ctx context.Context, name string) (bool, error)
	// CreateDatabase makes an empty database.
	CreateDatabase(ctx context.Context, name string, o fossology.CreateOptions) error
	// SwapDatabase gives the database fresh the name name, and the one that had it before, if any, the name
	// kept, all in one transaction. Sessions of both are ended.
	SwapDatabase(ctx context.Context, fresh, name, kept string) error
	// DropDatabase removes a database, sessions and all.
	DropDatabase(ctx context.Context, name string) error
	// DropIdleDatabase removes a database unless a session uses it; that is an error.
	DropIdleDatabase(ctx context.Context, name string) error
	// Databases and Tablespaces return the names of the server's.
	Databases(ctx context.Context) ([]string, error)
	Tablespaces(ctx context.Context) ([]string, error)
	// ServerVersion returns the version of the server as a number, 150020 for 15.20.
	ServerVersion() int
}

// LoadOptions say what LoadDatabase loads and where to.
type LoadOptions struct {
	PgBin    string        // directory of psql and pg_restore; empty: found by PATH
	DSN      fossology.DSN // of any database of the server, for a role that may do what the dump does: a superuser at best
	Admin    Admin
	Dump     *Dump
	Database string // which of the dump's databases; empty: Dump.Main
	Target   string // the name it is to have; empty: its own
	Open     OpenObject
	// Counts counts the rows of the tables named in Expected, in a database of that name.
	Counts   func(ctx context.Context, database string) (map[string]int64, error)
	Expected map[string]int64 // by table, as the manifest has them; empty: nothing is compared
	Jobs     int              // for pg_restore; 0: 2
	TempDir  string           // for dumps in directory format: an existing directory with room for it, uncompressed
	// Command restores what a DumpCommand wrote: it reads the dump from its standard input, and finds the new
	// database in REPOTOOL_DSN and the password in PGPASSWORD. Empty: psql.
	Command []string
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger     // nil: silent
}

// Loaded says what LoadDatabase did.
type Loaded struct {
	Database string           `json:"database"`
	Before   string           `json:"before,omitempty"`  // the name that the database before it has now
	Removed  []string         `json:"removed,omitempty"` // databases that earlier restores did not finish
	Roles    []string         `json:"roles,omitempty"`   // created, because the dump needs them
	Bytes    int64            `json:"bytes"`             // of the dump, uncompressed
	Counts   map[string]int64 `json:"counts,omitempty"`
	Warnings []DumpWarning    `json:"warnings,omitempty"`
}

// LoadDatabase loads a database of a dump. It first becomes a new database, <target>_restore_<time>; when all of
// it is in and the counts are right, it takes the name of the old one, which stays as <target>_before_<time>.
// Until that last step the old database is not touched. After an error the new one is dropped, unless only its
// counts are wrong: then it is kept for a look as <target>_wrong_<time>, and the CountError has its name. What a killed
// run leaves is one database of the name <target>_restore_<time>, which the next drops.
//
// Roles that the dump needs and the server lacks are created from the globals; roles that exist stay as they are.
// Tablespaces are not created, for their directories belong to the server's administrator: if the dump puts a table
// into one that the server has not, that is an error before anything is done.
func LoadDatabase(ctx context.Context, opt LoadOptions) (*Loaded, error) {
	l, err := newLoader(opt)
	if err != nil {
		return nil, err
	}
	if err := l.tablespaces(ctx); err != nil {
		return nil, err
	}
	if err := l.roles(ctx); err != nil {
		return nil, err
	}
	if err := l.clean(ctx); err != nil {
		return nil, err
	}
	if err := l.create(ctx); err != nil {
		return nil, err
	}
	if err := l.fill(ctx); err != nil {
		var wrong *CountError
		if errors.As(err, &wrong) {
			return nil, l.keepWrong(ctx, wrong)
		}
		return nil, errors.Join(err, l.drop(ctx))
	}
	if err := l.swap(ctx); err != nil {
		return nil, errors.Join(err, l.drop(ctx))
	}
	return &l.loaded, nil
}

// loader is one run of LoadDatabase.
type loader struct {
	LoadOptions
	conn     connection
	from     DumpedDatabase
	parts    []DumpPart
	restored string // name of the new database until the swap
	before   string // name of the old one after it
	wrong    string // name of the new one if its counts are wrong
	place    string // tablespace of the new one; empty: the server's choice
	loaded   Loaded
}

// systemDatabases are those that every cluster is born with.
var systemDatabases = map[string]bool{"postgres": true, "template0": true, "template1": true}

func newLoader(opt LoadOptions) (*loader, error) {
	if opt.Dump == nil || opt.Dump.Mode == DumpNone {
		return nil, errors.New("load database: the snapshot holds no database")
	}
	if opt.Admin == nil || opt.Open == nil || len(opt.Expected) > 0 && opt.Counts == nil {
		return nil, errors.New("load database: Admin, Open and Counts are needed")
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	conn, err := newConnection(opt.DSN)
	if err != nil {
		return nil, err
	}
	l := &loader{LoadOptions: opt, conn: conn}
	l.Database = cmp.Or(opt.Database, opt.Dump.Main)
	l.Target = cmp.Or(opt.Target, l.Database)
	if systemDatabases[l.Target] {
		return nil, fmt.Errorf("load database: %s belongs to PostgreSQL and is never replaced", l.Target)
	}
	l.loaded.Database = l.Target
	for _, d := range opt.Dump.Databases {
		if d.Name == l.Database {
			l.from = d
		}
	}
	for _, p := range opt.Dump.Parts {
		if p.Database == l.Database {
			l.parts = append(l.parts, p)
		}
	}
	if len(l.parts) == 0 {
		return nil, fmt.Errorf("load database: the snapshot holds no database %s", l.Database)
	}
	return l, nil
}

// name chooses the names of the databases: by the time, or the next second of which nobody has one.
func (l *loader) name(ctx context.Context) error {
	for at := l.Now(); ; at = at.Add(time.Second) {
		l.restored, l.before, l.wrong = leftoverName(l.Target, Unfinished, at), leftoverName(l.Target, Before, at), leftoverName(l.Target, Wrong, at)
		free := true
		for _, name := range []string{l.restored, l.before, l.wrong} {
			there, err := l.Admin.DatabaseExists(ctx, name)
			if err != nil {
				return &LoadError{Database: l.Target, Step: "look for database " + name, Err: err}
			}
			free = free && !there
		}
		if free {
			return nil
		}
	}
}

// create makes the new database.
func (l *loader) create(ctx context.Context) error {
	if err := l.name(ctx); err != nil {
		return err
	}
	if !fossology.KnowsProvider(l.from.Provider, l.Admin.ServerVersion()) {
		l.warn(fmt.Sprintf("the locale of the database is now %s of the C library; it was %s of a provider that this server is too old for", l.from.Collate, l.from.Locale),
			"texts sort a little differently; their content is the same")
	}
	o := l.from.createOptions()
	o.Tablespace = l.place
	if err := l.Admin.CreateDatabase(ctx, l.restored, o); err != nil {
		return &LoadError{Database: l.Target, Step: "create database " + l.restored, Err: err, Advice: fmt.Sprintf(
			"the connection's role must be allowed to create databases for %s, and the server must know the locale %s",
			cmp.Or(l.from.Owner, "itself"), cmp.Or(l.from.Locale, l.from.Collate, "of the dump"))}
	}
	return nil
}

// fill loads all parts and compares the counts.
func (l *loader) fill(ctx context.Context) error {
	start := time.Now()
	if err := l.feedParts(ctx); err != nil {
		return &LoadError{Database: l.Target, Step: "load", Err: err}
	}
	l.Log.Debug("database loaded", "database", l.restored, "bytes", l.loaded.Bytes, "took", time.Since(start))
	if len(l.Expected) == 0 {
		return nil
	}
	got, err := l.Counts(ctx, l.restored)
	if err != nil {
		return &LoadError{Database: l.Target, Step: "count rows", Err: err}
	}
	for table, want := range l.Expected {
		if n, ok := got[table]; !ok || n != want {
			return &CountError{Database: l.restored, Target: l.Target, Want: l.Expected, Got: got}
		}
	}
	l.loaded.Counts = got
	return nil
}

// swap puts the new database in the place of the old one.
func (l *loader) swap(ctx context.Context) error {
	there, err := l.Admin.DatabaseExists(ctx, l.Target)
	if err != nil {
		return &LoadError{Database: l.Target, Step: "look for the old database", Err: err}
	}
	if err := l.Admin.SwapDatabase(ctx, l.restored, l.Target, l.before); err != nil {
		return &LoadError{Database: l.Target, Step: "take the place of the old database", Err: err,
			Advice: "stop what is connected to the database (FOSSology's scheduler, the web server) and run again"}
	}
	if there {
		l.loaded.Before = l.before
	}
	return nil
}

// drop removes the new database after an error, also when ctx has ended.
func (l *loader) drop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := l.Admin.DropDatabase(ctx, l.restored); err != nil {
		return &LoadError{Database: l.Target, Step: "drop unfinished database " + l.restored, Err: err,
			Advice: "drop it by hand"}
	}
	return nil
}
