package fossology

import (
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"strings"

	"github.com/jackc/pgx/v5"
)

// A Use says that an upload holds a content.
type Use struct {
	Name   Name
	Upload int64
	Meta   bool // only as artifact.meta, a tool's words about an archive
}

// usesSQL selects which upload holds which content. An upload that was not unpacked yet
// holds its own file. Both conditions stand for what is asked about.
func usesSQL(ofTree, ofUpload string) string {
	return `SELECT name, upload, meta FROM (
			SELECT ` + pfileName + ` COLLATE "C" AS name, t.upload_fk AS upload,
				bool_and(coalesce(t.ufile_mode, 0)::bigint & $1 = $2) AS meta
			FROM uploadtree t JOIN pfile p ON p.pfile_pk = t.pfile_fk WHERE ` + ofTree + ` GROUP BY 1, 2
			UNION ALL
			SELECT ` + pfileName + ` COLLATE "C", u.upload_pk, false
			FROM upload u JOIN pfile p ON p.pfile_pk = u.pfile_fk
			WHERE u.expire_action IS DISTINCT FROM 'd' AND NOT EXISTS (SELECT FROM uploadtree t WHERE t.upload_fk = u.upload_pk)
				AND ` + ofUpload + `
		) uses ORDER BY name, upload`
}

// Uses streams which upload holds which content, each pair once, in the order of
// [Name.Compare]. An upload that was not unpacked yet holds its own file. PostgreSQL
// does the sorting, on its disk if need be.
func (v *View) Uses(ctx context.Context) iter.Seq2[Use, error] {
	return v.uses(ctx, usesSQL("true", "true"))
}

// UsesIn streams the same of some uploads.
func (v *View) UsesIn(ctx context.Context, uploads ...int64) iter.Seq2[Use, error] {
	return v.uses(ctx, usesSQL("t.upload_fk = ANY($3)", "u.upload_pk = ANY($3)"), uploads)
}

// UsesOf streams the uploads that hold one content.
func (v *View) UsesOf(ctx context.Context, n Name) iter.Seq2[Use, error] {
	const of = `p.pfile_sha1 = $3 AND p.pfile_md5 = $4 AND p.pfile_size = $5`
	return v.uses(ctx, usesSQL(of, of), strings.ToUpper(hex.EncodeToString(n.SHA1[:])), strings.ToUpper(hex.EncodeToString(n.MD5[:])), n.Size)
}

func (v *View) uses(ctx context.Context, sql string, of ...any) iter.Seq2[Use, error] {
	var name nameScanner
	args := append([]any{int64(ModeArtifact | ModeContainer), int64(ModeArtifact)}, of...) // a row of artifact.meta has the one bit, not the other
	return stream(ctx, v, sql, args, func(rows pgx.CollectableRow) (u Use, err error) {
		if err := rows.Scan(&name, &u.Upload, &u.Meta); err != nil {
			return u, err
		}
		u.Name = name.name
		return u, name.check("uploadtree", 0)
	})
}

// Unpacking streams the uploads that have an unpack job which runs or waits, or which
// the database believes to run, in the order of these jobs.
func (v *View) Unpacking(ctx context.Context) iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		for j, err := range v.Jobs(ctx) {
			if err == nil && (j.Type != unpackAgent || j.Upload == 0) {
				continue
			}
			if !yield(j.Upload, err) {
				return
			}
		}
	}
}

// CutShort streams the uploads whose first unpack did not come to its end, in the
// order of their keys. It was killed, or it is at work at this moment. FOSSology
// itself does not notice: the tree of such an upload stays as it was left, and to
// unpack it again adds nothing to it.
func (v *View) CutShort(ctx context.Context) iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		var there bool
		err := v.use(func(conn *pgx.Conn) error { // FOSSology makes the table when it first unpacks
			return conn.QueryRow(ctx, `SELECT to_regclass('ununpack_ars') IS NOT NULL`).Scan(&there)
		})
		if err != nil {
			yield(0, fmt.Errorf("look for uploads that were cut short: %w", err))
			return
		}
		if !there {
			return
		}
		const sql = `SELECT upload_fk::bigint FROM (
				SELECT DISTINCT ON (upload_fk) upload_fk, ars_endtime FROM ununpack_ars ORDER BY upload_fk, ars_pk
			) first WHERE ars_endtime IS NULL AND upload_fk IS NOT NULL ORDER BY 1`
		stream(ctx, v, sql, nil, func(rows pgx.CollectableRow) (upload int64, err error) {
			return upload, rows.Scan(&upload)
		})(yield)
	}
}
