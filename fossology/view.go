package fossology

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// A View is the database at one moment. While it is open other connections,
// pg_dump's too, can look at the same moment by its snapshot.
//
// Each stream has a connection for itself, so several can be read at once, and
// leaving one early costs only the connection. Nothing is held whole in memory, whatever the
// number of rows. A stream ends at its first error, except for a *[RowError],
// behind which it goes on.
type View struct {
	// SnapshotID is what pg_dump takes as --snapshot.
	SnapshotID string

	db    *Database
	views *Views // whose connections it has, if any
	mu    sync.Mutex
	conn  *pgx.Conn // holds the snapshot
	over  bool      // and has been given back

	idleMu sync.Mutex
	idle   []*pgx.Conn // of streams read to their end, for the next ones
	closed bool
}

// View opens a view of the present moment. It must be closed: as long as it is
// open the server keeps old versions of rows.
func (d *Database) View(ctx context.Context) (*View, error) {
	return d.view(ctx, nil)
}

func (d *Database) view(ctx context.Context, over *Views) (*View, error) {
	v := &View{db: d, views: over}
	conn, err := v.begin(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`)
	if err == nil {
		v.conn = conn
		if err = conn.QueryRow(ctx, `SELECT pg_export_snapshot()`).Scan(&v.SnapshotID); err != nil {
			conn.Close(ctx)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open view of database: %w", err)
	}
	return v, nil
}

// Close ends the view. Streams that have begun can be read to their end.
func (v *View) Close() error {
	v.idleMu.Lock()
	v.closed = true
	idle := v.idle
	v.idle = nil
	v.idleMu.Unlock()
	for _, conn := range idle {
		if !v.views.keep(conn) {
			cut(conn)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.over {
		return nil
	}
	v.over = true
	if v.views.keep(v.conn) {
		return nil
	}
	return v.conn.Close(context.Background())
}

// errClosed means that a view was asked when it was over.
var errClosed = errors.New("the view is closed")

// use lends the connection that holds the snapshot to f.
func (v *View) use(f func(*pgx.Conn) error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.over {
		return errClosed
	}
	return f(v.conn)
}

// Counts counts the rows that a restored database is compared by.
func (v *View) Counts(ctx context.Context) (Counts, error) {
	var c Counts
	err := v.use(func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM upload), (SELECT count(*) FROM pfile),
			(SELECT count(*) FROM uploadtree), (SELECT count(*) FROM jobqueue)`).
			Scan(&c.Upload, &c.Pfile, &c.Uploadtree, &c.Jobqueue)
	})
	if err != nil {
		return Counts{}, fmt.Errorf("count rows: %w", adviseOn(err))
	}
	return c, nil
}

// Size is how many bytes the database takes, as PostgreSQL says.
func (v *View) Size(ctx context.Context) (bytes int64, err error) {
	err = v.use(func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&bytes)
	})
	if err != nil {
		return 0, fmt.Errorf("size of the database: %w", adviseOn(err))
	}
	return bytes, nil
}

// pfileName is the Name of a pfile as text. FOSSology writes the checksums in
// upper case here and in lower case in the repository.
const pfileName = `(lower(p.pfile_sha1 COLLATE "C") || '.' || lower(p.pfile_md5 COLLATE "C") || '.' || p.pfile_size)`

// Pfiles streams the rows of pfile with a key above after, in the order of their
// keys.
func (v *View) Pfiles(ctx context.Context, after int64) iter.Seq2[Pfile, error] {
	const sql = `SELECT p.pfile_pk, ` + pfileName + `, lower(coalesce(p.pfile_sha256, ''))
		FROM pfile p WHERE p.pfile_pk > $1 ORDER BY p.pfile_pk`
	var name nameScanner
	return stream(ctx, v, sql, []any{after}, func(rows pgx.CollectableRow) (p Pfile, err error) {
		if err := rows.Scan(&p.PK, &name, &p.SHA256); err != nil {
			return p, err
		}
		p.Name = name.name
		return p, name.check("pfile", p.PK)
	})
}

// PfileNames streams the Names of all pfiles, each once, in the order of
// [Name.Compare], which is the order of a sorted directory.
func (v *View) PfileNames(ctx context.Context) iter.Seq2[Name, error] {
	return v.names(ctx, `SELECT `+pfileName+` COLLATE "C" FROM pfile p ORDER BY 1`)
}

// GoldNames streams the Names of the living uploads, each once, in the order of
// [Name.Compare]. For each of them there should be a file in gold.
func (v *View) GoldNames(ctx context.Context) iter.Seq2[Name, error] {
	return v.names(ctx, `SELECT `+pfileName+` COLLATE "C" FROM pfile p
		WHERE p.pfile_pk IN (SELECT pfile_fk FROM upload WHERE expire_action IS DISTINCT FROM 'd') ORDER BY 1`)
}

