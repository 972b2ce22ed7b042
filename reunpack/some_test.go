package reunpack_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/reunpack"
)

// A content that several golds of the installation make, one of a single gold.
const (
	severalGolds = "7773a2e15eb50d977a6f48225d23ad14d09e0fbf.bc4745dcf402c2ac0cc08892ba548665.634880"
	oneGold      = "f04989cf159a3682072eeada36c4dad083d6dcc4.546be8bc29eb4bf2fc38d6ec1150a6bb.37"
)

func parsed(t *testing.T, name string) fossology.Name {
	t.Helper()
	n, ok := fossology.ParseName(name)
	if !ok {
		t.Fatalf("%s is no Name", name)
	}
	return n
}

func (s *site) name(t *testing.T, n string, o reunpack.PlanOptions) *reunpack.Plan {
	t.Helper()
	p, err := reunpack.Some(t.Context(), s.source(), s.db, s.db.UsesOf(t.Context(), parsed(t, n)), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// TestUpload brings back the files of one upload, and no others.
func TestUpload(t *testing.T) {
	s := newSite(t)
	const upload = 4
	of := map[string]bool{}
	for u, err := range s.db.UsesIn(t.Context(), upload) {
		if err != nil {
			t.Fatal(err)
		}
		if !u.Meta {
			of[u.Name.String()] = true
		}
	}
	s.destroy(t)
	p, err := reunpack.Some(t.Context(), s.source(), s.db, s.db.UsesIn(t.Context(), upload), reunpack.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	r := s.run(t, p)
	if len(of) < 5 || int(r.Written.Files) != len(of) || r.Golds > 2 {
		t.Errorf("wrote %+v from %d golds, want %d files", r.Written, r.Golds, len(of))
	}
	for path, f := range treeOf(t, s.repo.Path) {
		name := filepath.Base(path)
		if _, is := fossology.ParseName(name); is && strings.HasPrefix(path, "/localhost/files/") && (!of[name] || f.bytes != s.before[path].bytes) {
			t.Errorf("%s is there, or has other bytes", path)
		}
	}
}

// TestName brings back one file, from the first of several golds that has it.
func TestName(t *testing.T) {
	s := newSite(t)
	s.destroy(t)
	golds, err := s.ledger.Golds(parsed(t, severalGolds))
	if err != nil || len(golds) < 2 {
		t.Fatalf("%d golds make it: %v", len(golds), err)
	}
	r := s.run(t, s.name(t, severalGolds, reunpack.PlanOptions{}))
	if r.Written.Files != 1 || r.Golds != 1 {
		t.Errorf("%+v", *r)
	}
	s.isBack(t, severalGolds)
	if p := s.name(t, severalGolds, reunpack.PlanOptions{Read: true}); p.Missing.Files != 0 {
		t.Errorf("missing again: %+v", *p)
	}
}

func (s *site) isBack(t *testing.T, name string) {
	t.Helper()
	path := s.path(t, name)
	b, err := os.ReadFile(path)
	if err != nil || string(b) != s.before[strings.TrimPrefix(path, s.repo.Path)].bytes {
		t.Errorf("%s is not back as it was: %v", name, err)
	}
}

// TestOtherBytes: what stands under a Name is never replaced. It is told of when the
// plan sees it, and when it comes between plan and run.
func TestOtherBytes(t *testing.T) {
	s := newSite(t)
	for name, bytes := range map[string]string{"another size": "other", "the same size": strings.Repeat("x", 37)} {
		t.Run(name, func(t *testing.T) {
			path := s.path(t, oneGold)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			p := s.name(t, oneGold, reunpack.PlanOptions{})
			if p.Rebuilt.Files != 1 {
				t.Fatalf("plan: %+v", *p)
			}
			if err := os.WriteFile(path, []byte(bytes), 0o660); err != nil {
				t.Fatal(err)
			}
			for what, p := range map[string]*reunpack.Plan{"meanwhile": p, "before": s.name(t, oneGold, reunpack.PlanOptions{Read: true})} {
				r := s.run(t, p)
				if r.Written.Files != 0 || r.There.Files != 0 || r.Lost.Reasons[reunpack.WrongBytes].Files != 1 || !strings.Contains(r.Lost.List[0].Detail, path) {
					t.Errorf("%s: %+v", what, *r)
				}
				if b, err := os.ReadFile(path); err != nil || string(b) != bytes {
					t.Errorf("%s: it has changed: %q, %v", what, b, err)
				}
			}
		})
	}
}

// TestMeanwhile: what somebody else brings between plan and run is no finding.
func TestMeanwhile(t *testing.T) {
	s := newSite(t)
	path := s.path(t, oneGold)
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	p := s.name(t, oneGold, reunpack.PlanOptions{})
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	if r := s.run(t, p); r.There.Files != 1 || r.Written.Files != 0 || r.Lost.Files() != 0 {
		t.Errorf("%+v", *r)
	}
}

// TestOpen: a file that is read and is not there says from which gold it can come.
func TestOpen(t *testing.T) {
	s := newSite(t)
	n := parsed(t, oneGold)
	f, err := s.repo.Open(n, s.ledger)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	gold, err := s.repo.Find("gold", oneGold)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		remove string
		from   fossology.Rebuilder
		want   string
	}{
		{s.path(t, oneGold), s.ledger, "the repository does not hold it; gold " + oneGold + " rebuilds it"},
		{gold, s.ledger, "nor gold " + oneGold + " that would rebuild it"},
		{"", none{}, "and no gold is known that rebuilds it"},
		{"", nil, "the repository does not hold it"},
	} {
		if step.remove != "" {
			if err := os.Remove(step.remove); err != nil {
				t.Fatal(err)
			}
		}
		_, err := s.repo.Open(n, step.from)
		if err == nil || !os.IsNotExist(err) && !strings.Contains(err.Error(), "open ") || !strings.Contains(err.Error(), step.want) {
			t.Errorf("error %v, want %q", err, step.want)
		}
	}
}

type none struct{}

func (none) Golds(fossology.Name) ([]fossology.Name, error) { return nil, nil }

// TestGoldGone: a gold that is damaged or gone costs only itself. Another one that
// makes the file is asked, whether the plan knew or not.
func TestGoldGone(t *testing.T) {
	s := newSite(t)
	s.destroy(t)
	known := s.name(t, severalGolds, reunpack.PlanOptions{})
	if len(known.Golds) != 1 {
		t.Fatalf("plan: %+v", *known)
	}
	gold, err := s.repo.Find("gold", known.Golds[0].Name)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("damaged after the plan", func(t *testing.T) {
		damage(t, gold)
		if r := s.run(t, known); r.Written.Files != 1 || r.Golds != 2 || r.Lost.Files() != 0 {
			t.Errorf("%+v", *r)
		}
		s.isBack(t, severalGolds)
	})
	t.Run("gone before the plan", func(t *testing.T) {
		s.destroy(t)
		if err := os.Remove(gold); err != nil {
			t.Fatal(err)
		}
		if r := s.run(t, s.name(t, severalGolds, reunpack.PlanOptions{})); r.Written.Files != 1 || r.Golds != 1 {
			t.Errorf("%+v", *r)
		}
		s.isBack(t, severalGolds)
	})
	t.Run("no other, damaged", func(t *testing.T) {
		p := s.name(t, oneGold, reunpack.PlanOptions{})
		path, err := s.repo.Find("gold", oneGold)
		if err != nil {
			t.Fatal(err)
		}
		damage(t, path)
		r := s.run(t, p)
		if r.Written.Files != 0 || r.Lost.Reasons[goldindex.GoldDamaged].Files != 1 {
			t.Errorf("%+v", *r)
		}
		if _, err := os.Stat(s.path(t, oneGold)); err == nil {
			t.Error("it was written")
		}
	})
}

// TestOneGoldDamaged damages one gold of a plan for all: what another gold makes comes
// back, be it in the plan or not; the rest is lost for this reason.
func TestOneGoldDamaged(t *testing.T) {
	s := newSite(t)
	const upload = "libyaml-dsc.tar.gz"
	s.destroy(t)
	p := s.all(t)
	i := slices.IndexFunc(p.Golds, func(g reunpack.Gold) bool { return g.Upload == upload })
	if i < 0 {
		t.Fatalf("%s is not in the plan", upload)
	}
	bad := p.Golds[i]
	path, err := s.repo.Find("gold", bad.Name)
	if err != nil {
		t.Fatal(err)
	}
	damage(t, path)
	only := map[string]bool{} // contents that no other gold makes
	for file := range s.before {
		n, ok := fossology.ParseName(filepath.Base(file))
		if !ok || !strings.HasPrefix(file, "/localhost/files/") {
			continue
		}
		golds, err := s.ledger.Golds(n)
		if err != nil {
			t.Fatal(err)
		}
		if len(golds) == 1 && golds[0].String() == bad.Name {
			only[n.String()] = true
		}
	}
	r := s.run(t, p)
	if len(only) == 0 || len(only) == int(bad.Files) || int(r.Lost.Reasons[goldindex.GoldDamaged].Files) != len(only) {
		t.Errorf("lost %+v, want %d of the %d files of the gold", r.Lost.Reasons, len(only), bad.Files)
	}
	for _, l := range r.Lost.List {
		if l.Reason == goldindex.GoldDamaged && !only[l.Name] {
			t.Errorf("%s is lost, and another gold makes it: %s", l.Name, l.Detail)
		}
	}
	if n := s.intact(t); n != 809-len(only) {
		t.Errorf("%d files are back, want %d", n, 809-len(only))
	}
}

// damage writes zeros over a file and keeps its size.
func damage(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err == nil {
		err = os.WriteFile(path, make([]byte, info.Size()), 0o660)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestHardLinks: the bytes of a hard link come by at one of its names only: not at the first
// sixteen, or at one that a later member has taken.
func TestHardLinks(t *testing.T) {
	h := newHoard(t, t.TempDir())
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	member := func(name string, content []byte, link string) {
		t.Helper()
		head := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Linkname: link, Typeflag: tar.TypeReg}
		if link != "" {
			head.Typeflag = tar.TypeLink
		}
		err := w.WriteHeader(head)
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	many, former, later := random(1, 5000), random(2, 100_000), random(3, 100)
	member("zz", many, "")
	for i := range 30 {
		member(fmt.Sprintf("link-%02d", i), nil, "zz")
	}
	member("a", former, "")
	member("b", nil, "a")
	member("a", later, "")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	h.upload(t, b, many, former, later)
	h.index(t)
	for _, content := range [][]byte{many, former, later} {
		var got bytes.Buffer
		err := h.open(t).Extract(t.Context(), nameOf(content), &got, goldindex.ExtractOptions{Repository: h.repo, TempDir: t.TempDir()})
		if err != nil || !bytes.Equal(got.Bytes(), content) {
			t.Errorf("taken out: %d bytes, %v", got.Len(), err)
		}
	}
	r, err := h.some(t).Run(t.Context(), reunpack.RunOptions{TempDir: t.TempDir()})
	if err != nil || r.Written.Files != 3 || r.Lost.Files() != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
