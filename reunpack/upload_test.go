package reunpack_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/reunpack"
)

// uploads are those that the database has, by their number.
func (s *site) uploads(t *testing.T) map[int64]fossology.Upload {
	t.Helper()
	all := map[int64]fossology.Upload{}
	for u, err := range s.db.Uploads(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all[u.PK] = u
	}
	return all
}

// upload plans one upload; change may change where it looks.
func (s *site) upload(t *testing.T, u fossology.Upload, change func(*reunpack.UploadSource)) (*reunpack.UploadPlan, error) {
	t.Helper()
	source := reunpack.UploadSource{Repository: s.repo, Upload: u, Uses: s.db.UsesIn(t.Context(), u.PK)}
	if change != nil {
		change(&source)
	}
	p, err := reunpack.Upload(t.Context(), source)
	if err == nil {
		t.Cleanup(func() { p.Close() })
	}
	return p, err
}

// TestUploads loses every derived file and brings back one upload after another, without
// a ledger: what the ledger calls confirmed is back, and nothing else but that.
func TestUploads(t *testing.T) {
	s := newSite(t)
	classes := s.classes(t)
	used := map[fossology.Name]bool{}
	for use, err := range s.db.Uses(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		used[use.Name] = true
	}
	rows := dump(t, s)
	s.destroy(t)
	stirred := 0
	lost := reunpack.Losses{}
	for _, u := range s.uploads(t) {
		p, err := s.upload(t, u, func(o *reunpack.UploadSource) { o.Stir = func() { stirred++ } })
		if !u.Living() {
			if err == nil || !strings.Contains(err.Error(), "deleted, or never arrived") {
				t.Errorf("upload %d: %v", u.PK, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		r := s.run(t, p.Plan)
		if n := p.Missing.Files; n != r.Written.Files+r.Lost.Files() || p.Rebuilt.Files+p.Cannot.Files() != n {
			t.Errorf("upload %d: missing %+v, rebuilt %+v, written %+v, lost %+v", u.PK, p.Missing, p.Rebuilt, r.Written, r.Lost)
		}
		lost.List = append(lost.List, r.Lost.List...)
	}
	if stirred < 1000 {
		t.Errorf("stirred %d times", stirred)
	}
	after := treeOf(t, s.repo.Path)
	want := 0
	for name, f := range classes {
		rel := strings.TrimPrefix(f.Path, s.repo.Path)
		got, back := after[rel]
		if f.Class != goldindex.Confirmed || !used[f.Name] {
			if back && got.bytes != s.before[rel].bytes {
				t.Errorf("%s is back with other bytes", name)
			}
			continue
		}
		want++
		if !back || got.bytes != s.before[rel].bytes {
			t.Errorf("%s is not back as it was", name)
		}
	}
	if want < 800 {
		t.Errorf("only %d files were compared", want)
	}
	for _, l := range lost.List {
		if f := classes[l.Name]; f.Class == goldindex.Confirmed && l.Reason != goldindex.Metadata {
			t.Errorf("%s is lost (%s), and the ledger says that gold makes it", l.Name, l.Reason)
		}
	}
	if dump(t, s) != rows {
		t.Error("the database has changed")
	}
}

// TestUploadHosts: only the files of some hosts are written; the others are counted, and
// nobody looks for them.
func TestUploadHosts(t *testing.T) {
	s := newSite(t)
	u := s.uploads(t)[7]
	s.destroy(t)
	s.repo.Routes = []fossology.Route{
		{Host: "localhost", Type: "gold", Start: "00", End: "ff"},
		{Host: "localhost", Type: "files", Start: "00", End: "7f"},
		{Host: "other", Type: "files", Start: "80", End: "ff"},
	}
	p, err := s.upload(t, u, func(o *reunpack.UploadSource) { o.Host = func(host string) bool { return host == "localhost" } })
	if err != nil {
		t.Fatal(err)
	}
	r := s.run(t, p.Plan)
	if p.Elsewhere.Files < 20 || r.Written.Files < 20 || r.Written.Files != p.Missing.Files {
		t.Errorf("elsewhere %+v, missing %+v, %+v", p.Elsewhere, p.Missing, *r)
	}
	if _, err := os.Stat(filepath.Join(s.repo.Path, "other")); err == nil {
		t.Error("the other host has a directory")
	}
	// Without a choice all hosts are written, if their directories are there.
	if err := os.Mkdir(filepath.Join(s.repo.Path, "other"), 0o2770); err != nil {
		t.Fatal(err)
	}
	all, err := s.upload(t, u, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := s.run(t, all.Plan); r.Written.Files != p.Elsewhere.Files || all.Elsewhere.Files != 0 {
		t.Errorf("then %+v, elsewhere %+v", *r, all.Elsewhere)
	}
}

// TestUploadGold: FOSSology may have removed the gold; then the file in files will do. If
// neither is there, or what is there is damaged, what cannot be brought back is said.
func TestUploadGold(t *testing.T) {
	s := newSite(t)
	u := s.uploads(t)[7]
	gold, err := s.repo.Find("gold", u.Name.String())
	if err != nil {
		t.Fatal(err)
	}
	others := func() { // all but the upload's own file
		for n := range namesOf(t, s, u.PK) {
			if n != u.Name {
				os.Remove(s.path(t, n.String()))
			}
		}
	}
	run := func() *reunpack.Report {
		p, err := s.upload(t, u, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s.run(t, p.Plan)
	}
	others()
	if err := os.Rename(gold, gold+".away"); err != nil {
		t.Fatal(err)
	}
	if r := run(); r.Written.Files < 50 || r.Lost.Files() > 0 {
		t.Errorf("from files: %+v", *r)
	}
	others()
	if err := os.Remove(s.path(t, u.Name.String())); err != nil {
		t.Fatal(err)
	}
	if r := run(); r.Written.Files > 0 || r.Lost.Reasons[goldindex.GoldMissing].Files < 50 {
		t.Errorf("from nothing: %+v", r.Lost.Reasons)
	}
	b, err := os.ReadFile(gold + ".away")
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(gold, b, 0o660); err != nil {
		t.Fatal(err)
	}
	r := run()
	if r.Lost.Reasons[goldindex.GoldDamaged].Files == 0 || r.Lost.Files() != r.Lost.Reasons[goldindex.GoldDamaged].Files {
		t.Errorf("from a damaged one: %+v", r.Lost.Reasons)
	}
	for path, f := range treeOf(t, s.files()) {
		if before := s.before["/localhost/files"+path]; f.bytes != before.bytes {
			t.Errorf("%s has other bytes", path)
		}
	}
}

// TestUploadInterrupted: the end of the context ends a plan and a run.
func TestUploadInterrupted(t *testing.T) {
	s := newSite(t)
	u := s.uploads(t)[7]
	s.destroy(t)
	p, err := s.upload(t, u, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextWithCause(t)
	signal := errors.New("a signal")
	cancel(signal)
	if _, err := p.Run(ctx, reunpack.RunOptions{}); !errors.Is(err, signal) && !errors.Is(err, context.Canceled) {
		t.Errorf("run: %v", err)
	}
	if _, err := reunpack.Upload(ctx, reunpack.UploadSource{Repository: s.repo, Upload: u, Uses: s.db.UsesIn(t.Context(), u.PK)}); err == nil {
		t.Error("the plan was made all the same")
	}
}

// namesOf are the contents of an upload.
func namesOf(t *testing.T, s *site, upload int64) map[fossology.Name]bool {
	t.Helper()
	all := map[fossology.Name]bool{}
	for use, err := range s.db.UsesIn(t.Context(), upload) {
		if err != nil {
			t.Fatal(err)
		}
		all[use.Name] = true
	}
	return all
}
