package snapshot_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
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

// server returns a connection for administration, closed at the end of the test.
func server(t *testing.T) *fossology.Database {
	t.Helper()
	db, err := fossology.Connect(t.Context(), fossology.DSN(repotest.Postgres(t).AdminDSN("postgres")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(context.WithoutCancel(t.Context())) })
	return db
}

// loadOptions load d, as a superuser, into the place it came from.
func loadOptions(t *testing.T, d *snapshot.Dump, st *pieceStore) snapshot.LoadOptions {
	t.Helper()
	pg := repotest.Postgres(t)
	t.Cleanup(func() {
		for _, name := range databases(t, d.Main+"_") {
			pg.SQL(t, "postgres", "DROP DATABASE "+name+" WITH (FORCE)")
		}
	})
	return snapshot.LoadOptions{DSN: fossology.DSN(pg.AdminDSN("postgres")), Admin: server(t), Dump: d, Open: st.open,
		Counts: func(ctx context.Context, database string) (map[string]int64, error) {
			return countRows(ctx, pg.AdminDSN(database))
		},
		Expected: rows(t, d.Main), Now: func() time.Time { return time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC) }}
}

// digest is a text that changes with every row of the tables that FOSSology's uploads are in.
func digest(t *testing.T, database string) string {
	t.Helper()
	return repotest.Postgres(t).SQL(t, database, `
		SELECT md5(string_agg(t::text, '' ORDER BY uploadtree_pk)) FROM uploadtree t;
		SELECT md5(string_agg(t::text, '' ORDER BY pfile_pk)) FROM pfile t;
		SELECT md5(string_agg(t::text, '' ORDER BY upload_pk)) FROM upload t;
		SELECT last_value FROM upload_upload_pk_seq`)
}

