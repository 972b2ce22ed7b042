package reunpack_test

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/repotest"
)

// TestAllMissing loses every derived file of a real installation: all that is
// confirmed comes back, byte for byte; the rest is told of; nothing else changes.
func TestAllMissing(t *testing.T) {
	s := newSite(t)
	classes := s.classes(t)
	referred := map[fossology.Name]bool{}
	for n, err := range s.db.PfileNames(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		referred[n] = true
	}
	rows := dump(t, s)
	s.destroy(t)
	p := s.all(t)
	t.Logf("plan: %d golds, missing %+v, rebuilt %+v, cannot %+v", len(p.Golds), p.Missing, p.Rebuilt, p.Cannot.Reasons)
	r := s.run(t, p)
	t.Logf("report: %+v", *r)

	after := treeOf(t, s.repo.Path)
	want, lost := 0, 0
	for name, f := range classes {
		rel := strings.TrimPrefix(f.Path, s.repo.Path)
		got, back := after[rel]
		switch {
		case !referred[f.Name]:
			if back {
				t.Errorf("%s came back, and no row refers to it", name)
			}
		case f.Class == goldindex.Confirmed:
			want++
			if !back || got.bytes != s.before[rel].bytes {
				t.Errorf("%s is not back as it was", name)
			}
		default:
			lost++
			if back {
				t.Errorf("%s is %s, and came back", name, f.Class)
			}
		}
	}
	if want < 500 || int64(want) != r.Written.Files || int64(want) != p.Rebuilt.Files || r.Written != p.Rebuilt || int(r.Golds) != len(p.Golds) {
		t.Errorf("wrote %+v, planned %+v, want %d files", r.Written, p.Rebuilt, want)
	}
	if n := r.Lost.Reasons[goldindex.Metadata].Files; lost == 0 || n != int64(lost) || r.Lost.Files() != n || len(r.Lost.List) != lost {
		t.Errorf("lost: %+v, want %d of metadata", r.Lost.Reasons, lost)
	}
	s.unchanged(t, after)
	if got := dump(t, s); got != rows {
		t.Errorf("the database has changed: %s, was %s", got, rows)
	}

	again := s.all(t)
	if again.Rebuilt.Files != 0 || len(again.Golds) != 0 || again.Missing.Files != int64(lost) {
		t.Errorf("second plan: %+v", *again)
	}
	if r := s.run(t, again); r.Written.Files != 0 || r.Golds != 0 {
		t.Errorf("second run: %+v", *r)
	}
}

// unchanged compares a tree with the one that was: what is there is the same, but for
// times; there is nothing new; nothing but files has lost anything. Modes and
// groups are those that occur among what was.
func (s *site) unchanged(t *testing.T, after map[string]file) {
	t.Helper()
	type look struct{ mode, uid, gid uint32 }
	occurs := map[look]bool{}
	for path, f := range s.before {
		if strings.HasPrefix(path, "/localhost/") {
			occurs[look{f.mode, f.uid, f.gid}] = true
		}
	}
	for path, f := range after {
		was, known := s.before[path]
		if !known {
			t.Errorf("%s is new", path)
		}
		if f.bytes != was.bytes {
			t.Errorf("%s has other bytes", path)
		}
		if !strings.HasPrefix(path, "/localhost/files") && f != was {
			t.Errorf("%s has changed: %o %d, was %o %d", path, f.mode, f.gid, was.mode, was.gid)
		}
		if strings.HasPrefix(path, "/localhost/files") && !occurs[look{f.mode, f.uid, f.gid}] {
			t.Errorf("%s has mode %o, owner %d and group %d, like nothing that was", path, f.mode, f.uid, f.gid)
		}
	}
	for path := range s.before {
		if _, there := after[path]; !there && !strings.HasPrefix(path, "/localhost/files") {
			t.Errorf("%s is gone", path)
		}
	}
	if f, was := after["/localhost/files"], s.before["/localhost/files"]; f.mode&unix.S_ISGID != was.mode&unix.S_ISGID {
		t.Errorf("files has mode %o, had %o", f.mode, was.mode)
	}
}

// dump sums up every table of the database.
func dump(t *testing.T, s *site) string {
	t.Helper()
	name := ""
	for _, word := range strings.Fields(s.dsn) {
		if n, ok := strings.CutPrefix(word, "dbname="); ok {
			name = n
		}
	}
	sums := repotest.Postgres(t).SQL(t, name, `SELECT string_agg(format('SELECT %L, count(*), md5(coalesce(string_agg(t::text, %L ORDER BY t::text), %L)) FROM %I t', tablename, '|', '', tablename), ' UNION ALL ' ORDER BY tablename)
		FROM pg_tables WHERE schemaname = 'public'`)
	all := repotest.Postgres(t).SQL(t, name, "SELECT * FROM ("+strings.TrimSpace(sums)+") s ORDER BY 1")
	if !strings.Contains(all, "uploadtree") || !strings.Contains(all, "pfile") {
		t.Fatalf("not the sums of a database: %q", filepath.Base(all))
	}
	return all
}
