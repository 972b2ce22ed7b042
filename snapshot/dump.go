package snapshot

// How a database lies in a store.
//
// A dump is a list of parts; a part is one stream of bytes: the globals of the cluster, one database
// in plain SQL, or one file of pg_dump's directory format. A stream is cut into pieces by its content
// (FastCDC, 256 KiB to 4 MiB, 1 MiB as a rule), so what did not change since yesterday is cut the same
// way and costs nothing. Each piece is one zstd frame and one object of the store; frames written one
// after the other are a zstd stream, so
//
//	cat database/fossology/*.zst | zstd -d | psql -X -v ON_ERROR_STOP=1 NEWDATABASE
//
// brings a database back with no tool of ours. Two dumps of the same data give the same objects: the
// compression level is fixed, and pg_dump is given the \restrict key of the night before, which it
// would otherwise make up anew each time.
//
// A dump that is not known to be whole is an error: the exit status of the tool decides, then the last
// line that it must have written, and for the directory format its table of contents. Passwords travel
// in the environment, never in an argument list.

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"repotool/fossology"
	"repotool/store"
)

// DumpMode says what of the database is dumped, and how.
type DumpMode string

// The modes of a dump. The zero value means DumpPlain.
const (
	// DumpPlain: the globals and FOSSology's database in plain SQL.
	DumpPlain DumpMode = "plain"
	// DumpCluster: the globals and every database of the cluster that can be connected to, in plain SQL.
	DumpCluster DumpMode = "cluster"
	// DumpDirectory: the globals and FOSSology's database in pg_dump's directory format, by several jobs.
	DumpDirectory DumpMode = "directory"
	// DumpCommand: whatever the user's command writes to its standard output.
	DumpCommand DumpMode = "command"
	// DumpNone: nothing.
	DumpNone DumpMode = "none"
)

// The formats of a part.
const (
	FormatGlobals    = "globals"        // pg_dumpall --globals-only: roles and tablespaces
	FormatProperties = "properties"     // what belongs to a database but not to its dump: settings, grants
	FormatPlain      = "plain"          // pg_dump, plain SQL
	FormatDirectory  = "directory-file" // one file of pg_dump -Fd
	FormatCommand    = "command"        // output of the user's command
)

// DumpOptions say what DumpDatabase dumps and where it goes.
type DumpOptions struct {
	PgBin       string        // directory of pg_dump, pg_dumpall and psql; empty: found by PATH
	DSN         fossology.DSN // of FOSSology's database, password included
	Mode        DumpMode      // empty: DumpPlain
	Command     []string      // DumpCommand: program and arguments; it finds REPOTOOL_DSN and PGPASSWORD set
	SnapshotID  string        // exported database snapshot that the main database is dumped in; may be empty
	RestrictKey string        // the previous Dump.RestrictKey; empty: a new one is made and recorded
	Jobs        int           // DumpDirectory: parallel jobs; 0: 2
	TempDir     string        // DumpDirectory: an existing directory with room for the uncompressed dump
	LockTimeout time.Duration // how long pg_dump waits for a table's lock; 0: for ever
	Workers     int           // pieces compressed at the same time; 0: one for each processor, at most 4

	Put   PutPiece
	Known KnownPiece   // nil: nothing is known
	Log   *slog.Logger // nil: silent
}

// PutPiece stores a frame and returns its object. raw and rawLen describe what the frame decompresses to. It is
// called by one goroutine at a time and must not keep frame.
type PutPiece func(ctx context.Context, frame []byte, raw store.Hash, rawLen int) (store.Hash, error)

// KnownPiece returns the piece that already holds these bytes in the store, if there is one; the caller vouches
// for the object being there. It is called by one goroutine at a time.
type KnownPiece func(raw store.Hash) (DumpPiece, bool)

// A Dump is what the manifest keeps of the database.
type Dump struct {
	Mode          DumpMode         `json:"mode"`
	Main          string           `json:"main,omitempty"`           // name of FOSSology's database
	Tool          string           `json:"tool,omitempty"`           // pg_dump --version
	ServerVersion int              `json:"server_version,omitempty"` // like 150018
	RestrictKey   string           `json:"restrict_key,omitempty"`   // for the next night; empty where pg_dump has none
	Databases     []DumpedDatabase `json:"databases,omitempty"`
	Parts         []DumpPart       `json:"parts,omitempty"`
	Warnings      []DumpWarning    `json:"warnings,omitempty"`
	Stats         DumpStats        `json:"stats"`
}

// A DumpedDatabase is what one must know of a database to create it anew.
type DumpedDatabase struct {
	Name     string   `json:"name"`
	Owner    string   `json:"owner,omitempty"`
	Encoding string   `json:"encoding,omitempty"` // UTF8, SQL_ASCII ...
	Collate  string   `json:"collate,omitempty"`
	Ctype    string   `json:"ctype,omitempty"`
	Provider string   `json:"provider,omitempty"` // of the locale: c (libc), i (ICU), b (builtin)
	Locale   string   `json:"locale,omitempty"`   // of ICU or builtin
	Roles    []string `json:"roles,omitempty"`    // every role that the dump names as owner or in a grant
}

// A DumpPart is one stream of the dump, in pieces.
type DumpPart struct {
	// Path is the part's name below database/, without its pieces: "globals.sql", "fossology",
	// "fossology.properties.sql", "fossology/toc.dat".
	Path     string      `json:"path"`
	Database string      `json:"database,omitempty"` // empty for the globals
	Format   string      `json:"format"`             // one of the Format constants
	Pieces   []DumpPiece `json:"pieces"`             // at least one
}

