package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
)

func TestDumpTwiceGivesTheSameObjects(t *testing.T) {
	dsn := repotest.Fossology(t)
	st := newPieceStore()
	o := snapshot.DumpOptions{DSN: admin(t, dsn), Put: st.put}
	first := dump(t, o)
	if first.RestrictKey == "" {
		t.Error("no \\restrict key was recorded, though pg_dump can be given one")
	}
	objects := len(st.objects)

	o.RestrictKey = first.RestrictKey
	second := dump(t, o)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("two dumps of the same data differ: %s", diff)
	}
	if len(st.objects) != objects {
		t.Errorf("the second dump added %d objects", len(st.objects)-objects)
	}

	o.Known = first.Known()
	o.Put = func(context.Context, []byte, store.Hash, int) (store.Hash, error) {
		return store.Hash{}, errors.New("a known piece was stored again")
	}
	third := dump(t, o)
	if diff := cmp.Diff(first.Parts, third.Parts); diff != "" || third.Stats.NewPieces != 0 {
		t.Errorf("with known pieces: %d new, %s", third.Stats.NewPieces, diff)
	}
}

// TestDumpOfAChangeIsSmall changes one row in some 15 MB.
func TestDumpOfAChangeIsSmall(t *testing.T) {
	dsn := repotest.Fossology(t)
	pg := repotest.Postgres(t)
	pg.SQL(t, dbname(dsn), `CREATE TABLE big AS SELECT n, md5(n::text) || md5((n + 1)::text) || md5((n + 2)::text) AS sum
		FROM generate_series(1, 150000) n; ALTER TABLE big ADD PRIMARY KEY (n)`)
	st := newPieceStore()
	o := snapshot.DumpOptions{DSN: admin(t, dsn), Put: st.put}
	first := dump(t, o)
	if n := len(part(t, first, dbname(dsn)).Pieces); n < 8 {
		t.Fatalf("only %d pieces", n)
	}
	for p := range first.Pieces {
		if p.RawLen > 4<<20 {
			t.Errorf("a piece of %d bytes", p.RawLen)
		}
	}

	pg.SQL(t, dbname(dsn), "UPDATE big SET sum = 'changed' WHERE n = 75000")
	o.RestrictKey, o.Known = first.RestrictKey, first.Known()
	second := dump(t, o)
	// One row disappears where it was, one appears at the end of the table.
	if n := second.Stats.NewPieces; n == 0 || n > 3 {
		t.Errorf("%d of %d pieces are new after a change of one row", n, second.Stats.Pieces)
	}
	if n := len(slices.Collect(second.Pieces)); n != second.Stats.Pieces {
		t.Errorf("%d pieces, counted as %d", n, second.Stats.Pieces)
	}
}

// TestDumpRestoresWithStandardTools does what the README says, with cat, zstd and psql.
func TestDumpRestoresWithStandardTools(t *testing.T) {
	repotest.Tool(t, "zstd")
	dsn, pg := repotest.Fossology(t), repotest.Postgres(t)
	name := dbname(dsn)
	pg.SQL(t, name, "CREATE TABLE big AS SELECT n, md5(n::text) AS sum FROM generate_series(1, 100000) n")
	st := newPieceStore()
	d := dump(t, snapshot.DumpOptions{DSN: admin(t, dsn), Put: st.put})
	dir := t.TempDir()
	st.write(t, dir, d)

	empty := pg.Database(t, "template1")
	cmd := exec.Command("/bin/bash", "-c", fmt.Sprintf(
		"set -o pipefail; cat %s/%s/*.zst | zstd -d | %s/psql -X -q -v ON_ERROR_STOP=1 -o /dev/null '%s'",
		dir, name, pg.Bin, pg.AdminDSN(dbname(empty))))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if diff := cmp.Diff(rows(t, name), rows(t, dbname(empty))); diff != "" {
		t.Error(diff)
	}
	if n := pg.SQL(t, dbname(empty), "SELECT count(*) FROM big"); n != "100000" {
		t.Errorf("big has %s rows", n)
	}
	globals, err := exec.Command("zstd", "-dc", filepath.Join(dir, "globals.sql.zst")).Output()
	if err != nil || !strings.Contains(string(globals), "CREATE ROLE fossy;") {
		t.Errorf("globals: %v\n%s", err, globals)
	}
}

