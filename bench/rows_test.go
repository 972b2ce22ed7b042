package bench_test

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repotool/bench"
	"repotool/fossology"
	"repotool/repotest"
)

// rowsOf returns the Names that the rows of a site refer to.
func rowsOf(t *testing.T, site *bench.Site) (names []fossology.Name, uploads, tree int) {
	t.Helper()
	db, err := fossology.Connect(t.Context(), fossology.DSN(site.DSN()))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	view, err := db.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	for p, err := range view.Parts(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, p.Name)
	}
	counts, err := view.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if counts.Pfile != counts.Uploadtree {
		t.Errorf("%d rows in pfile, %d in uploadtree", counts.Pfile, counts.Uploadtree)
	}
	return names, int(counts.Upload), int(counts.Uploadtree)
}

// TestRows: each row is of a file that is there, each gold is a zip of the files of its
// upload, before and after nights, and a night that is taken back leaves what there was.
func TestRows(t *testing.T) {
	repotest.Tool(t, "psql")
	dir := memory(t)
	site, err := bench.NewSite(t.Context(), dir, filepath.Join(dir, "repository"))
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	opt := bench.Options{Files: 5100, Seed: 4, Uploads: true, Rows: site.Rows()}
	check := func(when string, wantUploads, wantFiles int) {
		t.Helper()
		names, uploads, tree := rowsOf(t, site)
		if uploads != wantUploads || tree != wantFiles+wantUploads || len(names) != tree {
			t.Errorf("%s: %d uploads with %d rows of %d contents, want %d with %d", when, uploads, tree, len(names), wantUploads, wantFiles+wantUploads)
		}
		for _, n := range names {
			name := n.String()
			if _, err := os.Stat(filepath.Join(site.Repository, "localhost", "files", fossology.FanOut(name, 3), name)); err != nil {
				t.Fatalf("%s: %v", when, err)
			}
		}
		golds, _ := filepath.Glob(site.Repository + "/localhost/gold/*/*/*/*")
		if len(golds) != uploads {
			t.Errorf("%s: %d golds of %d uploads", when, len(golds), uploads)
		}
		if n := zipped(t, golds); n != wantFiles {
			t.Errorf("%s: gold holds %d files, want %d", when, n, wantFiles)
		}
	}
	if _, err := bench.Generate(t.Context(), site.Repository, opt); err != nil {
		t.Fatal(err)
	}
	check("made", 510, 5100)
	before := fmt.Sprint(tree(t, site.Repository))
	for night := range 2 {
		if _, err := bench.Night(t.Context(), site.Repository, opt, night+1); err != nil {
			t.Fatal(err)
		}
	}
	check("two nights later", 510+2*(5-1), 5100+2*(50-10))
	for _, night := range []int{2, 1} {
		if _, err := bench.UndoNight(t.Context(), site.Repository, opt, night); err != nil {
			t.Fatal(err)
		}
	}
	check("taken back", 510, 5100)
	if after := fmt.Sprint(tree(t, site.Repository)); after != before {
		t.Error("the repository is another one")
	}
	opt.Rows = &bench.Rows{DSN: strings.Replace(site.DSN(), "dbname=fossology", "dbname=nothing", 1), Bin: site.Bin()}
	if _, err := bench.Night(t.Context(), site.Repository, opt, 3); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("a database that is not there: %v", err)
	}
}

// TestRowsAgain: equal options make equal rows, whichever worker is faster, also where a
// night came and was taken back; the times are those of the files.
func TestRowsAgain(t *testing.T) {
	repotest.Tool(t, "psql")
	const sql = `SELECT upload_pk, extract(epoch FROM upload_ts), extract(epoch FROM ars_starttime), extract(epoch FROM ars_endtime), child_id
		FROM upload LEFT JOIN ununpack_ars ON upload_fk = upload_pk LEFT JOIN foldercontents ON child_id = upload_pk ORDER BY upload_pk;
		SELECT count(*) FROM foldercontents; SELECT agent_ts AT TIME ZONE 'UTC' FROM agent;`
	const keys = `SELECT ars_pk, upload_fk FROM ununpack_ars ORDER BY ars_pk; SELECT foldercontents_pk, child_id FROM foldercontents ORDER BY 1;`
	made := func(workers, nights int) (times, serials string) {
		dir := memory(t)
		site, err := bench.NewSite(t.Context(), dir, filepath.Join(dir, "repository"))
		if err != nil {
			t.Fatal(err)
		}
		defer site.Close()
		opt := bench.Options{Files: 5100, Seed: 4, Uploads: true, Workers: workers, Rows: site.Rows()}
		_, err = bench.Generate(t.Context(), site.Repository, opt)
		if err == nil && nights > 0 {
			_, err = bench.Night(t.Context(), site.Repository, opt, 1)
		}
		if err == nil && nights > 0 {
			_, err = bench.UndoNight(t.Context(), site.Repository, opt, 1)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []struct {
			sql string
			to  *string
		}{{sql, &times}, {keys, &serials}} {
			if *q.to, err = fossology.PSQL(t.Context(), site.Bin(), site.DSN(), strings.NewReader(q.sql)); err != nil {
				t.Fatal(err)
			}
		}
		return times, serials
	}
	times, serials := made(1, 0)
	if again, alike := made(8, 0); again != times || alike != serials {
		t.Error("other rows")
	}
	if again, _ := made(8, 1); again != times {
		t.Error("other rows after a night that was taken back")
	}
	first, _, _ := strings.Cut(times, "\n")
	if !strings.HasPrefix(first, "1|1551398400") || !strings.HasSuffix(times, "\n510\n2019-03-01 00:00:00") {
		t.Errorf("first %s, last %s", first, times[len(times)-60:])
	}
}

// zipped counts the files in zips.
func zipped(t *testing.T, golds []string) (n int) {
	t.Helper()
	for _, g := range golds {
		r, err := zip.OpenReader(g)
		if err != nil {
			t.Fatalf("%s: %v", g, err)
		}
		for _, f := range r.File {
			content, err := f.Open()
			if err == nil {
				_, err = io.Copy(io.Discard, content) // its checksum is checked
			}
			if err != nil {
				t.Fatalf("%s: %v", g, err)
			}
			n++
		}
		r.Close()
	}
	return n
}
