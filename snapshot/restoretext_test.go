package snapshot_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"repotool/repotest"
	"repotool/snapshot"
)

// TestRestoreTextOfADatabase runs RESTORE.txt as it stands, after the databases were lost, in each mode of a dump.
func TestRestoreTextOfADatabase(t *testing.T) {
	repotest.Tool(t, "zstd")
	pg := repotest.Postgres(t)
	env := []string{"PGHOST=" + pg.Host, fmt.Sprintf("PGPORT=%d", pg.Port), "PGUSER=postgres", "PGPASSWORD=" + pg.Password,
		"PATH=" + pg.Bin + ":" + os.Getenv("PATH")}
	const lost = "locale_lost"
	for _, mode := range []snapshot.DumpMode{snapshot.DumpPlain, snapshot.DumpCluster, snapshot.DumpDirectory} {
		t.Run(string(mode), func(t *testing.T) {
			dsn := repotest.Fossology(t)
			name := dbname(dsn)
			pg.SQL(t, name, fmt.Sprintf("CREATE TABLE big AS SELECT n, md5(n::text) AS sum FROM generate_series(1, 60000) n; ALTER DATABASE %s SET work_mem = '9MB'", name))
			localeDatabase(t, lost, localeCases[0].create, localeCases[0].insert)
			want, wantLost := digest(t, name), localeFacts(t, lost)
			st := repotest.Store(t)
			s := take(t, dumping(t, options(st, repotest.Repository(t)), snapshot.DumpOptions{DSN: admin(t, dsn), Mode: mode}))
			pg.SQL(t, "postgres", "DROP DATABASE "+name)
			if mode == snapshot.DumpCluster {
				pg.SQL(t, "postgres", "DROP DATABASE "+lost)
				setAside(t)
			}

			day := st.Path("days", "fossology", s.Name)
			out := runRestoreText(t, day, append(env, "REPO="+filepath.Join(t.TempDir(), "repository"))...)
			if got := digest(t, name); got != want {
				t.Errorf("content differs: %s, want %s", got, want)
			}
			if got := pg.SQL(t, name, "SHOW work_mem; SELECT count(*) FROM big"); got != "9MB\n60000" {
				t.Errorf("settings or rows are missing: %s", got)
			}
			if diff := cmp.Diff(wantLost, localeFacts(t, lost)); diff != "" {
				t.Error(diff)
			}
			// Nothing is said but what the text says is expected.
			for line := range strings.Lines(out) {
				if !strings.Contains(line, "already exists") && !strings.Contains(line, "set the owner by hand") && !strings.HasPrefix(line, "chown:") {
					t.Errorf("it says %s", line)
				}
			}
		})
	}
}

// setAside gives the databases that other tests use another name until the end of the test.
func setAside(t *testing.T) {
	t.Helper()
	pg := repotest.Postgres(t)
	for name := range strings.FieldsSeq(pg.SQL(t, "postgres", "SELECT datname FROM pg_database WHERE datname <> 'postgres' AND NOT datistemplate")) {
		pg.SQL(t, "postgres", fmt.Sprintf("ALTER DATABASE %s RENAME TO aside_%[1]s", name))
		t.Cleanup(func() {
			pg.SQL(t, "postgres", fmt.Sprintf("DROP DATABASE IF EXISTS %s", name))
			pg.SQL(t, "postgres", fmt.Sprintf("ALTER DATABASE aside_%s RENAME TO %[1]s", name))
		})
	}
}

// TestRestoreTextMissesRows damages a piece so that zstd gives up: the last command says that rows are missing.
func TestRestoreTextMissesRows(t *testing.T) {
	repotest.Tool(t, "zstd")
	dsn, pg := repotest.Fossology(t), repotest.Postgres(t)
	st := repotest.Store(t)
	s := take(t, dumping(t, options(st, repotest.Repository(t)), snapshot.DumpOptions{DSN: admin(t, dsn)}))
	day := st.Path("days", "fossology", s.Name)
	pieces, err := filepath.Glob(filepath.Join(day, "database", dbname(dsn), "*.zst"))
	if err != nil || len(pieces) == 0 {
		t.Fatalf("%v, %v", pieces, err)
	}
	first := pieces[0]
	if err := os.Remove(first); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(first, []byte("no frame"), 0o644); err != nil {
		t.Fatal(err)
	}
	pg.SQL(t, "postgres", "DROP DATABASE "+dbname(dsn))
	out := runRestoreText(t, day, "PGHOST="+pg.Host, fmt.Sprintf("PGPORT=%d", pg.Port), "PGUSER=postgres", "PGPASSWORD="+pg.Password,
		"PATH="+pg.Bin+":"+os.Getenv("PATH"), "REPO="+filepath.Join(t.TempDir(), "repository"))
	if !strings.Contains(out, "ROWS ARE MISSING") {
		t.Errorf("it says %s", out)
	}
}
