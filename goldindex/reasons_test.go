package goldindex_test

import (
	"crypto/md5"
	"crypto/sha1"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/repotest"
)

// plant puts a content that no gold makes into the repository's files.
func (s *site) plant(t *testing.T, text string) fossology.Name {
	t.Helper()
	n := fossology.Name{SHA1: sha1.Sum([]byte(text)), MD5: md5.Sum([]byte(text)), Size: int64(len(text))}
	dir := filepath.Join(s.repo.Path, "localhost", "files", fossology.FanOut(n.String(), s.repo.Depth))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, n.String()), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return n
}

// enter makes a row of an upload's tree for a content, below its top.
func enter(t *testing.T, database string, n fossology.Name, upload, mode int64) {
	t.Helper()
	repotest.Postgres(t).SQL(t, database, fmt.Sprintf(`
		INSERT INTO pfile (pfile_pk, pfile_sha1, pfile_md5, pfile_size) SELECT (SELECT max(pfile_pk) + 1 FROM pfile), '%X', '%X', %d
			WHERE NOT EXISTS (SELECT FROM pfile WHERE pfile_sha1 = '%X');
		INSERT INTO uploadtree_a (uploadtree_pk, parent, upload_fk, pfile_fk, ufile_mode, ufile_name)
			SELECT (SELECT max(uploadtree_pk) + 1 FROM uploadtree), (SELECT min(uploadtree_pk) FROM uploadtree WHERE upload_fk = %d), %d, pfile_pk, %d, 'planted'
			FROM pfile WHERE pfile_sha1 = '%X'`, n.SHA1, n.MD5, n.Size, n.SHA1, upload, upload, mode, n.SHA1))
}

// TestReasons plants contents that no gold makes, and wants for each the reason that
// the rows give; the best one where several uploads have it.
func TestReasons(t *testing.T) {
	const (
		leaf  = 0o100644
		meta  = fossology.ModeArtifact | 0o100644
		ended = 11 // an upload that was unpacked to its end
		cut   = 88 // the one that was killed
	)
	s := newSite(t)
	dsn := repotest.Fossology(t)
	_, rest, _ := strings.Cut(dsn, "dbname=")
	database, _, _ := strings.Cut(rest, " ")
	want := map[fossology.Name]goldindex.Reason{}
	for i, p := range []struct {
		reason goldindex.Reason
		rows   [][2]int64 // upload, mode
	}{
		{goldindex.NotReferenced, nil},
		{goldindex.NotOpened, [][2]int64{{ended, leaf}}},
		{goldindex.CutShort, [][2]int64{{cut, leaf}}},
		{goldindex.CutShort, [][2]int64{{ended, leaf}, {cut, leaf}}},
		{goldindex.Metadata, [][2]int64{{ended, meta}}},
		{goldindex.Metadata, [][2]int64{{ended, meta}, {cut, meta}}},
		{goldindex.NotOpened, [][2]int64{{ended, meta}, {ended, leaf}}},
		{goldindex.GoldMissing, [][2]int64{{12, leaf}}},
		{goldindex.GoldMissing, [][2]int64{{12, leaf}, {13, leaf}, {ended, leaf}}},
		{goldindex.GoldDamaged, [][2]int64{{13, leaf}}},
		{goldindex.CutShort, [][2]int64{{12, leaf}, {13, leaf}, {cut, leaf}, {ended, meta}}},
		{goldindex.GoldMissing, [][2]int64{{75, leaf}}}, // of which no file ever arrived
	} {
		n := s.plant(t, fmt.Sprintf("planted %d", i))
		for _, r := range p.rows {
			enter(t, database, n, r[0], r[1])
		}
		want[n] = p.reason
	}
	s.view(t, fossology.DSN(dsn))
	_, missing := s.gold(t, "12")
	if err := os.Remove(missing); err != nil {
		t.Fatal(err)
	}
	_, damaged := s.gold(t, "13")
	turnBit(t, damaged)
	s.update(t)
	got := map[fossology.Name]goldindex.Reason{}
	l := s.open(t)
	for f, err := range l.Files(t.Context(), s.repo, s.db, func(err error) { t.Error(err) }) {
		if err != nil {
			t.Fatal(err)
		}
		if _, planted := want[f.Name]; planted {
			got[f.Name] = f.Reason
		}
	}
	if !maps.Equal(want, got) {
		for n, r := range want {
			if got[n] != r {
				t.Errorf("%v: %q, want %q", n, got[n], r)
			}
		}
	}
}

// TestStrays: what has no Name, or lies where it does not belong, is counted and
// never taken for a derived file; what cannot be read is told.
func TestStrays(t *testing.T) {
	s := newSite(t)
	s.fill(t)
	n := s.plant(t, "misplaced")
	dir := filepath.Join(s.repo.Path, "localhost", "files")
	name := filepath.Join(dir, fossology.FanOut(n.String(), 3), n.String())
	if err := os.Rename(name, filepath.Join(dir, "ff", n.String())); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	st := s.status(t)
	if got := st.Reasons[goldindex.NotReferenced]; got.Files != 2 || got.Bytes != n.Size+1 || st.Classes[goldindex.Confirmed].Files != 809 {
		t.Errorf("status: %+v", *st)
	}
}

// TestHosts: files that are spread over several hosts are one sequence, and what two
// of them hold counts once.
func TestHosts(t *testing.T) {
	s := newSite(t)
	for _, typ := range []string{"gold", "files"} {
		from, to := filepath.Join(s.repo.Path, "localhost", typ), filepath.Join(s.repo.Path, "another", typ)
		if err := os.MkdirAll(to, 0o755); err != nil {
			t.Fatal(err)
		}
		dirs, err := os.ReadDir(from)
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range dirs {
			if i%3 == 0 {
				if err := os.Rename(filepath.Join(from, d.Name()), filepath.Join(to, d.Name())); err != nil {
					t.Fatal(err)
				}
			}
			if i%3 == 1 && typ == "files" {
				if err := os.CopyFS(filepath.Join(to, d.Name()), os.DirFS(filepath.Join(from, d.Name()))); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	s.repo.Routes = append([]fossology.Route{{Host: "another", Type: "*", Start: "00", End: "ff"}}, s.repo.Routes...)
	if r := s.update(t); r.Golds != 89 || r.Missing != 0 || r.Read != 809 {
		t.Errorf("update: %+v", *r)
	}
	if st := s.status(t); st.Files.Files != 846 || st.Classes[goldindex.Confirmed].Files != 809 || st.Classes[goldindex.Residue].Files != 37 {
		t.Errorf("status: %+v", *st)
	}
}

// TestBudgetNotes: what is found twice in one run, before and after its golds, is told
// once.
func TestBudgetNotes(t *testing.T) {
	s := newSite(t)
	s.fill(t)
	victim := oracle(t)[20].name
	path, err := s.repo.Find("files", victim.String())
	if err != nil {
		t.Fatal(err)
	}
	turnBit(t, path)
	for _, pattern := range []string{"segments/read-*", "golds/*/*"} { // files to read, and a gold to unpack
		if err := os.Remove(ledgerFiles(t, s, pattern)[0]); err != nil {
			t.Fatal(err)
		}
	}
	l := s.open(t)
	o := s.options(t)
	o.Budget = 1 << 40
	r, err := l.Update(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Differ != 1 || len(r.First) != 1 || r.New != 1 || r.Read != 808 {
		t.Errorf("update: %+v", *r)
	}
}
