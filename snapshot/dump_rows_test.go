package snapshot_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/snapshot"
)

// dropRow is a pg_dump that leaves one row out of a table and ends well.
func dropRow(table string) string {
	// In plain SQL the row behind the COPY, in the directory format the first line of the table's file.
	return onlyDump + fmt.Sprintf(`dir=; for a; do case $a in --file=*) dir=${a#--file=};; esac; done
if [ -z "$dir" ]; then $REAL "$@" | sed '/^COPY public\.%[1]s (/{n;d}'; exit 0; fi
$REAL "$@" && id=$("${REAL%%pg_dump}pg_restore" --list "$dir" | sed -n 's/^\([0-9]*\);.* TABLE DATA public %[1]s .*/\1/p') && sed -i 1d "$dir/$id.dat"`, table)
}

// TestDumpThatDropsRows has a pg_dump whose output looks whole in every other way.
func TestDumpThatDropsRows(t *testing.T) {
	dsn, pg := repotest.Fossology(t), repotest.Postgres(t)
	name := dbname(dsn)
	pg.SQL(t, name, `CREATE TABLE uploadtree_77 (CHECK (upload_fk = 77)) INHERITS (uploadtree);
		INSERT INTO uploadtree_77 (uploadtree_pk, upload_fk, ufile_mode, ufile_name) VALUES (90001, 77, 0, E'a\nb\\.'), (90002, 77, 0, E'\\.');
		CREATE TABLE uploadtree_78 AS SELECT * FROM uploadtree LIMIT 5;
		CREATE SCHEMA "other one"; CREATE TABLE "other one".pfile AS SELECT * FROM pfile`)
	want := rows(t, name)
	for _, mode := range []snapshot.DumpMode{snapshot.DumpPlain, snapshot.DumpDirectory, snapshot.DumpCluster} {
		o := snapshot.DumpOptions{DSN: admin(t, dsn), Mode: mode, TempDir: t.TempDir(), Put: newPieceStore().put, Rows: want}
		dump(t, o) // the real one
		if mode == snapshot.DumpCluster {
			continue // the same as plain
		}
		for table, of := range map[string]string{"pfile": "pfile", "upload": "upload", "jobqueue": "jobqueue",
			"uploadtree_a": "uploadtree", "uploadtree_77": "uploadtree"} {
			o.PgBin = tools(t, "pg_dump", dropRow(table))
			_, err := snapshot.DumpDatabase(t.Context(), o)
			var e *snapshot.DumpError
			text := fmt.Sprintf("the dump has %d rows of %s, the database %d", want[of]-1, of, want[of])
			if !errors.As(err, &e) || !errors.Is(err, snapshot.ErrRows) || !strings.Contains(err.Error(), text) || e.Hint() == "" {
				t.Errorf("%s without a row of %s: %v, want %q", mode, table, err, text)
			}
		}
	}
}

// TestDumpByACommandThatDropsRows: what a command writes is its own affair, but somebody should know.
func TestDumpByACommandThatDropsRows(t *testing.T) {
	dsn, pg := repotest.Fossology(t), repotest.Postgres(t)
	want := rows(t, dbname(dsn))
	o := snapshot.DumpOptions{DSN: fossology.DSN(dsn), Mode: snapshot.DumpCommand, Put: newPieceStore().put, Rows: want,
		Command: []string{"sh", "-c", pg.Bin + `/pg_dump "$REPOTOOL_DSN"`}}
	if d := dump(t, o); len(d.Warnings) > 0 {
		t.Errorf("warnings for a good dump: %+v", d.Warnings)
	}
	o.Command[2] += ` | sed '/^COPY public\.pfile (/{n;d}'`
	d := dump(t, o)
	if len(d.Warnings) != 1 || d.Warnings[0].Kind != snapshot.RowsDiffer || !strings.Contains(d.Warnings[0].Text, "845 rows of pfile, the database 846") {
		t.Errorf("warnings: %+v", d.Warnings)
	}
	has := maps.Clone(want)
	has["pfile"]--
	if diff := cmp.Diff(has, (&snapshot.Manifest{Rows: want, Database: d}).RestoredRows()); diff != "" {
		t.Errorf("what a restore expects: %s", diff)
	}
	for _, uncounted := range []string{"echo something else", pg.Bin + `/pg_dump --inserts "$REPOTOOL_DSN"`} {
		o.Command[2] = uncounted
		d := dump(t, o)
		if diff := cmp.Diff(want, (&snapshot.Manifest{Rows: want, Database: d}).RestoredRows()); len(d.Warnings) > 0 || diff != "" {
			t.Errorf("%s: warnings %+v; what a restore expects: %s", uncounted, d.Warnings, diff)
		}
	}
}

// TestLoadWhatACommandDumped loads a dump of a command that left rows out, and one without COPY: there is no other, so it must
// come back.
func TestLoadWhatACommandDumped(t *testing.T) {
	dsn, pg := repotest.Fossology(t), repotest.Postgres(t)
	want := rows(t, dbname(dsn))
	for _, command := range []string{`/pg_dump --exclude-table-data=jobdepends "$REPOTOOL_DSN" | sed '/^COPY public\.jobqueue (/{n;d}'`, `/pg_dump --inserts "$REPOTOOL_DSN"`} {
		st := newPieceStore()
		m := snapshot.Manifest{Rows: want}
		m.Database = dump(t, snapshot.DumpOptions{DSN: fossology.DSN(dsn), Mode: snapshot.DumpCommand, Put: st.put, Rows: want,
			Command: []string{"sh", "-c", pg.Bin + command}})
		o := loadOptions(t, m.Database, st)
		o.Expected, o.Target = m.RestoredRows(), m.Database.Main+"_copy"
		l, err := snapshot.LoadDatabase(t.Context(), o)
		if err != nil || len(l.Warnings) > 0 {
			t.Errorf("%s: %+v, %v; want no warnings", command, l, err)
		}
		pg.SQL(t, "postgres", "DROP DATABASE IF EXISTS "+o.Target)
	}
}
