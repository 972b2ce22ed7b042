package reunpack_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/repotest"
	"repotool/reunpack"
)

func TestMain(m *testing.M) { repotest.Main(m) }

// prefix is where FOSSology unpacked: it counts for its rule of repeated names.
const prefix = "/srv/fossology/repository/fossology/ununpack/449007l"

// site is a real installation whose ledger is up to date.
type site struct {
	repo   fossology.Repository
	dsn    string
	dir    string // of the ledger
	db     *fossology.View
	ledger *goldindex.Ledger
	before map[string]file
}

// file is what is compared of a file.
type file struct {
	bytes string
	mode  uint32
	uid   uint32
	gid   uint32
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := siteAt(t, repotest.Repository(t), repotest.Fossology(t), filepath.Join(t.TempDir(), "ledger"))
	s.before = treeOf(t, s.repo.Path)
	if len(index) > 0 {
		if err := os.CopyFS(s.dir, index); err != nil {
			t.Fatal(err)
		}
		return s.reopen(t)
	}
	if _, err := s.ledger.Update(t.Context(), goldindex.UpdateOptions{Repository: s.repo, Database: s.db, TempDir: t.TempDir(), Prefix: prefix}); err != nil {
		t.Fatal(err)
	}
	keepIndex(t, s.dir)
	return s
}

// index is the ledger of the installation, made once: it speaks of contents, not of
// places.
var index = fstest.MapFS{}

func keepIndex(t *testing.T, dir string) {
	t.Helper()
	for path, content := range treeOf(t, dir) {
		if content.mode&unix.S_IFMT == unix.S_IFREG {
			index[strings.TrimPrefix(path, "/")] = &fstest.MapFile{Data: []byte(content.bytes), Mode: 0o644}
		}
	}
}

// siteAt opens an installation that is there.
func siteAt(t *testing.T, repository, dsn, ledger string) *site {
	t.Helper()
	s := &site{repo: fossology.Repository{Path: repository, Depth: 3,
		Routes: []fossology.Route{{Host: "localhost", Type: "*", Start: "00", End: "ff"}}}, dsn: dsn, dir: ledger}
	db, err := fossology.Connect(t.Context(), fossology.DSN(s.dsn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(context.Background()) })
	if s.db, err = db.View(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.db.Close() })
	return s.reopen(t)
}

// reopen opens the ledger as it is now.
func (s *site) reopen(t *testing.T) *site {
	t.Helper()
	unpacker, err := goldindex.Present(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.ledger, err = goldindex.Open(s.dir, unpacker); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.ledger.Close() })
	return s
}

// files is the directory of the derived files.
func (s *site) files() string { return filepath.Join(s.repo.Path, "localhost", "files") }

// path is where a file of files is.
func (s *site) path(t testing.TB, n string) string {
	t.Helper()
	path, err := s.repo.Find("files", n)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (s *site) source() reunpack.Source { return reunpack.Source{Repository: s.repo, Ledger: s.ledger} }

// destroy removes all derived files, or those that are chosen.
func (s *site) destroy(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(s.files()); err != nil {
		t.Fatal(err)
	}
}

func (s *site) all(t *testing.T) *reunpack.Plan {
	t.Helper()
	p, err := reunpack.All(t.Context(), s.source(), s.db, reunpack.PlanOptions{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func (s *site) run(t *testing.T, p *reunpack.Plan) *reunpack.Report {
	t.Helper()
	dir := t.TempDir()
	r, err := p.Run(t.Context(), reunpack.RunOptions{TempDir: dir, Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%d files are left in the temporary directory", len(left))
	}
	return r
}

// treeOf is everything below a directory: a directory is a file without bytes.
func treeOf(t testing.TB, dir string) map[string]file {
	t.Helper()
	all := map[string]file{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		f := file{mode: st.Mode, uid: st.Uid, gid: st.Gid}
		if e.Type().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			f.bytes = string(b)
		}
		all[strings.TrimPrefix(path, dir)] = f
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// classes are what the ledger says of every file of files.
func (s *site) classes(t *testing.T) map[string]goldindex.File {
	t.Helper()
	all := map[string]goldindex.File{}
	for f, err := range s.ledger.Files(t.Context(), s.repo, s.db, func(err error) { t.Error(err) }) {
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name.String()] = f
	}
	return all
}

func contextWithCause(t *testing.T) (context.Context, context.CancelCauseFunc) {
	return context.WithCancelCause(t.Context())
}
