package snapshot_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
)

// onlyDump lets the questions for version and options through to the real program.
const onlyDump = `case "$*" in *--version*|*--help*) exec $REAL "$@";; esac; `

// TestDumpFaults has each thing that can go wrong with PostgreSQL's tools end in an error that says what it was.
func TestDumpFaults(t *testing.T) {
	dsn := repotest.Fossology(t)
	for _, test := range []struct {
		name, tool, script string
		mode               snapshot.DumpMode
		want               string
		is                 error
	}{
		{"dies half-way", "pg_dump", onlyDump + `$REAL "$@" | head -c 100000; echo "pg_dump: error: server closed the connection" >&2; exit 1`,
			"", "server closed the connection", nil},
		{"ends half-way as if all were well", "pg_dump", onlyDump + `$REAL "$@" | head -c 100000; exit 0`, "", "not complete", snapshot.ErrCutShort},
		{"writes nothing", "pg_dump", onlyDump + `exit 0`, "", "not complete", snapshot.ErrCutShort},
		{"is killed", "pg_dump", onlyDump + `$REAL "$@" | head -c 100000; kill -9 $$`, "", "signal: killed", nil},
		{"reports an error but ends well", "pg_dump", onlyDump + `$REAL "$@"; echo "pg_dump: error: no" >&2`, "", "pg_dump: error: no", nil},
		{"is older than the server", "pg_dump", `case "$*" in *--version*) echo "pg_dump (PostgreSQL) 9.6.24";; *) exec $REAL "$@";; esac`,
			"", "version 9.6 is older than the server's", snapshot.ErrToolOlder},
		{"is newer than pg_restore can bring back", "pg_dump", `case "$*" in *--version*) echo "pg_dump (PostgreSQL) 17.2";; *) exec $REAL "$@";; esac`,
			snapshot.DumpDirectory, "directory of version 17 cannot be restored", snapshot.ErrToolNewer},
		{"globals half-way", "pg_dumpall", onlyDump + `$REAL "$@" | head -c 300`, "", "not complete", snapshot.ErrCutShort},
		{"directory without table of contents", "pg_dump", onlyDump + `$REAL "$@"; for a; do case $a in --file=*) rm ${a#--file=}/toc.dat;; esac; done`,
			snapshot.DumpDirectory, "not complete", snapshot.ErrCutShort},
		{"directory with a table cut short", "pg_dump", onlyDump + `$REAL "$@"; for a; do case $a in --file=*) truncate -s -10 $(ls -S ${a#--file=}/[0-9]*.dat | head -1);; esac; done`,
			snapshot.DumpDirectory, "not complete", snapshot.ErrCutShort},
		{"directory dies", "pg_dump", onlyDump + `$REAL "$@"; exit 1`, snapshot.DumpDirectory, "exit status 1", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			temp := t.TempDir()
			_, err := snapshot.DumpDatabase(t.Context(), snapshot.DumpOptions{PgBin: tools(t, test.tool, test.script),
				DSN: admin(t, dsn), Mode: test.mode, TempDir: temp, Put: newPieceStore().put})
			var e *snapshot.DumpError
			if !errors.As(err, &e) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want a DumpError with %q", err, test.want)
			}
			if test.is != nil && (!errors.Is(err, test.is) || e.Hint() == "") {
				t.Errorf("error %v is not %v, or has no hint %q", err, test.is, e.Hint())
			}
			if left, _ := os.ReadDir(temp); len(left) > 0 {
				t.Errorf("%s was left behind", left)
			}
		})
	}
}

func TestDumpOfNoDatabase(t *testing.T) {
	pg := repotest.Postgres(t)
	for _, test := range []struct{ name, dsn, bin, want string }{
		{"wrong password", strings.Replace(repotest.Fossology(t), "password=fossy", "password=wrong", 1), "", "password authentication failed"},
		{"server down", "host=127.0.0.1 port=1 dbname=fossology user=fossy password=fossy", "", "onnection refused"},
		{"no such database", pg.DSN("nothere"), "", "does not exist"},
		{"no tools", pg.DSN("postgres"), filepath.Join(t.TempDir(), "nothere"), "no such file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := snapshot.DumpDatabase(t.Context(), snapshot.DumpOptions{DSN: fossology.DSN(test.dsn), PgBin: test.bin,
				Put: newPieceStore().put})
			var e *snapshot.DumpError
			if !errors.As(err, &e) || !strings.Contains(err.Error(), test.want) || e.Hint() == "" {
				t.Errorf("error %v, want %q and a hint", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "wrong") {
				t.Errorf("the password is in the message: %v", err)
			}
		})
	}
}

// TestDumpToAFullStore has the store refuse a piece in the middle.
func TestDumpToAFullStore(t *testing.T) {
	dsn := repotest.Fossology(t)
	repotest.Postgres(t).SQL(t, dbname(dsn), "CREATE TABLE big AS SELECT n, md5(n::text) AS sum FROM generate_series(1, 300000) n")
	full := errors.New("no space left on device")
	puts := 0
	_, err := snapshot.DumpDatabase(t.Context(), snapshot.DumpOptions{DSN: admin(t, dsn),
		Put: func(_ context.Context, b []byte, _ store.Hash, _ int) (store.Hash, error) {
			if puts++; puts > 3 {
				return store.Hash{}, full
			}
			return store.Sum(b), nil
		}})
	if !errors.Is(err, full) {
		t.Errorf("error %v, want %v", err, full)
	}
}