func TestDumpWithoutSuperuser(t *testing.T) {
	dsn := repotest.Fossology(t)
	st := newPieceStore()
	d := dump(t, snapshot.DumpOptions{DSN: fossology.DSN(dsn), Put: st.put})
	if len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0].Text, "passwords") || d.Warnings[0].Hint == "" {
		t.Errorf("warnings: %+v", d.Warnings)
	}
	globals := st.text(t, d, "globals.sql")
	if !strings.Contains(globals, "CREATE ROLE fossy;") || strings.Contains(globals, "SCRAM") {
		t.Errorf("globals: %s", globals)
	}
	d = dump(t, snapshot.DumpOptions{DSN: fossology.DSN(dsn), GlobalsDSN: admin(t, dsn), Put: st.put})
	if len(d.Warnings) != 0 || !strings.Contains(st.text(t, d, "globals.sql"), "SCRAM") {
		t.Errorf("with a superuser for the globals: %+v", d.Warnings)
	}
}

func TestDumpRecordsTheDatabase(t *testing.T) {
	dsn := repotest.Fossology(t)
	d := dump(t, snapshot.DumpOptions{DSN: admin(t, dsn), Put: newPieceStore().put})
	want := []snapshot.DumpedDatabase{{Name: dbname(dsn), Owner: "fossy", Encoding: "UTF8", Collate: "C.UTF-8",
		Ctype: "C.UTF-8", Provider: "c", Roles: []string{"fossy"}}}
	got := slices.Clone(d.Databases)
	got[0].Roles = slices.DeleteFunc(slices.Clone(got[0].Roles), func(r string) bool { return r == "postgres" })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if d.ServerVersion < 90000 || !strings.HasPrefix(d.Tool, "pg_dump") || d.Main != dbname(dsn) || d.Mode != snapshot.DumpPlain {
		t.Errorf("%+v", d)
	}
}

// TestDumpInASnapshot changes the database after the view was taken.
func TestDumpInASnapshot(t *testing.T) {
	dsn := repotest.Fossology(t)
	db, err := fossology.Connect(t.Context(), fossology.DSN(dsn))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	view, err := db.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	repotest.Postgres(t).SQL(t, dbname(dsn), "INSERT INTO agent (agent_name) VALUES ('came too late')")
	st := newPieceStore()
	d := dump(t, snapshot.DumpOptions{DSN: fossology.DSN(dsn), Put: st.put, SnapshotID: view.SnapshotID})
	if strings.Contains(st.text(t, d, dbname(dsn)), "came too late") {
		t.Error("the dump has a row that is younger than its snapshot")
	}
}

func TestDumpCluster(t *testing.T) {
	pg := repotest.Postgres(t)
	one, two := repotest.Fossology(t), pg.Database(t, "template1")
	const unfinished = "x_restore_20261101_020000"
	pg.SQL(t, "postgres", "CREATE DATABASE "+unfinished)
	t.Cleanup(func() { pg.SQL(t, "postgres", "DROP DATABASE "+unfinished) })
	st := newPieceStore()
	d := dump(t, snapshot.DumpOptions{DSN: admin(t, one), Mode: snapshot.DumpCluster, Put: st.put})
	var names []string
	for _, db := range d.Databases {
		names = append(names, db.Name)
	}
	if names[0] != dbname(one) || !slices.Contains(names, dbname(two)) || !slices.Contains(names, "postgres") ||
		slices.Contains(names, "template1") || slices.Contains(names, unfinished) {
		t.Errorf("databases: %v", names)
	}
	for _, name := range names {
		if !strings.Contains(st.text(t, d, name), "PostgreSQL database dump complete") {
			t.Errorf("dump of %s is not whole", name)
		}
	}
}

