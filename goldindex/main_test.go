package goldindex_test

import (
	"bufio"
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/repotest"
)

func TestMain(m *testing.M) { repotest.Main(m) }

// prefix is where FOSSology unpacked: it counts for its rule of repeated names.
const prefix = "/srv/fossology/repository/fossology/ununpack/449007l"

// site is a real installation with a ledger.
type site struct {
	repo     fossology.Repository
	db       *fossology.View
	ledger   string
	unpacker goldindex.Unpacker

	mu     sync.Mutex
	opened []string // files of the repository that the last update opened
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{repo: fossology.Repository{Path: repotest.Repository(t), Depth: 3,
		Routes: []fossology.Route{{Host: "localhost", Type: "*", Start: "00", End: "ff"}}},
		ledger: filepath.Join(repotest.Store(t).Path("ledger"), "fossology")}
	s.view(t, fossology.DSN(repotest.Fossology(t)))
	var err error
	if s.unpacker, err = goldindex.Present(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) view(t testing.TB, dsn fossology.DSN) {
	t.Helper()
	db, err := fossology.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(context.Background()) })
	if s.db, err = db.View(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.db.Close() })
}

func (s *site) open(t testing.TB) *goldindex.Ledger {
	t.Helper()
	l, err := goldindex.Open(s.ledger, s.unpacker)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func (s *site) options(t testing.TB) goldindex.UpdateOptions {
	s.opened = nil
	return goldindex.UpdateOptions{Repository: s.repo, Database: s.db, TempDir: t.TempDir(), Prefix: prefix,
		Opened: func(path string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.opened = append(s.opened, path)
		}}
}

// update opens the ledger anew and brings it up to date.
func (s *site) update(t testing.TB) *goldindex.Report {
	t.Helper()
	l := s.open(t)
	defer l.Close()
	r, err := l.Update(t.Context(), s.options(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// made is the ledger of the installation, made once: it speaks of contents, not of places.
// TestLedgerDamaged compares it with one that is made anew.
var made fstest.MapFS

// fill brings the ledger of a site that is as it was up to date.
func (s *site) fill(t testing.TB) {
	t.Helper()
	if made != nil {
		if err := os.CopyFS(s.ledger, made); err != nil {
			t.Fatal(err)
		}
		return
	}
	s.update(t)
	made = fstest.MapFS{}
	for path, content := range contentOf(t, s.ledger) {
		made[strings.TrimPrefix(path, "/")] = &fstest.MapFile{Data: []byte(content), Mode: 0o644}
	}
}

// unread makes the ledger forget which files of the repository it has read.
func (s *site) unread(t testing.TB) {
	t.Helper()
	for _, path := range ledgerFiles(t, s, "segments/read-*") {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *site) status(t testing.TB) *goldindex.Status {
	t.Helper()
	l := s.open(t)
	defer l.Close()
	st, err := l.Status(t.Context(), s.repo, s.db)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// gold is the path of an upload's gold.
func (s *site) gold(t testing.TB, upload string) (fossology.Name, string) {
	t.Helper()
	for _, r := range oracle(t) {
		if r.upload == upload {
			path, err := s.repo.Find("gold", r.name.String())
			if err != nil {
				t.Fatal(err)
			}
			return r.name, path
		}
	}
	t.Fatalf("no upload %s in the list", upload)
	panic("unreachable")
}

// row is a row of testdata/small/expected.tsv that has a content.
type row struct {
	upload, class, path string
	name                fossology.Name
}

// oracle reads the list of what FOSSology stored.
func oracle(t testing.TB) (all []row) {
	t.Helper()
	f, err := os.Open(filepath.Join(repotest.Root(t), "testdata", "small", "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		c := strings.Split(lines.Text(), "\t")
		if name, ok := fossology.ParseName(c[len(c)-1]); ok {
			all = append(all, row{c[0], c[2], c[3], name})
		}
	}
	return all
}

// contentOf is the content of all files of a directory.
func contentOf(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, dir)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// answers are what a ledger says of every content of the installation: for each
// confirmed Name its BLAKE3, for each its golds and paths. Times are no part of it.
func (s *site) answers(t testing.TB) map[string]string {
	t.Helper()
	l := s.open(t)
	defer l.Close()
	says := map[string]string{}
	for f, err := range l.Files(t.Context(), s.repo, s.db, func(err error) { t.Error(err) }) {
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		b.WriteString(string(f.Class) + " " + string(f.Reason) + " " + string(f.BLAKE3[:]))
		if f.Class == goldindex.Confirmed {
			places, err := l.Which(f.Name)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range places {
				b.WriteString("\n" + p.Gold.String() + " " + strings.Join(p.Paths, "\n"))
			}
		}
		says[f.Name.String()] = b.String()
	}
	return says
}

func same(t testing.TB, want, got map[string]string) {
	t.Helper()
	if !maps.Equal(want, got) {
		n := 0
		for k := range want {
			if want[k] != got[k] && n < 5 {
				t.Errorf("%s: %q, want %q", k, got[k], want[k])
				n++
			}
		}
		t.Errorf("%d answers, want %d", len(got), len(want))
	}
}
