package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"repotool/fossology"
)

// Rows says where the database of a generated installation is, and which psql goes there.
type Rows struct {
	DSN string `json:"dsn"`
	Bin string `json:"bin"`
}

// deletion removes the rows of uploads; those of their trees follow by the foreign key.
func (g *generator) deletion(s span) string {
	first, _ := g.numbers(s.first)
	_, last := g.numbers(s.last - 1)
	return fmt.Sprintf(`DELETE FROM upload WHERE upload_pk > %d AND upload_pk <= %d;
		DELETE FROM ununpack_ars WHERE upload_fk > %[1]d AND upload_fk <= %[2]d;
		DELETE FROM foldercontents WHERE child_id > %[1]d AND child_id <= %[2]d;
		DELETE FROM pfile WHERE pfile_pk >= %[3]d AND pfile_pk < %[4]d;`, s.first, s.last, goldKey(first), goldKey(last))
}

func (r *Rows) run(ctx context.Context, script io.Reader) error {
	_, err := fossology.PSQL(ctx, r.Bin, r.DSN, script)
	return err
}

// Keys: a content's row in pfile and its row in uploadtree have the same; gold comes before
// its files.
func goldKey(first int) int  { return 2*first + 1 }
func fileKey(number int) int { return 2*number + 2 }

const (
	modeContainer = 0x20000000
	modeFile      = 0o100644
)

// The rows come as one table, of which those of FOSSology are made. An upload came when its
// gold was written, and was unpacked within a second; by the order, its further keys do not
// depend on which worker was faster.
const (
	beforeRows = `CREATE TEMPORARY TABLE made (pk integer, sha1 text, md5 text, size bigint, parent integer, upload integer, mode integer, name text, came timestamptz);
COPY made FROM STDIN;
`
	afterRows = `\.
INSERT INTO pfile (pfile_pk, pfile_sha1, pfile_md5, pfile_size) SELECT pk, upper(sha1), upper(md5), size FROM made;
INSERT INTO upload (upload_pk, upload_filename, upload_mode, upload_origin, pfile_fk, user_fk, upload_ts)
	SELECT upload, name, 104, name, pk, 1, came FROM made WHERE parent IS NULL;
INSERT INTO foldercontents (parent_fk, foldercontents_mode, child_id) SELECT 1, 2, upload FROM made WHERE parent IS NULL ORDER BY upload;
INSERT INTO uploadtree_a (uploadtree_pk, parent, realparent, upload_fk, pfile_fk, ufile_mode, lft, rgt, ufile_name)
	SELECT pk, parent, parent, upload, pk, mode, pk, pk + 1, name FROM made;
INSERT INTO ununpack_ars (agent_fk, upload_fk, ars_success, ars_starttime, ars_endtime)
	SELECT 1, upload, true, came, came + interval '1 second' FROM made WHERE parent IS NULL ORDER BY upload;
DROP TABLE made; ANALYZE;
`
)

// into makes contents, and streams their rows into the database meanwhile.
func (g *generator) into(ctx context.Context, make func(context.Context) error) error {
	reader, writer := io.Pipe()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		err := g.Rows.run(ctx, reader)
		reader.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // whoever writes shall not wait for ever
		return err
	})
	group.Go(func() error {
		script := bufio.NewWriterSize(writer, 1<<20)
		script.WriteString(beforeRows)
		var mu sync.Mutex
		g.rows = func(upload int, gold member, files []member) error {
			mu.Lock()
			defer mu.Unlock()
			return writeRows(script, upload, gold, files)
		}
		err := make(ctx)
		if err == nil {
			script.WriteString(afterRows)
			err = script.Flush()
		}
		return errors.Join(err, writer.CloseWithError(err))
	})
	return group.Wait()
}

// writeRows writes those of one upload.
func writeRows(w *bufio.Writer, upload int, gold member, files []member) error {
	row := func(key int, m member, parent string, mode int, name, came string) error {
		_, err := fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%d\t%s\t%s\n", key, strings.ReplaceAll(m.name, ".", "\t"), parent, upload+1, mode, name, came)
		return err
	}
	top := goldKey(gold.number)
	if err := row(top, gold, `\N`, modeContainer, fmt.Sprintf("upload%d.zip", upload), timeOf(gold.number).Format(time.RFC3339Nano)); err != nil {
		return err
	}
	for _, m := range files {
		if err := row(fileKey(m.number), m, fmt.Sprint(top), modeFile, fmt.Sprintf("f%d.c", m.number), `\N`); err != nil {
			return err
		}
	}
	return nil
}
