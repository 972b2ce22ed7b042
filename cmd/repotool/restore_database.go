package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/snapshot"
	"repotool/store"
)

// databaseResult is the database's part of restoreResult: what was done, or in a
// plan what would be.
type databaseResult struct {
	Name          string                 `json:"name"`
	Before        string                 `json:"before,omitempty"` // the name that the old one has now
	Bytes         int64                  `json:"bytes"`            // of the dump, as it was dumped
	Rows          map[string]int64       `json:"rows,omitempty"`
	Roles         []string               `json:"rolesCreated,omitempty"`
	Removed       []string               `json:"removed,omitempty"` // left by restores that were killed
	Warnings      []snapshot.DumpWarning `json:"warnings,omitempty"`
	Exists        bool                   `json:"exists"`                  // plan: one of that name is there
	ExistsBytes   int64                  `json:"existsBytes,omitempty"`   // plan: and has this size
	Encoding      string                 `json:"encoding,omitempty"`      // plan
	ServerVersion int                    `json:"serverVersion,omitempty"` // plan: as 150020 for 15.20
	DumpVersion   int                    `json:"dumpVersion,omitempty"`   // plan: of the server that was dumped
}

// connect reaches the server with the rights to make databases.
func (r *restoration) connect(ctx context.Context) error {
	r.adminDSN = fossology.DSN(r.s.admin)
	if r.adminDSN == "" {
		var err error
		if r.adminDSN, err = r.in.Database.WithDatabase("postgres"); err != nil {
			return fmt.Errorf("find database server: %w", err)
		}
	}
	admin, err := fossology.Connect(ctx, r.adminDSN)
	if err != nil {
		return withHint(err, "name a role that may create databases: --admin \"host=… user=postgres password=…\", or restore the files alone")
	}
	r.admin = admin
	if slices.ContainsFunc(r.databases, func(d string) bool { return r.target(d) == admin.Name() }) {
		admin.Close(ctx)
		return &usageError{err: fmt.Errorf("restore: --admin connects to %s, which is to be replaced", admin.Name()),
			hint: "add dbname=postgres to the string"}
	}
	return nil
}

// maxDatabaseName is what PostgreSQL keeps of a name (NAMEDATALEN - 1).
const maxDatabaseName = 63

// openObject opens a piece of the dump.
func (r *restoration) openObject(h store.Hash) (io.ReadCloser, error) { return r.st.Open(h) }

// target is the name under which a database of the dump is restored.
func (r *restoration) target(name string) string {
	return cmp.Or(r.databaseName, name)
}

func (r *restoration) restoreDatabase(ctx context.Context, name string) error {
	if r.result.Plan {
		return r.planDatabase(ctx, name)
	}
	progress := new(snapshot.Progress)
	stop := r.watch(r.s, progress)
	defer stop()
	progress.Begin(snapshot.PhaseDatabase, 0, r.storedBytes(name))
	o := snapshot.LoadOptions{
		PgBin:    r.s.pgBin,
		DSN:      r.adminDSN,
		Admin:    r.admin,
		Dump:     r.snap.Manifest.Database,
		Database: name,
		Target:   r.target(name),
		Open: func(h store.Hash) (io.ReadCloser, error) {
			f, err := r.st.Open(h)
			return counted{f, &progress.Bytes}, err
		},
		Counts:  r.countRows,
		Command: r.s.loadCommand,
		Now:     r.now,
		Log:     r.log,
	}
	if o.Dump.Mode == snapshot.DumpDirectory {
		dir, remove, err := loadDir(r.st.TempDir)
		if err != nil {
			return err
		}
		defer remove()
		o.TempDir = dir
	}
	if name == r.snap.Manifest.Database.Main {
		o.Expected = r.snap.Manifest.RestoredRows()
	}
	l, err := snapshot.LoadDatabase(ctx, o)
	if err != nil {
		return withHint(err, "a superuser of the server may do all that a restore needs: --admin \"user=postgres …\"")
	}
	r.result.Databases = append(r.result.Databases, &databaseResult{Name: l.Database, Before: l.Before, Bytes: l.Bytes, Rows: l.Counts, Roles: l.Roles, Removed: l.Removed, Warnings: l.Warnings, Exists: l.Before != ""})
	return nil
}

