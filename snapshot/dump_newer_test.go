package snapshot_test

import (
	"testing"

	"repotool/repotest"
	"repotool/snapshot"
)

// TestLoadDumpByNewerTool: what such a pg_dump wrote, and nobody changed while dumping, can be
// loaded into an older server, by psql and by a user's command.
func TestLoadDumpByNewerTool(t *testing.T) {
	dsn, pg := repotest.Fossology(t), repotest.Postgres(t)
	name := dbname(dsn)
	pg.SQL(t, name, `CREATE TABLE words (w text); INSERT INTO words VALUES ('SET transaction_timeout = 0;')`)
	st := newPieceStore()
	d := dump(t, snapshot.DumpOptions{DSN: admin(t, dsn), Mode: snapshot.DumpCommand, Put: st.put, Command: []string{"sh", "-c",
		pg.Bin + `/pg_dump -d "$REPOTOOL_DSN" | sed 's/^SET idle_in_transaction_session_timeout = 0;$/&\nSET transaction_timeout = 0;/'`}})
	want, o := digest(t, name), loadOptions(t, d, st)
	for _, c := range []struct {
		format  string
		command []string
	}{
		{snapshot.FormatPlain, nil},
		{snapshot.FormatCommand, nil},
		{snapshot.FormatCommand, []string{"sh", "-c", pg.Bin + `/psql -qX -v ON_ERROR_STOP=1 -o /dev/null -d "$REPOTOOL_DSN"`}},
	} {
		d.Parts[0].Format, o.Command = c.format, c.command
		pg.SQL(t, name, "DROP TABLE words; DELETE FROM jobqueue")
		if _, err := snapshot.LoadDatabase(t.Context(), o); err != nil {
			t.Fatalf("%s, %q: %v", c.format, c.command, err)
		}
		if got := digest(t, name); got != want {
			t.Errorf("content differs: %s, want %s", got, want)
		}
		if got := pg.SQL(t, name, "SELECT w FROM words"); got != "SET transaction_timeout = 0;" {
			t.Errorf("the words are %q", got)
		}
	}
}

// TestDumpByNewerTool: what a pg_dump of version 17 writes of an older server can be loaded
// into that. The same words in the data stay.
func TestDumpByNewerTool(t *testing.T) {
	dsn, pg := repotest.Fossology(t), repotest.Postgres(t)
	name := dbname(dsn)
	pg.SQL(t, name, `CREATE TABLE words (w text); INSERT INTO words VALUES ('SET transaction_timeout = 0;')`)
	bin := tools(t, "pg_dump", `case "$*" in
		*--version*) echo "pg_dump (PostgreSQL) 17.2";;
		*--help*) exec $REAL "$@";;
		*) $REAL "$@" | sed 's/^SET idle_in_transaction_session_timeout = 0;$/&\nSET transaction_timeout = 0;/';; esac`)
	st := newPieceStore()
	d := dump(t, snapshot.DumpOptions{PgBin: bin, DSN: admin(t, dsn), Put: st.put})
	want, o := digest(t, name), loadOptions(t, d, st)
	pg.SQL(t, name, "DROP TABLE words; DELETE FROM jobqueue")
	if _, err := snapshot.LoadDatabase(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if got := digest(t, name); got != want {
		t.Errorf("content differs: %s, want %s", got, want)
	}
	if got := pg.SQL(t, name, "SELECT w FROM words"); got != "SET transaction_timeout = 0;" {
		t.Errorf("the words are %q", got)
	}
}