func TestLoad(t *testing.T) {
	for _, mode := range []snapshot.DumpMode{snapshot.DumpPlain, snapshot.DumpDirectory, snapshot.DumpCommand} {
		t.Run(string(mode), func(t *testing.T) {
			dsn, pg := repotest.Fossology(t), repotest.Postgres(t)
			name := dbname(dsn)
			pg.SQL(t, name, fmt.Sprintf(`COMMENT ON DATABASE %[1]s IS 'it''s ours; :"DBNAME"'; ALTER DATABASE %[1]s SET DateStyle = 'ISO, DMY';
				ALTER DATABASE %[1]s SET search_path = "$user", public, "Odd one"; ALTER ROLE fossy IN DATABASE %[1]s SET work_mem = '9MB';
				REVOKE ALL ON DATABASE %[1]s FROM PUBLIC; ALTER DATABASE %[1]s CONNECTION LIMIT 33`, name))
			want, wantRows := digest(t, name), rows(t, name)
			st := newPieceStore()
			d := dump(t, snapshot.DumpOptions{DSN: admin(t, dsn), Mode: mode, TempDir: t.TempDir(), Put: st.put,
				Command: []string{"sh", "-c", pg.Bin + `/pg_dump -d "$REPOTOOL_DSN"`}})
			o := loadOptions(t, d, st)
			o.TempDir = t.TempDir()
			pg.SQL(t, name, "DELETE FROM jobqueue; DROP TABLE uploadtree CASCADE")

			l, err := snapshot.LoadDatabase(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if got := digest(t, name); got != want {
				t.Errorf("content differs: %s, want %s", got, want)
			}
			if diff := cmp.Diff(wantRows, l.Counts); diff != "" || l.Bytes == 0 || len(l.Warnings) > 0 {
				t.Errorf("%+v: %s", l, diff)
			}
			if l.Database != name || l.Before != name+"_before_20261123_020000" {
				t.Errorf("%+v", l)
			}
			if n := pg.SQL(t, l.Before, "SELECT count(*) FROM jobqueue"); n != "0" {
				t.Errorf("the old database has %s jobs: it is not the old one", n)
			}
			if left, _ := os.ReadDir(o.TempDir); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			if mode == snapshot.DumpCommand {
				return // its properties are the command's affair
			}
			for sql, want := range map[string]string{
				"SELECT pg_get_userbyid(datdba), datconnlimit, datacl FROM pg_database WHERE datname = '%s'": "fossy|33|{fossy=CTc/fossy}",
				"SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '%s'":         `it's ours; :"DBNAME"`,
				"SELECT setconfig FROM pg_db_role_setting s, pg_database d WHERE d.oid = setdatabase AND datname = '%s' ORDER BY setrole": `{"DateStyle=ISO, DMY","search_path=\"$user\", public, \"Odd one\""}` +
					"\n{work_mem=9MB}",
			} {
				if got := pg.SQL(t, "postgres", fmt.Sprintf(sql, name)); got != want {
					t.Errorf("%s: %s, want %s", sql, got, want)
				}
			}
		})
	}
}

// TestLoadWhereNothingWas restores as FOSSology's own role, which may create databases and nothing else.
func TestLoadWhereNothingWas(t *testing.T) {
	dsn, pg := repotest.Fossology(t), repotest.Postgres(t)
	st := newPieceStore()
	d := dump(t, snapshot.DumpOptions{DSN: fossology.DSN(dsn), Put: st.put})
	o := loadOptions(t, d, st)
	o.DSN, o.Target = fossology.DSN(pg.DSN("postgres")), d.Main+"_elsewhere"
	l, err := snapshot.LoadDatabase(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows(t, d.Main), rows(t, o.Target)); diff != "" || l.Before != "" || l.Database != o.Target {
		t.Errorf("%+v: %s", l, diff)
	}
}

func TestLoadCreatesMissingRoles(t *testing.T) {
	dsn, pg := repotest.Fossology(t), repotest.Postgres(t)
	const role, group, other = `Fossy "two"; DROP`, "fossy_group", "fossy_unneeded"
	quoted := `"Fossy ""two""; DROP"`
	pg.SQL(t, dbname(dsn), fmt.Sprintf(`CREATE ROLE %[1]s LOGIN PASSWORD 'x'; CREATE ROLE %[2]s; CREATE ROLE %[3]s LOGIN;
		COMMENT ON ROLE %[1]s IS 'a comment; with '' and -- in it'; GRANT %[2]s TO %[1]s; ALTER ROLE %[1]s SET work_mem = '7MB';
		ALTER TABLE agent OWNER TO %[1]s; GRANT SELECT ON pfile TO %[2]s`, quoted, group, other))
	forget := func() {
		pg.SQL(t, dbname(dsn), fmt.Sprintf(`DROP OWNED BY %[1]s CASCADE; DROP OWNED BY %[2]s CASCADE; DROP ROLE %[1]s, %[2]s;`, quoted, group))
	}
	t.Cleanup(func() { pg.SQL(t, "postgres", "DROP ROLE IF EXISTS "+other) })
	st := newPieceStore()
	d := dump(t, snapshot.DumpOptions{DSN: admin(t, dsn), Put: st.put})
	silent := dump(t, snapshot.DumpOptions{DSN: fossology.DSN(pg.DSN("postgres")), Put: st.put}) // for its globals
	o := loadOptions(t, d, st)
	forget()
	pg.SQL(t, "postgres", "DROP ROLE "+other)

	o.Target = d.Main + "_elsewhere"
	l, err := snapshot.LoadDatabase(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(l.Roles)
	if diff := cmp.Diff([]string{role, group}, l.Roles); diff != "" || len(l.Warnings) != 0 {
		t.Errorf("%s, %+v", diff, l.Warnings)
	}
	got := pg.SQL(t, "postgres", fmt.Sprintf(`SELECT rolcanlogin, rolpassword IS NOT NULL, shobj_description(oid, 'pg_authid') FROM pg_authid WHERE rolname LIKE 'Fossy "two%%';
		SELECT pg_has_role('%s', '%s', 'MEMBER'); SELECT count(*) FROM pg_roles WHERE rolname = '%s'`, role, group, other))
	if want := "t|t|a comment; with ' and -- in it\nt\n0"; got != want {
		t.Errorf("roles: %s, want %s", got, want)
	}
	pg.SQL(t, "postgres", "DROP DATABASE "+o.Target)
	forgetRoles := fmt.Sprintf(`DROP ROLE %s, %s`, quoted, group)
	pg.SQL(t, "postgres", forgetRoles)

	t.Run("without passwords", func(t *testing.T) {
		o, noPasswords := o, *d
		noPasswords.Parts = slices.Clone(d.Parts)
		i := slices.IndexFunc(noPasswords.Parts, func(p snapshot.DumpPart) bool { return p.Format == snapshot.FormatGlobals })
		noPasswords.Parts[i] = silent.Parts[0]
		o.Dump = &noPasswords
		l, err := snapshot.LoadDatabase(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Warnings) != 1 || !strings.Contains(l.Warnings[0].Text, role) || l.Warnings[0].Hint == "" {
			t.Errorf("%+v", l.Warnings)
		}
		pg.SQL(t, "postgres", "DROP DATABASE "+o.Target)
		pg.SQL(t, "postgres", forgetRoles)
	})
	t.Run("without the right to", func(t *testing.T) {
		o := o
		o.DSN = fossology.DSN(pg.DSN("postgres"))
		_, err := snapshot.LoadDatabase(t.Context(), o)
		var e *snapshot.LoadError
		if !errors.As(err, &e) || e.Hint() == "" || !strings.Contains(err.Error(), "create roles") {
			t.Errorf("%v", err)
		}
	})
}

// TestLoadDamaged damages one piece in each way there is: nothing is changed on the server.
func TestLoadDamaged(t *testing.T) {
	dsn, pg := repotest.Fossology(t), repotest.Postgres(t)
	pg.SQL(t, dbname(dsn), "CREATE TABLE big AS SELECT n, md5(n::text) AS sum FROM generate_series(1, 100000) n")
	want := digest(t, dbname(dsn))
	st := newPieceStore()
	for _, mode := range []snapshot.DumpMode{snapshot.DumpPlain, snapshot.DumpDirectory} {
		d := dump(t, snapshot.DumpOptions{DSN: admin(t, dsn), Mode: mode, TempDir: t.TempDir(), Put: st.put})
		o := loadOptions(t, d, st)
		o.TempDir = t.TempDir()
		pieces := part(t, d, dbname(dsn)+map[snapshot.DumpMode]string{snapshot.DumpDirectory: "/toc.dat"}[mode]).Pieces
		for n, damage := range []struct {
			name string
			to   func([]byte) []byte
		}{
			{"bit in the header", func(b []byte) []byte { b[5] ^= 8; return b }},
			{"bit in the middle", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }},
			{"truncated", func(b []byte) []byte { return b[:len(b)-1] }},
			{"longer", func(b []byte) []byte { return append(b, 0) }},
			{"another frame", func([]byte) []byte { return slices.Clone(st.objects[d.Parts[0].Pieces[0].Object]) }},
			{"missing", func([]byte) []byte { return nil }},
		} {
			i := n % len(pieces)
			p := pieces[i]
			o.Open = func(h store.Hash) (io.ReadCloser, error) {
				f, err := st.open(h)
				if err != nil || h != p.Object {
					return f, err
				}
				b, _ := io.ReadAll(f)
				if b = damage.to(b); b == nil {
					return nil, store.ErrNoObject
				}
				return io.NopCloser(strings.NewReader(string(b))), nil
			}
			_, err := snapshot.LoadDatabase(t.Context(), o)
			var wrong *snapshot.PieceError
			if !errors.As(err, &wrong) || wrong.Index != i || wrong.Object != p.Object || wrong.Hint() == "" {
				t.Errorf("%s, piece %d, %s: %v", mode, i, damage.name, err)
			}
		}
		if got := digest(t, dbname(dsn)); got != want {
			t.Errorf("%s: the old database changed", mode)
		}
		if left := databases(t, d.Main+"_"); len(left) != 0 {
			t.Errorf("%s: left behind: %v", mode, left)
		}
	}
}

func TestLoadOfWrongCounts(t *testing.T) {
	dsn := repotest.Fossology(t)
	st := newPieceStore()
	d := dump(t, snapshot.DumpOptions{DSN: admin(t, dsn), Put: st.put})
	o := loadOptions(t, d, st)
	want := digest(t, d.Main)
	o.Expected = maps.Clone(o.Expected)
	o.Expected["pfile"]++
	_, err := snapshot.LoadDatabase(t.Context(), o)
	var wrong *snapshot.CountError
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "pfile has") || !strings.Contains(wrong.Hint(), wrong.Database) {
		t.Fatalf("%v", err)
	}
	if diff := cmp.Diff([]string{wrong.Database}, databases(t, d.Main+"_")); diff != "" {
		t.Error(diff)
	}
	if digest(t, d.Main) != want {
		t.Error("the old database changed")
	}
}

