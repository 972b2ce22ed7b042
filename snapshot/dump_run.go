package snapshot

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// dumper is one run of DumpDatabase.
type dumper struct {
	opt  DumpOptions
	conn connection
	sink *pieceSink
	dump *Dump
	log  *slog.Logger
}

func newDumper(opt DumpOptions) (*dumper, error) {
	if opt.Put == nil {
		return nil, errors.New("dump database: no Put function")
	}
	conn, err := newConnection(opt.DSN)
	if err != nil {
		return nil, err
	}
	sink, err := newPieceSink(opt.Put, opt.Known, opt.Workers)
	if err != nil {
		return nil, err
	}
	log := opt.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &dumper{opt: opt, conn: conn, sink: sink, dump: &Dump{Mode: opt.Mode}, log: log}, nil
}

// postgres dumps by PostgreSQL's own tools.
func (d *dumper) postgres(ctx context.Context) error {
	main, err := d.facts(ctx, d.conn)
	if err != nil {
		return err
	}
	d.dump.Main, d.dump.ServerVersion = main.Name, main.Version
	if err := d.checkTools(ctx); err != nil {
		return err
	}
	if err := d.globals(ctx); err != nil {
		return err
	}
	all := []databaseFacts{main}
	if d.opt.Mode == DumpCluster {
		if all, err = d.cluster(ctx, main); err != nil {
			return err
		}
	}
	for i, f := range all {
		snapshot := ""
		if i == 0 {
			snapshot = d.opt.SnapshotID
		}
		before := *d.dump
		err := d.database(ctx, f, snapshot)
		if err != nil && i > 0 && d.gone(ctx, f.Name) {
			*d.dump = before
			d.warn(DatabaseWarning, "database "+f.Name+" was dropped before it could be dumped", "")
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// database dumps one database: its properties, then its content.
func (d *dumper) database(ctx context.Context, f databaseFacts, snapshot string) error {
	d.dump.Databases = append(d.dump.Databases, f.DumpedDatabase)
	if len(f.Properties) > 0 {
		sql := "-- What belongs to the database but is not in its dump. Run it in the database itself.\n" +
			strings.Join(f.Properties, "\n") + "\n"
		pieces, err := d.sink.cut(ctx, readerOf(sql))
		if err != nil {
			return fmt.Errorf("store properties of database %s: %w", f.Name, err)
		}
		d.add(pathOfDatabase(f.Name)+".properties.sql", f.Name, FormatProperties, pieces)
	}
	start := time.Now()
	var err error
	if d.opt.Mode == DumpDirectory {
		err = d.directory(ctx, f, snapshot)
	} else {
		err = d.plain(ctx, f, snapshot)
	}
	if err == nil {
		d.log.Debug("database dumped", "database", f.Name, "took", time.Since(start))
	}
	return err
}

// plain streams pg_dump's plain SQL into pieces.
func (d *dumper) plain(ctx context.Context, f databaseFacts, snapshot string) error {
	args, err := d.pgDumpArgs(f, snapshot)
	if err != nil {
		return err
	}
	if d.dump.RestrictKey != "" {
		args = append(args, "--restrict-key="+d.dump.RestrictKey)
	}
	t := d.tool("pg_dump", f.Name, args...)
	counter := newRowCounter()
	var pieces []DumpPiece
	watch, err := t.stream(ctx, func(r pipe) (err error) {
		pieces, err = d.sink.cut(ctx, countRows{loadable(r, PostgresVersion(f.Version)), counter})
		return err
	})
	if err != nil {
		return err
	}
	if !watch.endsWith(trailerDatabase) {
		return t.cutShort()
	}
	if err := d.checkRows(f, counter, t); err != nil {
		return err
	}
	d.warnLines(t)
	d.add(pathOfDatabase(f.Name), f.Name, FormatPlain, pieces)
	return nil
}

// pgDumpArgs are the arguments that every call of pg_dump shares. The encoding is said because an address out of
// Db.conf has a client_encoding of its own, and a dump is to be in that of its database.
func (d *dumper) pgDumpArgs(f databaseFacts, snapshot string) ([]string, error) {
	conn, err := d.conn.database(f.Name)
	args := []string{"--no-password", conn.arg(), "--encoding=" + f.Encoding}
	if snapshot != "" {
		args = append(args, "--snapshot="+snapshot)
	}
	if d.opt.LockTimeout > 0 {
		args = append(args, fmt.Sprintf("--lock-wait-timeout=%d", d.opt.LockTimeout.Milliseconds()))
	}
	return args, err
}

// command stores what the user's command writes. What begins like a dump of PostgreSQL must end like one.
func (d *dumper) command(ctx context.Context) error {
	if len(d.opt.Command) == 0 {
		return &DumpError{Reason: "no command given", Advice: "name the program whose output is to be stored"}
	}
	d.dump.Main = "database" // stands for its name where it cannot be asked
	f, err := d.facts(ctx, d.conn)
	if err == nil {
		d.dump.Main, d.dump.ServerVersion, d.dump.Databases = f.Name, f.Version, []DumpedDatabase{f.DumpedDatabase}
	} else {
		d.dump.Databases = []DumpedDatabase{{Name: d.dump.Main}}
		d.warn(DatabaseWarning, "encoding and owner of the database are not recorded: "+err.Error(),
			"a restore creates it with the server's defaults")
	}
	d.dump.Tool = d.opt.Command[0]
	t := &pgTool{path: d.opt.Command[0], name: d.opt.Command[0], database: d.dump.Main,
		args: d.opt.Command[1:], env: d.conn.environCommand()}
	counter := newRowCounter()
	var pieces []DumpPiece
	watch, err := t.stream(ctx, func(r pipe) (err error) {
		pieces, err = d.sink.cut(ctx, countRows{r, counter})
		return err
	})
	switch {
	case err != nil:
		return err
	case watch.n == 0:
		return &DumpError{Tool: t.name, Database: d.dump.Main, Reason: "wrote nothing", Stderr: t.stderr.String(),
			Advice: "the command must write the dump to its standard output"}
	case watch.beginsWith(headerDatabase) && !watch.endsWith(trailerDatabase),
		watch.beginsWith(headerCluster) && !watch.endsWith(trailerCluster):
		return t.cutShort()
	}
	d.warnLines(t)
	if len(counter.rows) > 0 && f.Tables != nil && watch.beginsWith(headerDatabase) {
		d.dump.Rows = d.rowsOf(f, counter)
		// It looked at the database at a moment of its own choice, so this may be right.
		if diff := d.rowsDiffer(d.dump.Rows); diff != "" {
			d.warn(RowsDiffer, t.name+": "+diff, "a restore expects the rows that the dump has")
		}
	}
	d.add(pathOfDatabase(d.dump.Main), d.dump.Main, FormatCommand, pieces)
	return nil
}

func (d *dumper) add(path, database, format string, pieces []DumpPiece) {
	d.dump.Parts = append(d.dump.Parts, DumpPart{Path: path, Database: database, Format: format, Pieces: pieces})
}

func (d *dumper) warn(kind FindingKind, text, hint string) {
	d.dump.Warnings = append(d.dump.Warnings, DumpWarning{Kind: kind, Text: text, Hint: hint})
}

// warnLines keeps what a successful tool had to say.
func (d *dumper) warnLines(t *pgTool) {
	if s := strings.TrimSpace(t.stderr.String()); s != "" {
		d.warn(DatabaseWarning, t.name+": "+s, "")
	}
}

// newRestrictKey makes up a key for pg_dump's \restrict: letters and digits that nobody can guess who
// could put text into the database.
func newRestrictKey() string { return rand.Text() + rand.Text() }