// loadDir is where a dump in directory format is put together: on the store's file system, which has room, or, if nothing
// can be written there, where temporary files are.
func loadDir(inStore func() (string, error)) (dir string, remove func(), err error) {
	dir, err = inStore()
	if !errors.Is(err, unix.EROFS) && !errors.Is(err, unix.EACCES) {
		return dir, func() {}, err
	}
	dir, err = os.MkdirTemp("", "repotool-restore-")
	return dir, func() { os.RemoveAll(dir) }, err
}

// countRows counts what the snapshot counted, in another database of the server.
func (r *restoration) countRows(ctx context.Context, name string) (rows map[string]int64, err error) {
	dsn, err := r.adminDSN.WithDatabase(name)
	if err != nil {
		return nil, err
	}
	err = connected(ctx, dsn, func(db *fossology.Database) error {
		view, err := databaseView(db)(ctx)
		if err != nil {
			return err
		}
		view.Close()
		rows = view.Rows
		return nil
	})
	return rows, err
}

// counted counts what is read from a file.
type counted struct {
	*os.File
	n *atomic.Int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.File.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// dumpBytes is the size of a database's dump as it was dumped, storedBytes as it
// lies in the store.
func (r *restoration) dumpBytes(name string) int64 {
	return r.sumPieces(name, func(p snapshot.DumpPiece) int64 { return p.RawLen })
}

func (r *restoration) storedBytes(name string) int64 {
	return r.sumPieces(name, func(p snapshot.DumpPiece) int64 { return p.Len })
}

func (r *restoration) sumPieces(name string, of func(snapshot.DumpPiece) int64) (n int64) {
	for _, part := range r.snap.Manifest.Database.Parts {
		if part.Database == name {
			for _, p := range part.Pieces {
				n += of(p)
			}
		}
	}
	return n
}

// lines is the database's part of what restore says.
func (d *databaseResult) lines(plan bool) string {
	var b strings.Builder
	var rows []string
	for _, table := range slices.Sorted(maps.Keys(d.Rows)) {
		rows = append(rows, fmt.Sprintf("%s %s", table, count(d.Rows[table])))
	}
	fmt.Fprintf(&b, "  database  %s, %s of dump", d.Name, size(d.Bytes))
	if len(rows) > 0 {
		fmt.Fprintf(&b, ", rows: %s", strings.Join(rows, ", "))
	}
	b.WriteByte('\n')
	line := func(format string, args ...any) { fmt.Fprintf(&b, "            "+format+"\n", args...) }
	if plan {
		line("PostgreSQL %s here, %s in the snapshot, encoding %s", pgVersion(d.ServerVersion), pgVersion(d.DumpVersion), cmp.Or(d.Encoding, "unknown"))
		if d.Exists {
			line("the database of that name (%s) would be kept as %s_before_TIME", size(d.ExistsBytes), d.Name)
		}
	} else if d.Before != "" {
		line("the one before is kept as %s: drop it when you no longer need it", d.Before)
	}
	if len(d.Removed) > 0 {
		line("removed, since a restore did not finish it: %s", strings.Join(d.Removed, ", "))
	}
	if len(d.Roles) > 0 {
		line("roles created: %s", strings.Join(d.Roles, ", "))
	}
	for _, w := range d.Warnings {
		line("note: %s", w.Text)
		if w.Hint != "" {
			line("  hint: %s", w.Hint)
		}
	}
	return b.String()
}

// pgVersion writes a number of a server's version, 150020 as 15.20.
func pgVersion(n int) string { return snapshot.PostgresVersion(n).String() }
