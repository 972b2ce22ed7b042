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
// line that it must have written, and for the directory format its table of contents. Then the rows of
// the tables that matter most are counted as they pass (dump_rows.go) and compared with those of the view
// of the database that the dump was made in; without a view they are not. What a command of the user's
// writes is not made in the view: if it is plain SQL and has other rows, that is a finding. Passwords travel
// in the environment, never in an argument list.

import (
	"context"
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
	PgBin      string        // directory of pg_dump, pg_dumpall and psql; empty: found by PATH
	DSN        fossology.DSN // of FOSSology's database, password included
	GlobalsDSN fossology.DSN // of a superuser of the same server, who can read the roles' passwords; empty: DSN
	Mode       DumpMode      // empty: DumpPlain
	Command    []string      // DumpCommand: program and arguments; it finds REPOTOOL_DSN and PGPASSWORD set
	SnapshotID string        // exported database snapshot that the main database is dumped in; may be empty
	// Rows are those of upload, pfile, uploadtree and jobqueue in the database snapshot SnapshotID. The dump must hold
	// as many. Empty: it is not compared.
	Rows        map[string]int64
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
	Main          string           `json:"main,omitempty"`          // name of FOSSology's database
	Tool          string           `json:"tool,omitempty"`          // pg_dump --version
	ServerVersion int              `json:"serverVersion,omitempty"` // like 150018
	RestrictKey   string           `json:"restrictKey,omitempty"`   // for the next night; empty where pg_dump has none
	Databases     []DumpedDatabase `json:"databases,omitempty"`
	Parts         []DumpPart       `json:"parts,omitempty"`
	Warnings      []DumpWarning    `json:"warnings,omitempty"`
	Stats         DumpStats        `json:"stats"`
	// Rows, of a DumpCommand, are those that its output has of the tables in Manifest.Rows: it looks at the database at
	// a moment of its own. Empty: it is no plain SQL with COPY and they could not be counted; those of the manifest count.
	Rows map[string]int64 `json:"rows,omitempty"`
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
	Rules    string   `json:"rules,omitempty"`    // of ICU
	Roles    []string `json:"roles,omitempty"`    // every role that the dump names as owner or in a grant
	// Tablespace is where the database was, if not where all are; Tablespaces are those that the dump names for tables
	// and indexes of their own.
	Tablespace  string       `json:"tablespace,omitempty"`
	Tablespaces []Tablespace `json:"tablespaces,omitempty"`
}

// A Tablespace is a directory of a server's, under a name.
type Tablespace struct {
	Name     string `json:"name"`
	Location string `json:"location"`
}

// createOptions make a database like it.
func (d DumpedDatabase) createOptions() fossology.CreateOptions {
	return fossology.CreateOptions{Owner: d.Owner, Encoding: d.Encoding, Collate: d.Collate, Ctype: d.Ctype,
		Provider: d.Provider, Locale: d.Locale, Rules: d.Rules}
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
	Raw    store.Hash `json:"raw"`    // BLAKE3 of the decompressed bytes
	RawLen int64      `json:"rawLen"` // their number
	Len    int64      `json:"len"`    // bytes of the frame
}

// A DumpWarning is something about a good dump that the administrator should know.
type DumpWarning struct {
	Kind FindingKind `json:"kind,omitempty"` // of the finding that a snapshot makes of it
	Text string      `json:"text"`
	Hint string      `json:"hint,omitempty"` // what to do about it
}

// DumpStats count what a dump was and what of it was new.
type DumpStats struct {
	Pieces    int   `json:"pieces"`
	NewPieces int   `json:"newPieces"` // not known before: compressed and handed to Put
	RawBytes  int64 `json:"rawBytes"`
	NewRaw    int64 `json:"newRaw"`   // of those, in new pieces
	NewBytes  int64 `json:"newBytes"` // frames handed to Put
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
