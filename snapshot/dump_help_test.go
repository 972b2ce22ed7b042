package snapshot_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
)

// pieceStore keeps objects in memory.
type pieceStore struct {
	mu      sync.Mutex
	objects map[store.Hash][]byte
}

func newPieceStore() *pieceStore { return &pieceStore{objects: map[store.Hash][]byte{}} }

func (s *pieceStore) put(_ context.Context, frame []byte, _ store.Hash, _ int) (store.Hash, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := store.Sum(frame)
	s.objects[h] = bytes.Clone(frame)
	return h, nil
}

func (s *pieceStore) open(h store.Hash) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.objects[h]
	if !ok {
		return nil, store.ErrNoObject
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

// write writes the pieces of a part as a day directory shows them.
func (s *pieceStore) write(t *testing.T, dir string, d *snapshot.Dump) {
	t.Helper()
	for _, p := range d.Parts {
		for i, piece := range p.Pieces {
			name := filepath.Join(dir, p.PieceName(i))
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, s.objects[piece.Object], 0o444); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// text returns the decompressed bytes of the part of that path.
func (s *pieceStore) text(t *testing.T, d *snapshot.Dump, path string) string {
	t.Helper()
	var b strings.Builder
	if _, err := snapshot.WritePart(t.Context(), &b, part(t, d, path), s.open); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// part returns the part of that path.
func part(t *testing.T, d *snapshot.Dump, path string) snapshot.DumpPart {
	t.Helper()
	for _, p := range d.Parts {
		if p.Path == path {
			return p
		}
	}
	t.Fatalf("the dump has no part %s: %+v", path, d.Parts)
	panic("not reached")
}

// admin returns a superuser's connection string for the database of dsn.
func admin(t *testing.T, dsn string) fossology.DSN {
	t.Helper()
	return fossology.DSN(repotest.Postgres(t).AdminDSN(dbname(dsn)))
}

// dbname returns the name of the database of a connection string of repotest.
func dbname(dsn string) string {
	_, rest, _ := strings.Cut(dsn, "dbname=")
	name, _, _ := strings.Cut(rest, " ")
	return name
}

// dump dumps and expects no error.
func dump(t *testing.T, o snapshot.DumpOptions) *snapshot.Dump {
	t.Helper()
	d, err := snapshot.DumpDatabase(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// rows counts what is compared after a restore.
func rows(t *testing.T, database string) map[string]int64 {
	t.Helper()
	counts, err := countRows(t.Context(), repotest.Postgres(t).AdminDSN(database))
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

func countRows(ctx context.Context, dsn string) (map[string]int64, error) {
	db, err := fossology.Connect(ctx, fossology.DSN(dsn))
	if err != nil {
		return nil, err
	}
	defer db.Close(ctx)
	v, err := db.View(ctx)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	c, err := v.Counts(ctx)
	return map[string]int64{"upload": c.Upload, "pfile": c.Pfile, "uploadtree": c.Uploadtree, "jobqueue": c.Jobqueue}, err
}

// databases lists the databases of the cluster whose name begins with prefix.
func databases(t *testing.T, prefix string) []string {
	t.Helper()
	return strings.Fields(repotest.Postgres(t).SQL(t, "postgres", fmt.Sprintf(
		"SELECT datname FROM pg_database WHERE starts_with(datname, '%s') ORDER BY 1", prefix)))
}

// tools makes a directory with wrappers around PostgreSQL's programs. script is the wrapper of the one called name;
// in it $REAL is the real program. The others are wrapped by nothing.
func tools(t *testing.T, name, script string) string {
	t.Helper()
	dir := t.TempDir()
	for _, tool := range []string{"pg_dump", "pg_dumpall", "pg_restore", "psql"} {
		real := filepath.Join(repotest.Postgres(t).Bin, tool)
		text := "#!/bin/sh\nREAL=" + real + "\n"
		if tool == name {
			text += script + "\n"
		} else {
			text += "exec $REAL \"$@\"\n"
		}
		if err := os.WriteFile(filepath.Join(dir, tool), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// dumping adds a database to what a snapshot is taken of, as the command line does.
func dumping(t *testing.T, o snapshot.TakeOptions, dump snapshot.DumpOptions) snapshot.TakeOptions {
	t.Helper()
	withDatabase(&o, dump.DSN, dump.Mode)
	dump.TempDir = t.TempDir()
	o.Dump = &dump
	return o
}
