package snapshot

import (
	"fmt"
	"strings"

	"repotool/fossology"
)

// How psql is called: it says nothing but errors, and results (those of setval, of which a dump is full) go nowhere.
const (
	quietPsql = "psql -X -q -o /dev/null"
	loadPsql  = quietPsql + " -v ON_ERROR_STOP=1"
)

// database writes the loading of every part of the dump.
func (t *restoreWriter) database() {
	if t.m.Database == nil || len(t.m.Database.Parts) == 0 {
		t.say("This snapshot holds no database.")
		return
	}
	t.say(`3. The database. psql must reach the server as a superuser (run it as the user
   postgres, or set PGHOST, PGUSER and PGPASSWORD). Errors that a role or
   tablespace "already exists" are expected in the globals; anywhere else an
   error stops psql. A database of the same name must be renamed or dropped
   before.`)
	t.tablespaces()
	for _, p := range t.m.Database.Parts {
		if p.Format == FormatGlobals {
			t.run(fmt.Sprintf("cat %s | zstd -dc | %s -d postgres", t.pieces(p), quietPsql))
		}
	}
	for _, db := range t.m.Database.Databases {
		t.one(db)
	}
	t.compare()
}

// tablespaces says what must be there before the globals can make them.
func (t *restoreWriter) tablespaces() {
	said := map[string]bool{}
	for _, db := range t.m.Database.Databases {
		for _, s := range db.Tablespaces {
			if said[s.Name] {
				continue
			}
			said[s.Name] = true
			t.say(`   Tables are in the tablespace %s, whose directory on the server was
   %s
   Make it, empty, for the server's user; or any other, and then the tablespace
   by hand: CREATE TABLESPACE %s LOCATION '/any/empty/directory'`, s.Name, s.Location, quoteName(s.Name))
		}
	}
}

// one writes the making and loading of a database.
func (t *restoreWriter) one(db DumpedDatabase) {
	if !systemDatabases[db.Name] { // every cluster has those
		create := fossology.CreateDatabaseSQL(db.Name, db.createOptions(), t.m.Database.ServerVersion)
		if db.Provider == "i" || db.Provider == "b" {
			t.say("   A server older than PostgreSQL %d knows no LOCALE_PROVIDER %s: leave out\n   that word and what it brings, up to LC_COLLATE.",
				map[string]int{"i": 15, "b": 17}[db.Provider], map[string]string{"i": "icu", "b": "builtin"}[db.Provider])
		}
		t.run(loadPsql + " -d postgres -c " + quoteShell(create))
	}
	directory := false
	for _, p := range t.m.Database.Parts {
		if p.Database != db.Name || p.Format == FormatProperties {
			continue
		}
		switch p.Format {
		case FormatPlain, FormatCommand:
			t.load(p, db.Name)
		case FormatDirectory:
			if !directory {
				t.run(`DUMP=$(mktemp -d)`)
				directory = true
			}
			t.run(fmt.Sprintf(`cat %s | zstd -dc > "$DUMP"/%s`, t.pieces(p), quoteShell(p.Path[strings.LastIndexByte(p.Path, '/')+1:])))
		}
	}
	if directory {
		t.run(`pg_restore --exit-on-error -d `+quoteShell(db.Name)+` "$DUMP"`, `rm -rf "$DUMP"`)
	}
	for _, p := range t.m.Database.Parts {
		if p.Database == db.Name && p.Format == FormatProperties { // a setting must not get into the way of loading
			t.load(p, db.Name)
		}
	}
}

func (t *restoreWriter) load(p DumpPart, database string) {
	if p.Format == FormatCommand {
		t.say("   This dump was written by a command of yours. If that is not SQL (pg_dump -Fc),\n   put pg_restore in the place of psql and its options.")
	}
	t.run(fmt.Sprintf("cat %s | zstd -dc | %s -d %s", t.pieces(p), loadPsql, quoteShell(database)))
}

// compare writes a check of the rows: psql does not notice that zstd gave up.
func (t *restoreWriter) compare() {
	rows := t.m.RestoredRows()
	tables := sortedKeys(rows)
	if len(tables) == 0 || t.m.Database.Main == "" {
		return
	}
	var counts, want []string
	for _, table := range tables {
		counts = append(counts, "(SELECT count(*) FROM "+quoteName(table)+")")
		want = append(want, fmt.Sprint(rows[table]))
	}
	t.say("4. Compare the rows of %s with those at the time of the snapshot.", strings.Join(tables, ", "))
	t.run(fmt.Sprintf(`test "$(psql -X -q -A -t -d %s -c %s)" = '%s' || echo "ROWS ARE MISSING"`,
		quoteShell(t.m.Database.Main), quoteShell("SELECT "+strings.Join(counts, ", ")), strings.Join(want, "|")))
}