// A DumpPiece is a run of bytes of a part: one zstd frame, one object.
type DumpPiece struct {
	Object store.Hash `json:"object"`
	Raw    store.Hash `json:"raw"`     // BLAKE3 of the decompressed bytes
	RawLen int64      `json:"raw_len"` // their number
	Len    int64      `json:"len"`     // bytes of the frame
}

// A DumpWarning is something about a good dump that the administrator should know.
type DumpWarning struct {
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"` // what to do about it
}

// DumpStats count what a dump was and what of it was new.
type DumpStats struct {
	Pieces    int   `json:"pieces"`
	NewPieces int   `json:"new_pieces"` // not known before: compressed and handed to Put
	RawBytes  int64 `json:"raw_bytes"`
	NewRaw    int64 `json:"new_raw"`   // of those, in new pieces
	NewBytes  int64 `json:"new_bytes"` // frames handed to Put
}

// DumpDatabase dumps what opt.Mode says and stores it piece by piece. The result is complete or there
// is an error; pieces that were put before the error are unreferenced objects.
func DumpDatabase(ctx context.Context, opt DumpOptions) (*Dump, error) {
	if opt.Mode == "" {
		opt.Mode = DumpPlain
	}
	if opt.Mode == DumpNone {
		return &Dump{Mode: DumpNone}, nil
	}
	d, err := newDumper(opt)
	if err != nil {
		return nil, err
	}
	defer d.sink.close()
	switch opt.Mode {
	case DumpPlain, DumpCluster, DumpDirectory:
		err = d.postgres(ctx)
	case DumpCommand:
		err = d.command(ctx)
	default:
		err = fmt.Errorf("dump database: unknown mode %q", opt.Mode)
	}
	if err != nil {
		return nil, err
	}
	d.dump.Stats = d.sink.stats
	return d.dump, nil
}

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
		if err := d.database(ctx, f, snapshot); err != nil {
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
	var pieces []DumpPiece
	watch, err := t.stream(ctx, func(r pipe) (err error) {
		pieces, err = d.sink.cut(ctx, r)
		return err
	})
	if err != nil {
		return err
	}
	if !watch.endsWith(trailerDatabase) {
		return t.cutShort()
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
	if f, err := d.facts(ctx, d.conn); err == nil {
		d.dump.Main, d.dump.ServerVersion, d.dump.Databases = f.Name, f.Version, []DumpedDatabase{f.DumpedDatabase}
	} else {
		d.dump.Databases = []DumpedDatabase{{Name: d.dump.Main}}
		d.warn("encoding and owner of the database are not recorded: "+err.Error(),
			"a restore creates it with the server's defaults")
	}
	d.dump.Tool = d.opt.Command[0]
	t := &pgTool{path: d.opt.Command[0], name: d.opt.Command[0], database: d.dump.Main,
		args: d.opt.Command[1:], env: d.conn.environCommand()}
	var pieces []DumpPiece
	watch, err := t.stream(ctx, func(r pipe) (err error) {
		pieces, err = d.sink.cut(ctx, r)
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
	d.add(pathOfDatabase(d.dump.Main), d.dump.Main, FormatCommand, pieces)
	return nil
}

func (d *dumper) add(path, database, format string, pieces []DumpPiece) {
	d.dump.Parts = append(d.dump.Parts, DumpPart{Path: path, Database: database, Format: format, Pieces: pieces})
}

func (d *dumper) warn(text, hint string) {
	d.dump.Warnings = append(d.dump.Warnings, DumpWarning{Text: text, Hint: hint})
}

// warnLines keeps what a successful tool had to say.
func (d *dumper) warnLines(t *pgTool) {
	if s := strings.TrimSpace(t.stderr.String()); s != "" {
		d.warn(t.name+": "+s, "")
	}
}

// Pieces yields every piece of the dump, in order of parts.
func (d *Dump) Pieces(yield func(DumpPiece) bool) {
	for _, p := range d.Parts {
		for _, piece := range p.Pieces {
			if !yield(piece) {
				return
			}
		}
	}
}

// Known returns a lookup by the hash of a piece's raw bytes, as DumpOptions.Known wants it. A nil Dump
// knows nothing.
func (d *Dump) Known() KnownPiece {
	pieces := map[store.Hash]DumpPiece{}
	if d != nil {
		for p := range d.Pieces {
			pieces[p.Raw] = p
		}
	}
	return func(raw store.Hash) (DumpPiece, bool) {
		p, ok := pieces[raw]
		return p, ok
	}
}

// PieceName returns the path below database/ under which a day directory shows piece i of the part.
// Sorted by name, the pieces of a part are in order: fossology/000001.sql.zst, globals.sql.zst, or
// fossology/3071.dat.000001.zst when there are several.
func (p DumpPart) PieceName(i int) string {
	width := max(6, len(fmt.Sprint(len(p.Pieces))))
	switch {
	case p.Format == FormatPlain || p.Format == FormatCommand:
		ext := ".sql.zst"
		if p.Format == FormatCommand {
			ext = ".zst"
		}
		return fmt.Sprintf("%s/%0*d%s", p.Path, width, i+1, ext)
	case len(p.Pieces) == 1:
		return p.Path + ".zst"
	default:
		return fmt.Sprintf("%s.%0*d.zst", p.Path, width, i+1)
	}
}

// pathOfDatabase makes a database's name fit to be a file name.
func pathOfDatabase(name string) string {
	name = strings.NewReplacer("%", "%25", "/", "%2F").Replace(name)
	if strings.HasPrefix(name, ".") {
		name = "%2E" + name[1:]
	}
	return name
}

// newRestrictKey makes up a key for pg_dump's \restrict: letters and digits that nobody can guess who
// could put text into the database.
func newRestrictKey() string { return rand.Text() + rand.Text() }
