package verify_test

import (
	"context"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/snapshot"
	"repotool/verify"
)

// refs is what a database says.
type refs struct{ pfiles, golds []fossology.Name }

func (r refs) PfileNames(context.Context) iter.Seq2[fossology.Name, error] { return seq(r.pfiles) }
func (r refs) GoldNames(context.Context) iter.Seq2[fossology.Name, error]  { return seq(r.golds) }

func seq(names []fossology.Name) iter.Seq2[fossology.Name, error] {
	return func(yield func(fossology.Name, error) bool) {
		for _, n := range names {
			if !yield(n, nil) {
				return
			}
		}
	}
}

// fixtureNames are the names in files/ of a repository, and the path of one.
func fixtureNames(t testing.TB, repository string) (names []fossology.Name, first string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(repository, "localhost", "files"), func(path string, d fs.DirEntry, err error) error {
		if n, ok := fossology.ParseName(filepath.Base(path)); ok && err == nil && !d.IsDir() {
			names = append(names, n)
			if first == "" && n.Size > 100 {
				first = path
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names, first
}

func sourceOptions(repository string, r snapshot.References) verify.SourceOptions {
	return verify.SourceOptions{References: r, MD5: true, Repository: fossology.Repository{Path: repository, Depth: 3,
		Routes: []fossology.Route{{Host: "localhost", Type: "*", Start: "00", End: "ff"}}}}
}

func source(t testing.TB, o verify.SourceOptions) *verify.Report {
	t.Helper()
	r, err := verify.Source(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The source check reads every file, and compares with the database.
func TestSource(t *testing.T) {
	repository := repotest.Repository(t)
	names, first := fixtureNames(t, repository)
	o := sourceOptions(repository, refs{names, nil})
	if r := source(t, o); !r.Good() || r.Files < 900 || r.Unnamed == 0 || !r.Compared || r.Scope != verify.ScopeSource {
		t.Fatalf("good: %+v", r)
	}
	flip(t, first)
	os.Remove(filepath.Join(repository, "localhost", "files", fossology.FanOut(names[len(names)-1].String(), 3), names[len(names)-1].String()))
	o.References = refs{append(names[:3:3], names[4:]...), names[:1]}
	r := source(t, o)
	for _, k := range []verify.Kind{verify.FileDamaged, verify.FileMissing, verify.GoldMissing, verify.NoRow} {
		if r.Counts[k] != 1 {
			t.Errorf("%s: %d findings, want 1: %+v", k, r.Counts[k], r.Findings)
		}
	}
}

// Only MD5 sees that the second part of a name is wrong.
func TestSourceMD5(t *testing.T) {
	repository := repotest.Repository(t)
	_, first := fixtureNames(t, repository)
	name, _ := fossology.ParseName(filepath.Base(first))
	name.MD5[0] ^= 1
	if err := os.Rename(first, filepath.Join(filepath.Dir(first), name.String())); err != nil {
		t.Fatal(err)
	}
	for _, md5 := range []bool{false, true} {
		o := sourceOptions(repository, nil)
		o.MD5 = md5
		if r := source(t, o); r.Good() == md5 || r.Compared {
			t.Errorf("MD5 %v: %+v", md5, r)
		}
	}
}

// A file without a row is found on every host; one that stands in the wrong
// place, out of order, does not confuse the comparison; one that has just
// arrived is left alone.
func TestSourceRows(t *testing.T) {
	repository := repotest.Repository(t)
	names, _ := fixtureNames(t, repository)
	// The first half goes to another host.
	half := len(names) / 2
	for _, n := range names[:half] {
		rel := filepath.Join("files", fossology.FanOut(n.String(), 3), n.String())
		to := filepath.Join(repository, "another", rel)
		os.MkdirAll(filepath.Dir(to), 0o755)
		if err := os.Rename(filepath.Join(repository, "localhost", rel), to); err != nil {
			t.Fatal(err)
		}
	}
	rows := append([]fossology.Name{}, names[1:half]...) // the first and the last of the hosts lack theirs
	rows = append(rows, names[half:len(names)-1]...)
	o := sourceOptions(repository, refs{rows, nil})
	o.Repository.Routes = append([]fossology.Route{{Host: "another", Type: "*", Start: "00", End: "ff"}}, o.Repository.Routes...)
	want := []string{"another", "localhost"}
	lacking := func() (hosts []string) {
		r := source(t, o)
		for _, f := range r.Findings {
			host, _, _ := strings.Cut(f.What, "/")
			if strings.Contains(f.Detail, "not where FOSSology looks") {
				host += ", misplaced"
			}
			hosts = append(hosts, host)
		}
		if r.Counts[verify.NoRow] != r.Wrong() {
			t.Errorf("other findings: %+v", r.Findings)
		}
		return hosts
	}
	if d := cmp.Diff(want, lacking()); d != "" {
		t.Errorf("two hosts: %s", d)
	}

	last := names[len(names)-2].String() // beyond all others, in a directory before them
	from := filepath.Join(repository, "localhost", "files", fossology.FanOut(last, 3), last)
	wrong := filepath.Join(repository, "localhost", "files", "00")
	os.MkdirAll(wrong, 0o755)
	if err := os.Link(from, filepath.Join(wrong, last)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"another", "localhost, misplaced", "localhost"}, lacking()); d != "" {
		t.Errorf("one in the wrong place: %s", d)
	}

	o.Since = time.Now().Add(-time.Hour)
	if hosts := lacking(); len(hosts) != 0 {
		t.Errorf("all are new, and yet: %v", hosts)
	}
}

// A row that holds no checksums is a finding, and the rest is compared all the
// same.
func TestSourceBadRow(t *testing.T) {
	repository, dsn, pg := repotest.Repository(t), repotest.Fossology(t), repotest.Postgres(t)
	_, rest, _ := strings.Cut(dsn, "dbname=")
	database, _, _ := strings.Cut(rest, " ")
	pg.SQL(t, database, "UPDATE pfile SET pfile_sha1 = 'none' WHERE pfile_pk = (SELECT min(pfile_fk) FROM upload WHERE expire_action IS DISTINCT FROM 'd')")
	names, _ := fixtureNames(t, repository)
	last := names[len(names)-1].String()
	os.Remove(filepath.Join(repository, "localhost", "files", fossology.FanOut(last, 3), last))
	db, err := fossology.Connect(t.Context(), fossology.DSN(dsn))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.WithoutCancel(t.Context()))
	view, err := db.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	r := source(t, sourceOptions(repository, view))
	want := map[verify.Kind]int64{verify.BadRow: 1, verify.NoRow: 1, verify.FileMissing: 1}
	if d := cmp.Diff(want, r.Counts); d != "" {
		t.Errorf("%s: %+v", d, r.Findings)
	}
}