// TestDumpClusterLosesADatabase drops one while others are dumped.
func TestDumpClusterLosesADatabase(t *testing.T) {
	pg := repotest.Postgres(t)
	dsn := repotest.Fossology(t)
	pg.SQL(t, "postgres", "CREATE DATABASE short_lived")
	bin := tools(t, "pg_dump", onlyDump+fmt.Sprintf(`case "$*" in *dbname=short_lived*) %s/psql -q "%s" -c "DROP DATABASE short_lived";; esac
exec $REAL "$@"`, pg.Bin, pg.AdminDSN("postgres")))
	d := dump(t, snapshot.DumpOptions{PgBin: bin, DSN: admin(t, dsn), Mode: snapshot.DumpCluster, Put: newPieceStore().put})
	for _, p := range d.Parts {
		if p.Database == "short_lived" {
			t.Errorf("a part is left of it: %s", p.Path)
		}
	}
	if len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0].Text, "short_lived") {
		t.Errorf("warnings: %+v", d.Warnings)
	}
}

func TestDumpNone(t *testing.T) {
	d, err := snapshot.DumpDatabase(t.Context(), snapshot.DumpOptions{Mode: snapshot.DumpNone})
	if err != nil || len(d.Parts) != 0 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestDumpCommand(t *testing.T) {
	dsn := repotest.Fossology(t)
	st := newPieceStore()
	o := snapshot.DumpOptions{DSN: fossology.DSN(dsn), Mode: snapshot.DumpCommand, Put: st.put,
		Command: []string{"sh", "-c", repotest.Postgres(t).Bin + `/pg_dump -d "$REPOTOOL_DSN" -t upload; echo note >&2`}}
	d := dump(t, o)
	if !strings.Contains(st.text(t, d, dbname(dsn)), "CREATE TABLE public.upload") || len(d.Warnings) != 1 {
		t.Errorf("%+v", d)
	}
	for script, want := range map[string]string{
		"":                  "wrote nothing",
		"echo half; exit 7": "exit status 7",
		"printf -- '--\n-- PostgreSQL database dump\n--\nhalf'": "not complete",
	} {
		o.Command = []string{"sh", "-c", script}
		_, err := snapshot.DumpDatabase(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("command %q: %v, want %q", script, err, want)
		}
	}
}

// TestDumpHidesThePassword looks at what other users of the machine can see.
func TestDumpHidesThePassword(t *testing.T) {
	dsn := repotest.Fossology(t)
	log := filepath.Join(t.TempDir(), "argv")
	for _, tool := range []string{"pg_dump", "pg_dumpall", "psql"} {
		bin := tools(t, tool, fmt.Sprintf(`echo "$0 $@" >>%s; exec $REAL "$@"`, log))
		dump(t, snapshot.DumpOptions{PgBin: bin, DSN: admin(t, dsn), Put: newPieceStore().put})
	}
	argv, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(argv), repotest.Postgres(t).Password) || strings.Count(string(argv), "\n") < 3 {
		t.Errorf("arguments: %s", argv)
	}
}

// TestDumpStopsWithItsContext interrupts a pg_dump that hangs, and whose child holds its output open.
func TestDumpStopsWithItsContext(t *testing.T) {
	dsn := repotest.Fossology(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun := filepath.Join(t.TempDir(), "begun")
	bin := tools(t, "pg_dump", onlyDump+fmt.Sprintf("echo half; touch %s; sleep 600 & wait", begun))
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(begun); err == nil {
				cancel()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	start := time.Now()
	_, err := snapshot.DumpDatabase(ctx, snapshot.DumpOptions{PgBin: bin, DSN: admin(t, dsn), Put: newPieceStore().put})
	if !errors.Is(err, context.Canceled) || time.Since(start) > time.Minute {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}