// names streams sorted Names and leaves out repetitions: two pfiles can differ
// in their sha256 alone.
func (v *View) names(ctx context.Context, sql string) iter.Seq2[Name, error] {
	return func(yield func(Name, error) bool) {
		var scan nameScanner
		all := stream(ctx, v, sql, nil, func(rows pgx.CollectableRow) (Name, error) {
			if err := rows.Scan(&scan); err != nil {
				return Name{}, err
			}
			return scan.name, scan.check("pfile", 0)
		})
		var last Name
		for name, err := range all {
			if err == nil && name == last {
				continue
			}
			if err == nil {
				last = name
			}
			if !yield(name, err) {
				return
			}
		}
	}
}

// Uploads streams all rows of upload in the order of their keys, also those of
// uploads that were deleted or never arrived.
func (v *View) Uploads(ctx context.Context) iter.Seq2[Upload, error] {
	const sql = `SELECT u.upload_pk, u.upload_filename, coalesce(u.upload_origin, ''), u.upload_mode, u.upload_ts,
			coalesce(u.pfile_fk, 0), ` + pfileName + `, u.uploadtree_tablename, coalesce(u.expire_action = 'd', false)
		FROM upload u LEFT JOIN pfile p ON p.pfile_pk = u.pfile_fk ORDER BY u.upload_pk`
	var name nameScanner
	return stream(ctx, v, sql, nil, func(rows pgx.CollectableRow) (u Upload, err error) {
		err = rows.Scan(&u.PK, &u.Filename, &u.Origin, &u.Mode, &u.Time, &u.Pfile, &name, &u.Table, &u.Deleted)
		if err != nil {
			return u, err
		}
		u.Name = name.name
		return u, name.check("upload", u.PK)
	})
}

// TreeRows streams the tree of one upload in the order of the keys, parents
// before children. Large uploads have a table of their own, which is used.
func (v *View) TreeRows(ctx context.Context, upload int64) iter.Seq2[TreeRow, error] {
	return func(yield func(TreeRow, error) bool) {
		table, err := v.treeTable(ctx, upload)
		if err != nil {
			yield(TreeRow{}, err)
			return
		}
		sql := `SELECT t.uploadtree_pk, coalesce(t.parent, 0), coalesce(t.realparent, 0), t.upload_fk, coalesce(t.pfile_fk, 0),
				` + pfileName + `, coalesce(t.ufile_mode, 0)::bigint, coalesce(t.lft, 0), coalesce(t.rgt, 0), coalesce(t.ufile_name, '')
			FROM ` + table + ` t LEFT JOIN pfile p ON p.pfile_pk = t.pfile_fk WHERE t.upload_fk = $1 ORDER BY t.uploadtree_pk`
		var name nameScanner
		stream(ctx, v, sql, []any{upload}, func(rows pgx.CollectableRow) (r TreeRow, err error) {
			err = rows.Scan(&r.PK, &r.Parent, &r.RealParent, &r.Upload, &r.Pfile, &name, &r.Mode, &r.Left, &r.Right, &r.FileName)
			if err != nil {
				return r, err
			}
			r.Name = name.name
			return r, name.check("uploadtree", r.PK)
		})(yield)
	}
}

// treeTable returns the quoted name of the table with the rows of an upload. If
// the table that the upload names is not there, it is uploadtree, which shows
// the rows of all.
func (v *View) treeTable(ctx context.Context, upload int64) (string, error) {
	var table *string
	err := v.use(func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT to_regclass(quote_ident(uploadtree_tablename))::text FROM upload WHERE upload_pk = $1`, upload).Scan(&table)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("read tree of upload %d: %w", upload, ErrNoUpload)
	}
	if err != nil {
		return "", fmt.Errorf("read tree of upload %d: %w", upload, err)
	}
	if table == nil || !strings.Contains(*table, "uploadtree") {
		return "uploadtree", nil
	}
	return *table, nil // regclass quotes what needs quotes
}

// TreeTables returns the tables that hold tree rows: uploadtree_a, and one
// uploadtree_<n> for each large upload.
func (v *View) TreeTables(ctx context.Context) ([]string, error) {
	var tables []string
	err := v.use(func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
			WHERE i.inhparent = 'uploadtree'::regclass ORDER BY 1`)
		if err != nil {
			return err
		}
		tables, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list tree tables: %w", err)
	}
	return tables, nil
}
