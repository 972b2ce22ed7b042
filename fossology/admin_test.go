package fossology_test

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"repotool/fossology"
	"repotool/repotest"
)

// sql runs statements with psql.
func sql(t testing.TB, dsn fossology.DSN, statements string) string {
	t.Helper()
	out, err := exec.Command(repotest.Tool(t, "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", string(dsn), "-c", statements).CombinedOutput()
	if err != nil {
		t.Fatalf("psql: %v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// server connects to the database postgres as FOSSology's role, which may create
// databases.
func server(t *testing.T) *fossology.Database {
	t.Helper()
	db, err := fossology.Connect(t.Context(), repotest.Postgres(t).DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(context.Background()) })
	return db
}

func TestAdminCreateDescribeDrop(t *testing.T) {
	db, ctx := server(t), t.Context()
	const name = `odd "name' 1`
	err := db.CreateDatabase(ctx, name, fossology.CreateOptions{Owner: "fossy", Encoding: "SQL_ASCII", Collate: "C", Ctype: "C"})
	if err != nil {
		t.Fatal(err)
	}
	info, err := db.DatabaseInfo(ctx, name)
	if err != nil || info.Owner != "fossy" || info.Encoding != "SQL_ASCII" || info.Collate != "C" || info.Ctype != "C" || info.Size == 0 {
		t.Errorf("DatabaseInfo = %+v, %v", info, err)
	}
	names, err := db.Databases(ctx)
	if err != nil || !slices.Contains(names, name) || slices.Contains(names, "template0") {
		t.Errorf("Databases = %q, %v", names, err)
	}
	inIt, err := fossology.DSN(repotest.Postgres(t).DSN("postgres")).WithDatabase(name)
	if err != nil {
		t.Fatal(err)
	}
	session, err := fossology.Connect(ctx, inIt)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(ctx)
	if err := db.DropIdleDatabase(ctx, name); err == nil {
		t.Error("dropped a database in use")
	}
	if err := db.DropDatabase(ctx, name); err != nil {
		t.Fatal(err)
	}
	if err := db.DropIdleDatabase(ctx, name); err != nil {
		t.Errorf("drop what is not there: %v", err)
	}
	if found, err := db.DatabaseExists(ctx, name); err != nil || found {
		t.Errorf("DatabaseExists = %v, %v after the drop", found, err)
	}
	if _, err := db.DatabaseInfo(ctx, name); !errors.Is(err, fossology.ErrNoDatabase) {
		t.Errorf("DatabaseInfo: error %v, want ErrNoDatabase", err)
	}
}

// TestCreateDatabaseSQL has the words of each version; the installed one's are
// tried by package snapshot.
func TestCreateDatabaseSQL(t *testing.T) {
	icu := fossology.CreateOptions{Owner: `o"x`, Encoding: "UTF8", Collate: "C", Ctype: "C", Provider: "i", Locale: "de-u-kn", Rules: "&a < b", Tablespace: "fast"}
	builtin := fossology.CreateOptions{Collate: "C", Ctype: "C", Provider: "b", Locale: "C.UTF-8"}
	libc := fossology.CreateOptions{Collate: "C", Ctype: "C", Provider: "c"}
	for _, test := range []struct {
		options fossology.CreateOptions
		version int
		want    string
	}{
		{icu, 140000, `OWNER "o""x" ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TABLESPACE "fast"`},
		{icu, 150018, `OWNER "o""x" ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de-u-kn' LC_COLLATE 'C' LC_CTYPE 'C' TABLESPACE "fast"`},
		{icu, 160000, `OWNER "o""x" ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de-u-kn' ICU_RULES '&a < b' LC_COLLATE 'C' LC_CTYPE 'C' TABLESPACE "fast"`},
		{builtin, 160000, `LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'`},
		{builtin, 170000, `LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LC_COLLATE 'C' LC_CTYPE 'C'`},
		{libc, 140000, `LC_COLLATE 'C' LC_CTYPE 'C'`},
		{libc, 150000, `LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'`},
	} {
		got := fossology.CreateDatabaseSQL("db", test.options, test.version)
		if want := `CREATE DATABASE "db" TEMPLATE template0 ` + test.want; got != want {
			t.Errorf("%d: %s\nwant %s", test.version, got, want)
		}
	}
}

func TestAdminRoles(t *testing.T) {
	db, ctx := server(t), t.Context()
	role, err := db.Role(ctx)
	if want := (fossology.Role{Name: "fossy", CreateDatabase: true}); err != nil || role != want {
		t.Errorf("Role = %+v, %v; want %+v", role, err, want)
	}
	err = db.CreateDatabase(ctx, "x", fossology.CreateOptions{Owner: "postgres"})
	var hint interface{ Hint() string }
	if err == nil || !errors.As(err, &hint) || hint.Hint() == "" {
		t.Errorf("create for another role: error %v, want one with a hint", err)
	}
}

func TestSwapDatabase(t *testing.T) {
	old, dsn := connect(t)
	db, ctx := server(t), t.Context()
	name, fresh, kept := old.Name(), old.Name()+"_new", old.Name()+"_before"
	t.Cleanup(func() {
		db.DropDatabase(context.Background(), kept)
		db.DropDatabase(context.Background(), fresh)
	})
	view(t, old) // a session in the middle of a transaction
	if err := db.CreateDatabase(ctx, fresh, fossology.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := db.SwapDatabase(ctx, fresh, name, kept); err != nil {
		t.Fatal(err)
	}
	if got := sql(t, dsn, `SELECT count(*) FROM pg_class WHERE relname = 'pfile'`); got != "0" {
		t.Errorf("the name leads to the old database still")
	}
	keptDSN, err := dsn.WithDatabase(kept)
	if err != nil {
		t.Fatal(err)
	}
	if got := sql(t, keptDSN, `SELECT count(*) FROM pfile`); got != "846" {
		t.Errorf("the kept database has %s pfiles, want 846", got)
	}
	// Now the place of kept is taken: nothing may change.
	if err := db.CreateDatabase(ctx, fresh, fossology.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := db.SwapDatabase(ctx, fresh, name, kept); err == nil {
		t.Error("swap over an existing database: want an error")
	}
	for _, n := range []string{name, fresh, kept} {
		if found, err := db.DatabaseExists(ctx, n); err != nil || !found {
			t.Errorf("after the refused swap %s exists: %v, %v", n, found, err)
		}
	}
	// A name that nobody has.
	if err := db.DropDatabase(ctx, name); err != nil {
		t.Fatal(err)
	}
	if err := db.SwapDatabase(ctx, fresh, name, kept); err != nil {
		t.Errorf("swap into an empty place: %v", err)
	}
}
