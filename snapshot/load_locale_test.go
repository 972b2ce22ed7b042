package snapshot_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/snapshot"
)

// localeCases are databases unlike the server's template. The order of the texts shows the locale at work.
var localeCases = []struct{ name, create, insert, order string }{
	{"icu", "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de-u-kn-true' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'",
		"('a10'), ('a9'), ('ä8'), ('b')", "ä8 a9 a10 b"},
	{"latin1", "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'", "('é'), ('z')", "z é"},
	{"eucjp", "ENCODING 'EUC_JP' LC_COLLATE 'C' LC_CTYPE 'C'", "('日本'), ('z')", "z 日本"},
	{"ascii", "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'", `(E'\xff\xfe'), ('z')`, ""},
}

// localeFacts are what must be the same after a restore.
func localeFacts(t *testing.T, database string) string {
	t.Helper()
	pg := repotest.Postgres(t)
	return pg.SQL(t, "postgres", fmt.Sprintf(`SELECT pg_encoding_to_char(encoding), datcollate, datctype, datlocprovider, coalesce(to_json(d)->>'datlocale', to_json(d)->>'daticulocale')
		FROM pg_database d WHERE datname = '%s'`, database)) + "\n" +
		pg.SQL(t, database, `SELECT md5(string_agg(a, '|' ORDER BY a)) FROM words`)
}

// localeDatabase makes a database of one of the cases.
func localeDatabase(t *testing.T, name, create, insert string) string {
	t.Helper()
	pg := repotest.Postgres(t)
	pg.SQL(t, "postgres", "CREATE DATABASE "+name+" TEMPLATE template0 "+create)
	t.Cleanup(func() { pg.SQL(t, "postgres", "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	pg.SQL(t, name, "SET client_encoding = 'UTF8'; CREATE TABLE words (a text); INSERT INTO words VALUES "+insert)
	return pg.AdminDSN(name)
}

// TestLoadLocales restores databases of other encodings and other providers of the locale.
func TestLoadLocales(t *testing.T) {
	pg := repotest.Postgres(t)
	for _, test := range localeCases {
		for _, mode := range []snapshot.DumpMode{snapshot.DumpPlain, snapshot.DumpDirectory} {
			t.Run(test.name+"/"+string(mode), func(t *testing.T) {
				name := "locale_" + test.name
				dsn := localeDatabase(t, name, test.create, test.insert)
				if test.order != "" {
					if got := pg.SQL(t, name, "SET client_encoding = 'UTF8'; SELECT string_agg(a, ' ' ORDER BY a) FROM words"); got != test.order {
						t.Fatalf("sorted %s, want %s", got, test.order)
					}
				}
				st := newPieceStore()
				d := dump(t, snapshot.DumpOptions{DSN: fossology.DSN(dsn), Mode: mode, TempDir: t.TempDir(), Put: st.put})
				o := snapshot.LoadOptions{DSN: fossology.DSN(pg.AdminDSN("postgres")), Admin: server(t), Dump: d, Open: st.open,
					TempDir: t.TempDir(), Target: name + "_copy"}
				l, err := snapshot.LoadDatabase(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { pg.SQL(t, "postgres", "DROP DATABASE "+o.Target) })
				if diff := cmp.Diff(localeFacts(t, name), localeFacts(t, o.Target)); diff != "" || len(l.Warnings) > 0 {
					t.Errorf("%s%+v", diff, l.Warnings)
				}
			})
		}
	}
}

// oldServer is a server as it was before PostgreSQL 15.
type oldServer struct{ *fossology.Database }

func (oldServer) ServerVersion() int { return 140010 }

// TestLoadWithoutICU restores a database of ICU to a server that knows the C library only.
func TestLoadWithoutICU(t *testing.T) {
	pg := repotest.Postgres(t)
	dsn := localeDatabase(t, "locale_old", localeCases[0].create, localeCases[0].insert)
	st := newPieceStore()
	d := dump(t, snapshot.DumpOptions{DSN: fossology.DSN(dsn), Put: st.put})
	l, err := snapshot.LoadDatabase(t.Context(), snapshot.LoadOptions{DSN: fossology.DSN(pg.AdminDSN("postgres")), Dump: d, Open: st.open,
		Admin: oldServer{server(t)}, Target: "locale_old_copy"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pg.SQL(t, "postgres", "DROP DATABASE locale_old_copy") })
	if len(l.Warnings) != 1 || l.Warnings[0].Hint == "" {
		t.Errorf("warnings: %+v", l.Warnings)
	}
}
