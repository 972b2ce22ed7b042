// Command benchprune measures what it takes to plan a prune of a large installation: it
// makes a repository of tars and of what FOSSology unpacks from them, and a database that
// says so, has repotool index it, and then plan.
//
//	benchprune -repotool FILE -dir DIR [-files 1000000] [-each 1000]
//
// Nothing here is made up to be easy: the golds really unpack to the files, the rows stand
// in the real schema of FOSSology, in a real PostgreSQL.
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"repotool/bench"
	"repotool/repotest"
)

func main() {
	log.SetFlags(0)
	program := flag.String("repotool", "repotool", "the program")
	dir := flag.String("dir", "", "an empty directory")
	files := flag.Int("files", 1_000_000, "derived files")
	each := flag.Int("each", 1000, "of each gold")
	flag.Parse()
	if err := run(context.Background(), *program, *dir, *files, *each); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, program, dir string, files, each int) (err error) {
	pg, err := repotest.Start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pg.Stop()) }()
	const database = "fossology"
	if err := pg.Load(database); err != nil {
		return err
	}
	g := &generator{repository: filepath.Join(dir, "repository"), each: each}
	start := time.Now()
	sql, err := g.site(files)
	if err == nil {
		_, err = pg.Query(database, sql)
	}
	if err != nil {
		return err
	}
	fmt.Printf("%d golds, %s files, rows of them: made in %.0f s\n", files/each, humanize.Comma(int64(files)), time.Since(start).Seconds())
	sysconf := filepath.Join(dir, "etc")
	if err := errors.Join(os.MkdirAll(sysconf, 0o755), repotest.WriteSysconf(sysconf, g.repository, pg.DSN(database))); err != nil {
		return err
	}
	env := []string{"REPOTOOL_STORE=" + filepath.Join(dir, "store"), "REPOTOOL_SYSCONF=" + sysconf, "REPOTOOL_QUIESCE=none",
		"REPOTOOL_STATE_DIR=" + filepath.Join(dir, "state"), "REPOTOOL_CONFIG="}
	fmt.Printf("\n| | seconds | CPU s | most memory |\n|---|--:|--:|--:|\n")
	for _, args := range [][]string{
		{"init"}, {"index"}, {"snapshot", "--strategy", "gold", "--index", "use"},
		{"prune", "--level", "derived"}, {"prune", "--level", "containers"}, {"prune", "--level", "derived", "--free", "1GB"},
		{"prune", "--level", "derived", "--execute"}, {"snapshot", "--strategy", "gold", "--index", "use"}, {"prune", "--undo", "last"},
	} {
		u, err := bench.Command{Args: append([]string{program}, args...), Env: env}.Run(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("| `repotool %s` | %.1f | %.1f | %s |\n", strings.Join(args, " "), u.Wall, u.CPU, humanize.IBytes(uint64(u.RSS)))
	}
	return nil
}

// A generator makes an installation.
type generator struct {
	repository string
	each       int
}

// site makes the repository, and returns what makes the rows: keys are counted from a
// million on, beside those of the real database.
func (g *generator) site(files int) (sql string, err error) {
	names, err := os.Create(filepath.Join(filepath.Dir(g.repository), "rows"))
	if err != nil {
		return "", err
	}
	defer names.Close()
	out := bufio.NewWriterSize(names, 1<<20)
	const first = 1_000_000
	key := first
	for upload := range files / g.each {
		contents, archive, err := g.gold(upload)
		if err != nil {
			return "", err
		}
		top := key
		fmt.Fprintf(out, "%d\t%s\tNULL\t%d\t%d\n", key, strings.ReplaceAll(archive, ".", "\t"), first+upload, 0x20000000)
		key++
		for _, name := range contents {
			fmt.Fprintf(out, "%d\t%s\t%d\t%d\t%d\n", key, strings.ReplaceAll(name, ".", "\t"), top, first+upload, 0o100644)
			key++
		}
	}
	if err := out.Flush(); err != nil {
		return "", err
	}
	return fmt.Sprintf(`CREATE UNLOGGED TABLE made (pk bigint, sha1 text, md5 text, size bigint, parent bigint, upload bigint, mode bigint);
		\copy made FROM '%s' WITH (NULL 'NULL')
		SET session_replication_role = replica;
		DELETE FROM uploadtree_a; DELETE FROM jobqueue; DELETE FROM upload; DELETE FROM pfile;
		INSERT INTO pfile (pfile_pk, pfile_sha1, pfile_md5, pfile_size) SELECT pk, upper(sha1), upper(md5), size FROM made;
		INSERT INTO upload (upload_pk, upload_filename, upload_mode, upload_origin, pfile_fk)
			SELECT upload, 'made.tar', 104, 'made.tar', pk FROM made WHERE parent IS NULL;
		INSERT INTO uploadtree_a (uploadtree_pk, parent, upload_fk, pfile_fk, ufile_mode, lft, rgt, ufile_name)
			SELECT pk, parent, upload, pk, mode, 1, 2, 'x' FROM made;
		DROP TABLE made; ANALYZE;`, names.Name()), nil
}

// gold makes an archive and its files, and returns their Names.
func (g *generator) gold(upload int) (contents []string, archive string, err error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := range g.each {
		content := fmt.Appendf(nil, "file %d of upload %d\n%s", i, upload, strings.Repeat("/* text */\n", i%20))
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("made-%d/f%d.c", upload, i), Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
			return nil, "", err
		}
		if _, err := w.Write(content); err != nil {
			return nil, "", err
		}
		name, err := g.put("files", content)
		if err != nil {
			return nil, "", err
		}
		contents = append(contents, name)
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	if _, err := g.put("gold", b.Bytes()); err != nil {
		return nil, "", err
	}
	archive, err = g.put("files", b.Bytes())
	return contents, archive, err
}

func (g *generator) put(typ string, content []byte) (string, error) {
	name := fmt.Sprintf("%x.%x.%d", sha1.Sum(content), md5.Sum(content), len(content))
	dir := filepath.Join(g.repository, "localhost", typ, name[:2], name[2:4], name[4:6])
	if err := os.MkdirAll(dir, 0o770); err != nil {
		return "", err
	}
	return name, os.WriteFile(filepath.Join(dir, name), content, 0o660)
}
