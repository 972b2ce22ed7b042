package snapshot_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
)

// TestTakeDatabaseTwice: a database that did not change costs nothing the next night, and what the store has lost of it is
// stored again.
func TestTakeDatabaseTwice(t *testing.T) {
	dsn, st, repository := repotest.Fossology(t), repotest.Store(t), repotest.Repository(t)
	o := dumping(t, options(st, repository), snapshot.DumpOptions{DSN: admin(t, dsn)})
	first, second := take(t, o), take(t, o)
	if n := second.Database.NewPieces; n != 0 || first.Database.NewPieces == 0 || second.Database.RawBytes != first.Database.RawBytes {
		t.Errorf("first %+v, second %+v", first.Database, second.Database)
	}
	snap, err := snapshot.Find(st, "fossology", "latest")
	if err != nil {
		t.Fatal(err)
	}
	lost := part(t, snap.Manifest.Database, dbname(dsn)).Pieces[0].Object
	if err := os.Remove(st.Path("objects", lost.String()[:2], lost.String())); err != nil {
		t.Fatal(err)
	}
	third := take(t, o)
	if n := third.Database.NewPieces; n != 1 {
		t.Errorf("%d pieces were stored again, want 1", n)
	}
	if f, err := st.Open(lost); err != nil {
		t.Error(err)
	} else {
		f.Close()
	}
}

// TestTakeWithABadDump: no snapshot appears, and the one before stays.
func TestTakeWithABadDump(t *testing.T) {
	dsn, st, repository := repotest.Fossology(t), repotest.Store(t), repotest.Repository(t)
	o := dumping(t, options(st, repository), snapshot.DumpOptions{DSN: admin(t, dsn)})
	good := take(t, o)
	for name, script := range map[string]string{
		"dies":       onlyDump + `$REAL "$@" | head -c 100000; echo "pg_dump: error: server closed the connection" >&2; exit 1`,
		"cut short":  onlyDump + `$REAL "$@" | head -c 100000`,
		"drops rows": dropRow("pfile"),
	} {
		o.Dump.PgBin = tools(t, "pg_dump", script)
		_, err := snapshot.Take(t.Context(), o)
		var e *snapshot.DumpError
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", name, err)
		}
	}
	list, err := snapshot.List(st, "fossology")
	if err != nil || len(list) != 1 || list[0].Name != good.Name {
		t.Errorf("%+v, %v", list, err)
	}
	if to, err := os.Readlink(st.Path("days", "fossology", "current")); err != nil || to != good.Name {
		t.Errorf("current leads to %s, %v", to, err)
	}
}

// TestServerEndsTheSession: the server ends pg_dump's session in the middle of a dump, and psql's in the middle of a load,
// as it does when it is shut down.
func TestServerEndsTheSession(t *testing.T) {
	dsn, pg := repotest.Fossology(t), repotest.Postgres(t)
	name := dbname(dsn)
	pg.SQL(t, name, "CREATE TABLE big AS SELECT n, md5(n::text) AS sum FROM generate_series(1, 1000000) n")
	end := func(program string) {
		pg.SQL(t, "postgres", "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = '"+program+"' AND datname LIKE '"+name+"%'")
	}
	st := newPieceStore()
	puts := 0
	_, err := snapshot.DumpDatabase(t.Context(), snapshot.DumpOptions{DSN: admin(t, dsn),
		Put: func(ctx context.Context, b []byte, raw store.Hash, n int) (store.Hash, error) {
			if puts++; puts == 3 { // the globals, and a piece of the database
				end("pg_dump")
			}
			return st.put(ctx, b, raw, n)
		}})
	var e *snapshot.DumpError
	if !errors.As(err, &e) || e.Tool != "pg_dump" {
		t.Errorf("dump: %v", err)
	}

	d := dump(t, snapshot.DumpOptions{DSN: admin(t, dsn), Put: st.put})
	o := loadOptions(t, d, st)
	want, opened := digest(t, name), 0
	o.Open = func(h store.Hash) (io.ReadCloser, error) {
		if opened++; opened == 4 {
			end("psql")
		}
		return st.open(h)
	}
	_, err = snapshot.LoadDatabase(t.Context(), o)
	var l *snapshot.LoadError
	if !errors.As(err, &l) || !strings.Contains(err.Error(), "psql") {
		t.Errorf("load: %v", err)
	}
	if left := databases(t, name+"_"); len(left) > 0 || digest(t, name) != want {
		t.Errorf("left behind: %v", left)
	}
}
