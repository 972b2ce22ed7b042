package goldindex_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repotool/fossology"
	"repotool/goldindex"
)

// TestFossology indexes a whole real installation and compares what the ledger says
// with the list of what FOSSology stored, and with the files.
func TestFossology(t *testing.T) {
	s := newSite(t)
	before := contentOf(t, s.repo.Path)
	r := s.update(t)
	t.Logf("%+v", *r)
	if r.Golds != 89 || r.New != 89 || r.Damaged+r.Missing+r.Left+r.Differ+r.Troubles+r.Rebuilt != 0 {
		t.Errorf("update: %+v", *r)
	}
	want, bytes := expectedClasses(t, s.repo)
	st := s.status(t)
	t.Logf("%+v", *st)
	for class, n := range want {
		got := st.Reasons[goldindex.Reason(class)]
		if class == string(goldindex.Confirmed) || class == string(goldindex.Recorded) {
			got = st.Classes[goldindex.Class(class)]
		}
		if got.Files != n || got.Bytes != bytes[class] {
			t.Errorf("%s: %d files of %d bytes, want %d of %d", class, got.Files, got.Bytes, n, bytes[class])
		}
	}
	if residue := st.Classes[goldindex.Residue]; residue.Files != want["metadata"] || st.Files.Files != 846 {
		t.Errorf("residue: %+v, all: %+v", residue, st.Files)
	}
	if !slices.Equal(st.CutShort, []int64{88}) {
		t.Errorf("cut short: %v, want [88]", st.CutShort)
	}
	t.Run("paths", func(t *testing.T) { checkPaths(t, s) })
	t.Run("again", func(t *testing.T) { checkAgain(t, s) })
	t.Run("extract", func(t *testing.T) { checkExtract(t, s) })
	same(t, before, contentOf(t, s.repo.Path))
}

// expectedClasses counts, from the list alone: what is artifact.meta and nothing else
// is residue. Everything else came out of some gold.
func expectedClasses(t *testing.T, repo fossology.Repository) (files, size map[string]int64) {
	other := map[fossology.Name]bool{}
	for _, r := range oracle(t) {
		other[r.name] = other[r.name] || r.class != "meta"
	}
	files, size = map[string]int64{"recorded": 0, "not-opened": 0, "cut-short": 0, "not-referenced": 0}, map[string]int64{}
	err := filepath.WalkDir(filepath.Join(repo.Path, "localhost", "files"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		n, ok := fossology.ParseName(e.Name())
		if !ok {
			t.Errorf("%s has no Name", path)
		}
		class := "confirmed" // one file is in no row: the unpacker of upload 88 was killed before, and its gold makes it
		if is, listed := other[n]; listed && !is {
			class = "metadata"
		}
		files[class]++
		size[class] += n.Size
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, size
}

// checkPaths: every place that FOSSology recorded is one that the ledger knows.
func checkPaths(t *testing.T, s *site) {
	l := s.open(t)
	tops := map[string]fossology.Name{}
	n := 0
	for _, r := range oracle(t) {
		if strings.HasPrefix(r.class, "top-") {
			tops[r.upload] = r.name
		}
		if r.class == "meta" {
			continue
		}
		places, err := l.Which(r.name)
		if err != nil {
			t.Errorf("%s %s: %v", r.upload, r.path, err)
			continue
		}
		// The top has the name of one upload, of several that have the same gold.
		_, below, _ := strings.Cut(r.path, "/")
		if !slices.ContainsFunc(places, func(p goldindex.Place) bool {
			return p.Gold == tops[r.upload] && slices.ContainsFunc(p.Paths, func(path string) bool {
				_, rest, _ := strings.Cut(path, "/")
				return rest == below
			})
		}) {
			t.Errorf("%s %s: not among %+v", r.upload, r.path, places)
		}
		n++
	}
	if n < 1500 {
		t.Errorf("only %d places were compared", n)
	}
}

// checkAgain: a second update opens no file of the repository, and changes nothing.
func checkAgain(t *testing.T, s *site) {
	before := contentOf(t, s.ledger)
	r := s.update(t)
	if r.New != 0 || r.Read != 0 || r.UpToDate != 89 || len(s.opened) > 0 {
		t.Errorf("second update: %+v, opened %q", *r, s.opened)
	}
	same(t, before, contentOf(t, s.ledger))
}

// checkExtract takes contents of every class out of gold and compares them with what
// stands in files.
func checkExtract(t *testing.T, s *site) {
	l := s.open(t)
	o := goldindex.ExtractOptions{Repository: s.repo, TempDir: t.TempDir(), Prefix: prefix}
	n := 0
	done := map[string]int{}
	for _, r := range oracle(t) {
		if done[r.upload+r.class]++; done[r.upload+r.class] != 1 || r.class == "meta" {
			continue
		}
		var b bytes.Buffer
		if err := l.Extract(t.Context(), r.name, &b, o); err != nil {
			t.Errorf("%s %s: %v", r.upload, r.path, err)
			continue
		}
		path, err := s.repo.Find("files", r.name.String())
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%s %s: other bytes", r.upload, r.path)
		}
		n++
	}
	if n < 200 {
		t.Errorf("only %d contents were taken out", n)
	}
	if left, _ := os.ReadDir(o.TempDir); len(left) > 0 {
		t.Errorf("%d files are left in %s", len(left), o.TempDir)
	}
}
