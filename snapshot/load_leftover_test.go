package snapshot_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/snapshot"
)

func TestParseLeftover(t *testing.T) {
	long := strings.Repeat("ä", 31)
	for _, test := range []struct {
		name, of string
		kind     snapshot.LeftoverKind
	}{
		{"fossology_restore_20261123_020000", "fossology", snapshot.Unfinished},
		{"fossology_before_20261123_020000", "fossology", snapshot.Before},
		{"fossology_restore_2_wrong_20261123_020000", "fossology_restore_2", snapshot.Wrong},
		{strings.Repeat("ä", 19) + "_restore_20261123_020000", long, snapshot.Unfinished}, // 63 bytes at most
		{"a_before_20261123_020000_wrong_20261123_0200", "", ""},
		{"fossology_restore_20261199_020000", "", ""},
		{"fossology", "", ""},
	} {
		got, ok := snapshot.ParseLeftover(test.name)
		if ok != (test.of != "") || got.Kind != test.kind && ok {
			t.Errorf("%s: %+v, %v", test.name, got, ok)
		}
		if ok && (!got.Of(test.of) || got.Of("x"+test.of) || !got.Time.Equal(time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC))) {
			t.Errorf("%s: %+v is not of %s", test.name, got, test.of)
		}
	}
}

// TestLoadCleansUp: what killed restores left is dropped, but nothing else, and nothing that is in use.
func TestLoadCleansUp(t *testing.T) {
	dsn, pg := repotest.Fossology(t), repotest.Postgres(t)
	st := newPieceStore()
	d := dump(t, snapshot.DumpOptions{DSN: admin(t, dsn), Put: st.put})
	o := loadOptions(t, d, st)
	dead, used, others := d.Main+"_restore_20261101_020000", d.Main+"_restore_20261102_020000", []string{
		d.Main + "_before_20261123_020000", d.Main + "_before_20261101_020000", d.Main + "_wrong_20261101_020000", d.Main + "_restore_2026", d.Main + "_x_restore_20261101_020000"}
	for _, name := range append([]string{dead, used}, others...) {
		pg.SQL(t, "postgres", "CREATE DATABASE "+name)
	}
	session, err := fossology.Connect(t.Context(), fossology.DSN(pg.AdminDSN(used)))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(context.WithoutCancel(t.Context()))

	l, err := snapshot.LoadDatabase(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{dead}, l.Removed); diff != "" {
		t.Error(diff)
	}
	if len(l.Warnings) != 1 || !strings.Contains(l.Warnings[0].Text, used) || !strings.Contains(l.Warnings[0].Hint, "DROP DATABASE") {
		t.Errorf("warnings: %+v", l.Warnings)
	}
	if want := d.Main + "_before_20261123_020001"; l.Before != want { // the second before is taken
		t.Errorf("the old one is kept as %s, want %s", l.Before, want)
	}
	left := strings.Join(databases(t, d.Main+"_"), " ") + " "
	for _, name := range append([]string{used, l.Before}, others...) {
		if !strings.Contains(left, name+" ") {
			t.Errorf("%s is gone; left are %s", name, left)
		}
	}
	if strings.Contains(left, dead) {
		t.Errorf("%s is still there", dead)
	}
}

// TestLoadIntoTablespaces restores to a server that has the dump's tablespaces, and to one that has not.
func TestLoadIntoTablespaces(t *testing.T) {
	dsn, pg := repotest.Fossology(t), repotest.Postgres(t)
	name := dbname(dsn)
	for _, space := range []string{"fast disk", "big_disk"} {
		dir := strings.ReplaceAll(pg.Dir+"/"+space, " ", "_")
		pg.SQL(t, "postgres", "COPY (SELECT 1) TO PROGRAM 'mkdir "+dir+"'")
		pg.SQL(t, "postgres", `CREATE TABLESPACE "`+space+`" LOCATION '`+dir+`'`)
	}
	t.Cleanup(func() {
		pg.SQL(t, name, `ALTER TABLE jobqueue SET TABLESPACE pg_default`)
		pg.SQL(t, "postgres", "ALTER DATABASE "+name+" SET TABLESPACE pg_default")
		pg.SQL(t, "postgres", `DROP TABLESPACE IF EXISTS "fast disk"`)
		pg.SQL(t, "postgres", `DROP TABLESPACE IF EXISTS big_disk`)
	})
	pg.SQL(t, "postgres", "ALTER DATABASE "+name+" SET TABLESPACE big_disk")
	pg.SQL(t, name, `ALTER TABLE jobqueue SET TABLESPACE "fast disk"`)
	st := newPieceStore()
	d := dump(t, snapshot.DumpOptions{DSN: admin(t, dsn), Put: st.put})
	o := loadOptions(t, d, st)
	places := func(database string) string {
		return pg.SQL(t, database, `SELECT coalesce((SELECT spcname FROM pg_tablespace WHERE oid = dattablespace), '') FROM pg_database WHERE datname = current_database();
			SELECT spcname FROM pg_tablespace t JOIN pg_class c ON c.reltablespace = t.oid WHERE relname = 'jobqueue'`)
	}

	o.Target = name + "_same"
	if l, err := snapshot.LoadDatabase(t.Context(), o); err != nil || len(l.Warnings) > 0 {
		t.Fatalf("%+v, %v", l, err)
	}
	if got := places(o.Target); got != "big_disk\nfast disk" {
		t.Errorf("restored into %s", got)
	}
	pg.SQL(t, "postgres", "DROP DATABASE "+o.Target)

	// A server without the directory of the database puts it where the others are, and says so.
	pg.SQL(t, "postgres", "ALTER DATABASE "+name+" SET TABLESPACE pg_default")
	pg.SQL(t, "postgres", "DROP TABLESPACE big_disk")
	l, err := snapshot.LoadDatabase(t.Context(), o)
	if err != nil || len(l.Warnings) != 1 || !strings.Contains(l.Warnings[0].Text, "big_disk") {
		t.Fatalf("%+v, %v", l, err)
	}
	if got := places(o.Target); got != "pg_default\nfast disk" {
		t.Errorf("restored into %s", got)
	}
	pg.SQL(t, "postgres", "DROP DATABASE "+o.Target)

	// One without that of a table is told before anything is done.
	pg.SQL(t, name, `ALTER TABLE jobqueue SET TABLESPACE pg_default`)
	pg.SQL(t, "postgres", `DROP TABLESPACE "fast disk"`)
	_, err = snapshot.LoadDatabase(t.Context(), o)
	var e *snapshot.LoadError
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "fast disk ("+pg.Dir) || !strings.Contains(e.Hint(), `CREATE TABLESPACE "fast disk" LOCATION`) {
		t.Errorf("%v", err)
	}
	if left := databases(t, name+"_"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
