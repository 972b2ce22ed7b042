package fossology

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Kinds say what a content is to an upload, by all the rows that have it there.
type Kinds uint8

// The kinds.
const (
	Leaf         Kinds = 1 << iota // a file that was not unpacked
	Container                      // an archive that was unpacked, or tried
	Intermediate                   // made by the unpacker, and unpacked in its turn: artifact.unpacked, the cpio of an rpm
	Metadata                       // artifact.meta, a tool's words about an archive
	Top                            // what was uploaded
	Unopened                       // of an upload that was not unpacked yet
)

// A Part is what a content is to an upload.
type Part struct {
	Name   Name
	Upload int64
	Kinds  Kinds
}

// An OwnedPart is a Part, and what its upload has in gold.
type OwnedPart struct {
	Part
	Living bool // the upload has content that somebody may want
	Gold   Name // that content; zero if its row is wrong
}

// partsSQL selects what each content is to each upload, in no order. The condition stands for
// the contents that are asked about.
func partsSQL(of string) string {
	return `SELECT name, upload, kinds FROM (
			SELECT ` + pfileName + ` COLLATE "C" AS name, t.upload_fk AS upload, bit_or(
				CASE coalesce(t.ufile_mode, 0)::bigint & $1 WHEN $2 THEN 2 WHEN $1 THEN 4 WHEN $3 THEN 8 ELSE 1 END
				| CASE WHEN t.parent IS NULL THEN 16 ELSE 0 END) AS kinds
			FROM uploadtree t JOIN pfile p ON p.pfile_pk = t.pfile_fk WHERE ` + of + ` GROUP BY 1, 2
			UNION ALL
			SELECT ` + pfileName + ` COLLATE "C", u.upload_pk, 48
			FROM upload u JOIN pfile p ON p.pfile_pk = u.pfile_fk
			WHERE u.expire_action IS DISTINCT FROM 'd' AND NOT EXISTS (SELECT FROM uploadtree t WHERE t.upload_fk = u.upload_pk)
				AND ` + of + `
		) parts`
}

// partsArgs are the arguments of partsSQL, before those of the condition.
func partsArgs(of ...any) []any {
	return append([]any{int64(ModeArtifact | ModeContainer), int64(ModeContainer), int64(ModeArtifact)}, of...)
}

// Parts streams what each content is to each upload that has it, in the order of
// [Name.Compare], then of the uploads.
func (v *View) Parts(ctx context.Context) iter.Seq2[Part, error] {
	var name nameScanner
	return stream(ctx, v, partsSQL("true")+` ORDER BY name, upload`, partsArgs(), func(rows pgx.CollectableRow) (r Part, err error) {
		var kinds int32
		if err := rows.Scan(&name, &r.Upload, &kinds); err != nil {
			return r, err
		}
		r.Name, r.Kinds = name.name, Kinds(kinds)
		return r, name.check("uploadtree", 0)
	})
}

// PartsOf streams the same of some contents, with the golds of the uploads.
func (v *View) PartsOf(ctx context.Context, names []Name) iter.Seq2[OwnedPart, error] {
	sha1s, md5s, sizes := make([]string, len(names)), make([]string, len(names)), make([]int64, len(names))
	for i, n := range names {
		sha1s[i], md5s[i], sizes[i] = strings.ToUpper(hex.EncodeToString(n.SHA1[:])), strings.ToUpper(hex.EncodeToString(n.MD5[:])), n.Size
	}
	sql := `SELECT x.name, x.upload, x.kinds, coalesce(u.pfile_fk, 0) <> 0 AND u.expire_action IS DISTINCT FROM 'd', ` + pfileName + `
		FROM (` + partsSQL(`(p.pfile_sha1, p.pfile_md5, p.pfile_size) IN (SELECT * FROM unnest($4::bpchar[], $5::bpchar[], $6::bigint[]))`) + `) x
		LEFT JOIN upload u ON u.upload_pk = x.upload LEFT JOIN pfile p ON p.pfile_pk = u.pfile_fk ORDER BY x.name, x.upload`
	var name, gold nameScanner
	return stream(ctx, v, sql, partsArgs(sha1s, md5s, sizes), func(rows pgx.CollectableRow) (r OwnedPart, err error) {
		var kinds int32
		if err := rows.Scan(&name, &r.Upload, &kinds, &r.Living, &gold); err != nil {
			return r, err
		}
		r.Name, r.Kinds, r.Gold = name.name, Kinds(kinds), gold.name
		return r, name.check("uploadtree", 0)
	})
}

// A Position is how far the database has come: what is decided by the rows that there are
// is to be decided anew when it has moved.
type Position struct {
	Upload     int64 `json:"upload"`     // the largest key
	Pfile      int64 `json:"pfile"`      // the same
	Uploadtree int64 `json:"uploadtree"` // the same
	Jobqueue   int64 `json:"jobqueue"`   // the same
	Deleted    int64 `json:"deleted"`    // uploads that were
	Unfinished int64 `json:"unfinished"` // jobs that run or wait
}

// Position is that of the view.
func (v *View) Position(ctx context.Context) (p Position, err error) {
	err = v.use(func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT (SELECT coalesce(max(upload_pk), 0) FROM upload), (SELECT coalesce(max(pfile_pk), 0) FROM pfile),
			(SELECT coalesce(max(uploadtree_pk), 0) FROM uploadtree), (SELECT coalesce(max(jq_pk), 0) FROM jobqueue),
			(SELECT count(*) FROM upload WHERE expire_action = 'd'), (SELECT count(*) FROM jobqueue WHERE jq_endtime IS NULL)`).
			Scan(&p.Upload, &p.Pfile, &p.Uploadtree, &p.Jobqueue, &p.Deleted, &p.Unfinished)
	})
	if err != nil {
		return p, fmt.Errorf("read the position of the database: %w", adviseOn(err))
	}
	return p, nil
}

// ErrNoFolder means that there is no folder of the name or number asked for.
var ErrNoFolder = errors.New("no such folder")

// FolderUploads are the uploads in a folder and in those below it. The folder is named by
// its number, or by its name if that is the only one of it.
func (v *View) FolderUploads(ctx context.Context, folder string) (uploads []int64, err error) {
	number, err := strconv.ParseInt(folder, 10, 64)
	if err != nil {
		number = -1
	}
	err = v.use(func(conn *pgx.Conn) error {
		var keys []int64
		rows, err := conn.Query(ctx, `SELECT folder_pk::bigint FROM folder WHERE folder_pk = $1 OR folder_name = $2 ORDER BY 1`, number, folder)
		if err == nil {
			keys, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		}
		switch {
		case err != nil:
			return err
		case len(keys) == 0:
			return ErrNoFolder
		case len(keys) > 1:
			return fmt.Errorf("several have this name: say which by its number (%s)", strings.Trim(strings.Join(strings.Fields(fmt.Sprint(keys)), ", "), "[]"))
		}
		rows, err = conn.Query(ctx, `WITH RECURSIVE below(folder) AS (
				SELECT $1::bigint UNION SELECT c.child_id FROM foldercontents c JOIN below ON c.parent_fk = below.folder WHERE c.foldercontents_mode = 1
			) SELECT DISTINCT c.child_id::bigint FROM foldercontents c JOIN below ON c.parent_fk = below.folder WHERE c.foldercontents_mode = 2 ORDER BY 1`, keys[0])
		if err == nil {
			uploads, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for the uploads of folder %q: %w", folder, adviseOn(err))
	}
	return uploads, nil
}