// TestLoadOfBadSQL: psql stops at the first error, and its words are in the error.
func TestLoadOfBadSQL(t *testing.T) {
	dsn := repotest.Fossology(t)
	st := newPieceStore()
	d := dump(t, snapshot.DumpOptions{DSN: admin(t, dsn), Mode: snapshot.DumpCommand, Put: st.put,
		Command: []string{"echo", "-- SQL\nSELECT 1/0;\nCREATE TABLE x ();"}})
	_, err := snapshot.LoadDatabase(t.Context(), loadOptions(t, d, st))
	if err == nil || !strings.Contains(err.Error(), "division by zero") {
		t.Errorf("%v", err)
	}
	for text, want := range map[string]string{
		"PGDMP": "no plain SQL",
		"--\n-- PostgreSQL database cluster dump\n--\n": "whole cluster",
	} {
		d.Parts[0].Pieces = dump(t, snapshot.DumpOptions{DSN: admin(t, dsn), Mode: snapshot.DumpCommand, Put: st.put,
			Command: []string{"printf", "%s\n-- PostgreSQL database cluster dump complete\n--\n", text + "--"}}).Parts[0].Pieces
		_, err := snapshot.LoadDatabase(t.Context(), loadOptions(t, d, st))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if left := databases(t, d.Main+"_"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLoadCancelled(t *testing.T) {
	dsn := repotest.Fossology(t)
	repotest.Postgres(t).SQL(t, dbname(dsn), "CREATE TABLE big AS SELECT n, md5(n::text) AS sum FROM generate_series(1, 100000) n")
	want := digest(t, dbname(dsn))
	st := newPieceStore()
	d := dump(t, snapshot.DumpOptions{DSN: admin(t, dsn), Put: st.put})
	o := loadOptions(t, d, st)
	ctx, cancel := context.WithCancel(t.Context())
	second := part(t, d, d.Main).Pieces[1].Object
	o.Open = func(h store.Hash) (io.ReadCloser, error) {
		if h == second {
			cancel()
		}
		return st.open(h)
	}
	if _, err := snapshot.LoadDatabase(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if left := databases(t, d.Main+"_"); len(left) != 0 || digest(t, d.Main) != want {
		t.Errorf("left behind: %v", left)
	}
}

// TestLoadKilled kills a process half-way through a load, by SIGKILL.
func TestLoadKilled(t *testing.T) {
	dsn := repotest.Fossology(t)
	repotest.Postgres(t).SQL(t, dbname(dsn), "CREATE TABLE big AS SELECT n, md5(n::text) AS sum FROM generate_series(1, 100000) n")
	want := digest(t, dbname(dsn))
	st, dir := newPieceStore(), t.TempDir()
	d := dump(t, snapshot.DumpOptions{DSN: admin(t, dsn), Put: st.put})
	for h, b := range st.objects {
		if err := os.WriteFile(filepath.Join(dir, h.String()), b, 0o444); err != nil {
			t.Fatal(err)
		}
	}
	b, err := json.Marshal(d)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "dump"), b, 0o444)
	}
	if err != nil {
		t.Fatal(err)
	}
	o := loadOptions(t, d, st)

	victim := exec.Command(os.Args[0], "-test.run=^TestLoadVictim$")
	victim.Env = append(os.Environ(), "LOAD_VICTIM="+dir, "LOAD_DSN="+repotest.Postgres(t).AdminDSN("postgres"))
	out, err := victim.StdoutPipe()
	if err == nil {
		err = victim.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line := make([]byte, len(victimReady))
	_, err = io.ReadFull(out, line)
	victim.Process.Kill()
	victim.Wait()
	if err != nil || string(line) != victimReady {
		t.Fatalf("%q, %v", line, err)
	}
	if digest(t, d.Main) != want {
		t.Error("the old database changed")
	}
	if left := databases(t, d.Main+"_restore_"); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	l, err := snapshot.LoadDatabase(t.Context(), o)
	if err != nil || digest(t, d.Main) != want || digest(t, l.Before) != want {
		t.Errorf("the next load: %+v, %v", l, err)
	}
}

// victimReady is what the victim says when it is half-way.
const victimReady = "half-way\n"

// TestLoadVictim is the process that TestLoadKilled kills.
func TestLoadVictim(t *testing.T) {
	dir := os.Getenv("LOAD_VICTIM")
	if dir == "" {
		return
	}
	dsn := fossology.DSN(os.Getenv("LOAD_DSN"))
	var d snapshot.Dump
	b, err := os.ReadFile(filepath.Join(dir, "dump"))
	if err == nil {
		err = json.Unmarshal(b, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	db, err := fossology.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	half := part(t, &d, d.Main).Pieces[1].Object
	_, err = snapshot.LoadDatabase(t.Context(), snapshot.LoadOptions{DSN: dsn, Admin: db, Dump: &d,
		Open: func(h store.Hash) (io.ReadCloser, error) {
			if h == half {
				os.Stdout.WriteString(victimReady)
				select {}
			}
			return os.Open(filepath.Join(dir, h.String()))
		}})
	t.Fatalf("not killed: %v", err)
}

// TestLoadSettingOfRole: a role of which the database has a setting, and nothing else, is made
// where it is not known.
func TestLoadSettingOfRole(t *testing.T) {
	dsn, pg := repotest.Fossology(t), repotest.Postgres(t)
	pg.SQL(t, "postgres", "CREATE ROLE reporting")
	t.Cleanup(func() { pg.SQL(t, "postgres", "DROP ROLE IF EXISTS reporting") })
	pg.SQL(t, "postgres", "ALTER ROLE reporting IN DATABASE "+dbname(dsn)+" SET work_mem = '9MB'")
	st := newPieceStore()
	d := dump(t, snapshot.DumpOptions{DSN: admin(t, dsn), Put: st.put})
	o := loadOptions(t, d, st)
	o.Target = d.Main + "_elsewhere"
	pg.SQL(t, "postgres", "ALTER ROLE reporting IN DATABASE "+dbname(dsn)+" RESET ALL; DROP ROLE reporting")
	if _, err := snapshot.LoadDatabase(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if got := pg.SQL(t, "postgres", "SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'reporting'::regrole"); got != "{work_mem=9MB}" {
		t.Errorf("its setting is %q", got)
	}
}
