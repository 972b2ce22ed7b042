package snapshot_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
)

// coreutils are the programs that RESTORE.txt may use beside zstd and those of
// PostgreSQL's client that it names.
var coreutils = []string{"cat", "chmod", "chown", "cp", "ls", "mkdir", "mktemp", "mv", "rm", "sh"}

// onlyTools makes a directory with links to the programs that may be used.
func onlyTools(t testing.TB, pgBin string, postgres ...string) string {
	t.Helper()
	dir := t.TempDir()
	link := func(name, path string) {
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range append([]string{"zstd"}, coreutils...) {
		link(name, repotest.Tool(t, name))
	}
	for _, name := range postgres {
		link(name, filepath.Join(pgBin, name))
	}
	return dir
}

// content says of each table how many rows it has, whose it is, and a digest
// that changes with every byte of them; and of each sequence where it is.
func content(t testing.TB, pg *repotest.Cluster, database string) string {
	t.Helper()
	query := pg.SQL(t, database, `SELECT string_agg(format('SELECT %L, %L, count(*), md5(string_agg(md5(t::text), '''' ORDER BY md5(t::text))) FROM ONLY %I.%I t',
			schemaname || '.' || tablename, tableowner, schemaname, tablename), ' UNION ALL ' ORDER BY schemaname, tablename)
		FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`)
	return pg.SQL(t, database, query) + "\n" + pg.SQL(t, database, `
		SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2;
		SELECT schemaname, viewname, md5(definition) FROM pg_views WHERE schemaname = 'public' ORDER BY 1, 2;
		SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1, 2;
		SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2`)
}

// Repository and database are lost; RESTORE.txt, run as it stands with
// coreutils, zstd and PostgreSQL's client alone, brings back every byte of
// both, at a path that a shell could misread.
func TestRestoreByHand(t *testing.T) {
	for _, test := range []struct {
		mode  snapshot.DumpMode
		tools []string
	}{
		{snapshot.DumpPlain, []string{"psql"}},
		{snapshot.DumpDirectory, []string{"psql", "pg_restore"}},
		{snapshot.DumpCluster, []string{"psql"}},
	} {
		t.Run(string(test.mode), func(t *testing.T) {
			// A cluster of its own: all of it is dumped, and roles are dropped.
			pg, err := repotest.Start()
			if err != nil {
				t.Fatal(err)
			}
			defer pg.Stop()
			const database, other = "fossology", "It's another"
			if err := pg.Load(database); err != nil {
				t.Fatal(err)
			}
			pg.SQL(t, "postgres", `CREATE DATABASE "`+other+`"`)
			pg.SQL(t, other, "CREATE TABLE t AS SELECT n FROM generate_series(1, 1000) n")
			pg.SQL(t, "postgres", "CREATE TABLE ours AS SELECT 1 AS one")
			names := []string{database}
			if test.mode == snapshot.DumpCluster {
				names = append(names, other, "postgres")
			}
			repository := filepath.Join(t.TempDir(), "it's \"$HOME\" `date` }\\", "repository")
			whole := repotest.Repository(t)
			if test.mode != snapshot.DumpPlain {
				thin(t, whole) // the modes differ by the database only
			}
			move(t, whole, repository)
			st := repotest.Store(t)
			o := options(st, repository)
			withDatabase(&o, fossology.DSN(pg.AdminDSN(database)), test.mode)
			s := take(t, o)
			wantTree, wantRows := tree(t, repository, false), map[string]string{}
			for _, name := range names {
				wantRows[name] = content(t, pg, name)
			}

			if err := os.RemoveAll(repository); err != nil {
				t.Fatal(err)
			}
			pg.SQL(t, "postgres", "DROP DATABASE "+database)
			pg.SQL(t, "postgres", `DROP DATABASE "`+other+`"`)
			pg.SQL(t, "postgres", "DROP TABLE ours")
			pg.SQL(t, "postgres", "DROP ROLE fossy")
			out := runRestoreText(t, st.Path("days", "fossology", s.Name), "PATH="+onlyTools(t, pg.Bin, test.tools...), "REPO=",
				"PGHOST="+pg.Host, fmt.Sprint("PGPORT=", pg.Port), "PGUSER=postgres", "PGPASSWORD="+pg.Password)
			if strings.Contains(out, "NOT COPIED") || strings.Contains(out, "not found") {
				t.Error(out)
			}
			compareTrees(t, wantTree, tree(t, repository, false))
			wantModes(t, repository)
			for _, name := range names {
				if d := cmp.Diff(strings.Split(wantRows[name], "\n"), strings.Split(content(t, pg, name), "\n")); d != "" {
					t.Errorf("database %s: %s", name, d)
				}
			}
			if got := pg.SQL(t, "postgres", "SELECT rolcanlogin, rolcreatedb, rolpassword LIKE 'SCRAM%' FROM pg_authid WHERE rolname = 'fossy'"); got != "t|t|t" {
				t.Errorf("the role fossy: %s", got)
			}
		})
	}
}

// thin leaves a sixteenth of a repository's files.
func thin(t testing.TB, repository string) {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(repository, "*", "*", "[1-9a-f]?"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("%d directories: %v", len(dirs), err)
	}
	for _, dir := range dirs {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
}

// wantModes compares with those that FOSSology makes directories and files
// with, which RESTORE.txt promises for all of them.
func wantModes(t testing.TB, root string) {
	t.Helper()
	bad := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		want := fs.FileMode(0o660) | fs.ModeSetgid
		if d.IsDir() {
			want = 0o770 | fs.ModeSetgid | fs.ModeDir
		}
		if err == nil && info.Mode() != want {
			if bad++; bad < 5 {
				t.Errorf("%s: mode %v, want %v", path, info.Mode(), want)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What README.txt of a store says may be done without repotool: copying the
// store, restoring by "current" of the copy, deleting a day by hand.
func TestReadme(t *testing.T) {
	repository := repotest.Repository(t)
	thin(t, repository)
	want := tree(t, repository, false)
	st := repotest.Store(t)
	s := take(t, options(st, repository))
	copied := filepath.Join(t.TempDir(), "copy")
	if out, err := exec.Command("cp", "-a", st.Dir(), copied).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Rename(st.Dir(), st.Dir()+".gone"); err != nil {
		t.Fatal(err)
	}
	again, err := store.Open(copied)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if n := allGood(t, again); n != 1 {
		t.Errorf("%d snapshots in the copy", n)
	}
	to := filepath.Join(t.TempDir(), "repository")
	runRestoreText(t, again.Path("days", "fossology", "current"), "PATH="+onlyTools(t, ""), "REPO="+to)
	compareTrees(t, want, tree(t, to, false))
	if out, err := exec.Command("rm", "-r", again.Path("days", "fossology", s.Name)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	compareSnapshotWithTree(t, find(t, again, "latest"), repository)
	text, err := os.ReadFile(again.Path("README.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{"days/<installation>/<time>/", "RESTORE.txt", "current", "cp -a", "rm -r days/<installation>/<time>"} {
		if !strings.Contains(string(text), said) {
			t.Errorf("README.txt no longer speaks of %q: is this test out of date?", said)
		}
	}
}
