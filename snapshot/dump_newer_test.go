package snapshot_test

import (
	"testing"

	"repotool/repotest"
	"repotool/snapshot"
)

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
