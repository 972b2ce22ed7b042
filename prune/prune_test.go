package prune_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/prune"
	"repotool/repotest"
	"repotool/reunpack"
)

// A site is the real installation with a ledger.
type site struct {
	t      *testing.T
	repo   fossology.Repository
	dsn    string
	db     *fossology.Database
	ledger *goldindex.Ledger
	// ledgerDir is where it lies, dir where journals do.
	ledgerDir, dir string
	before         map[string]string
}

// prefix is where FOSSology unpacked.
const prefix = "/srv/fossology/repository/vm/ununpack/0l"

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dsn: repotest.Fossology(t), dir: filepath.Join(t.TempDir(), "prune"), repo: fossology.Repository{Path: repotest.Repository(t), Depth: 3,
		Routes: []fossology.Route{{Host: "localhost", Type: "*", Start: "00", End: "ff"}}}}
	var err error
	if s.db, err = fossology.Connect(t.Context(), s.dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.db.Close(context.Background()) })
	s.sql(`UPDATE jobqueue SET jq_endtime = now(), jq_end_bits = 1 WHERE jq_endtime IS NULL`)
	unpacker, err := goldindex.Present(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.ledgerDir = filepath.Join(t.TempDir(), "ledger")
	if s.ledger, err = goldindex.Open(s.ledgerDir, unpacker); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.ledger.Close() })
	if _, err := s.ledger.Update(t.Context(), goldindex.UpdateOptions{Repository: s.repo, Database: s.view(), TempDir: t.TempDir(), Prefix: prefix}); err != nil {
		t.Fatal(err)
	}
	s.before = s.files()
	return s
}

func (s *site) sql(statement string) string {
	s.t.Helper()
	_, name, _ := strings.Cut(s.dsn, "dbname=")
	return strings.TrimSpace(repotest.Postgres(s.t).SQL(s.t, strings.Fields(name)[0], statement))
}

func (s *site) view() *fossology.View {
	s.t.Helper()
	v, err := s.db.View(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { v.Close() }) // once more does no harm
	return v
}

// files are those of the repository, by their Names, with their bytes.
func (s *site) files() map[string]string {
	s.t.Helper()
	all := map[string]string{}
	for _, top := range []string{"files", "gold"} {
		filepath.WalkDir(filepath.Join(s.repo.Path, "localhost", top), func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				var b []byte
				b, err = os.ReadFile(path)
				all[top+"/"+d.Name()] = string(b)
			}
			if err != nil {
				s.t.Fatal(err)
			}
			return nil
		})
	}
	return all
}

func (s *site) options(l prune.Level, f prune.Filters) prune.Options {
	f.Unbacked = true
	return prune.Options{Installation: "x", Repository: s.repo, Ledger: s.ledger, Level: l, Filters: f, TempDir: s.t.TempDir()}
}

func (s *site) plan(l prune.Level, f prune.Filters) *prune.Plan {
	s.t.Helper()
	v := s.view()
	defer v.Close()
	p, err := prune.Make(s.t.Context(), v, s.options(l, f))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { p.Close() })
	return p
}

func (s *site) execution() prune.ExecuteOptions {
	return prune.ExecuteOptions{Repository: s.repo, Ledger: s.ledger, Dir: s.dir,
		Look: func(ctx context.Context) (prune.Moment, error) { return s.db.View(ctx) }}
}

func (s *site) execute(p *prune.Plan) *prune.Report {
	s.t.Helper()
	r, err := p.Execute(s.t.Context(), s.execution())
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// removed are the Names that a plan's journal lists, sorted.
func (s *site) removed(plan string) (names []fossology.Name) {
	s.t.Helper()
	for batch, err := range prune.Removed(prune.JournalOf(s.dir, plan)) {
		if err != nil {
			s.t.Fatal(err)
		}
		names = append(names, batch...)
	}
	slices.SortFunc(names, fossology.Name.Compare)
	return names
}

// undo brings them back, and compares everything with what was there.
func (s *site) undo(names []fossology.Name) {
	s.t.Helper()
	uses := func(yield func(fossology.Use, error) bool) {
		for _, n := range names {
			if !yield(fossology.Use{Name: n}, nil) {
				return
			}
		}
	}
	v := s.view()
	defer v.Close()
	p, err := reunpack.Some(s.t.Context(), reunpack.Source{Repository: s.repo, Ledger: s.ledger}, v, iter.Seq2[fossology.Use, error](uses), reunpack.PlanOptions{TempDir: s.t.TempDir()})
	if err != nil {
		s.t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Run(s.t.Context(), reunpack.RunOptions{TempDir: s.t.TempDir(), Prefix: prefix}); err != nil {
		s.t.Fatal(err)
	}
	s.same(s.before)
}

func (s *site) same(want map[string]string) {
	s.t.Helper()
	got := s.files()
	for name, b := range want {
		if got[name] != b {
			s.t.Errorf("%s is not as it was", name)
		}
	}
	if len(got) != len(want) {
		s.t.Errorf("%d files, there were %d", len(got), len(want))
	}
}

// TestLevels: what goes at each level is what the plan says, gold never, and all of it
// comes back.
func TestLevels(t *testing.T) {
	s := newSite(t)
	last := int64(0)
	for _, level := range prune.Levels() {
		p := s.plan(level, prune.Filters{})
		r := s.execute(p)
		if r.Removed != p.Victims || r.Freed != p.Freed || p.Victims.Files <= last || len(r.Kept) > 0 || p.Freed < p.Victims.Bytes {
			t.Errorf("%s: %+v, plan %+v, %d freed", level, *r, p.Victims, p.Freed)
		}
		last = p.Victims.Files
		names := s.removed(p.ID)
		now := s.files()
		for _, n := range names {
			if _, there := now["files/"+n.String()]; there {
				t.Errorf("%s: %s is there", level, n)
			}
		}
		if int64(len(s.before)-len(now)) != p.Victims.Files || int64(len(names)) != p.Victims.Files {
			t.Errorf("%s: %d files went", level, len(s.before)-len(now))
		}
		for name, b := range s.before {
			if strings.HasPrefix(name, "gold/") && now[name] != b {
				t.Errorf("%s: gold %s has changed", level, name)
			}
		}
		s.undo(names)
	}
	total := int64(0)
	for name, b := range s.before {
		if strings.HasPrefix(name, "files/") {
			total += int64(len(b))
		}
	}
	// What is wanted of this installation, but for the one upload that was never unpacked to its end.
	for level, want := range map[prune.Level]int64{prune.Containers: 40, prune.Derived: 95} {
		p := s.plan(level, prune.Filters{CutShort: true})
		if r := s.execute(p); r.Removed.Bytes*100 < total*want || r.Freed != p.Freed || r.Removed != p.Victims { // what was brought back is sparse
			t.Errorf("%s: %d of %d bytes went, %d freed, %d planned", level, r.Removed.Bytes, total, r.Freed, p.Freed)
		}
		t.Logf("%s, with what was cut short: %.1f %%", level, 100*float64(p.Victims.Bytes)/float64(total))
		s.undo(s.removed(p.ID))
	}
	for _, level := range prune.Levels() {
		p := s.plan(level, prune.Filters{})
		t.Logf("%s: %d of %d bytes, %.1f %%; kept %v", level, p.Victims.Bytes, total, 100*float64(p.Victims.Bytes)/float64(total), p.Kept)
	}
}

// TestPlanFile: a plan is carried to another day, once, and only as it was written.
func TestPlanFile(t *testing.T) {
	s := newSite(t)
	p := s.plan(prune.Containers, prune.Filters{})
	var b strings.Builder
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	for at := 0; at < b.Len(); at += 997 {
		for what, text := range map[string]string{"cut": b.String()[:at], "changed": b.String()[:at] + "\x00" + b.String()[at+1:]} {
			if _, err := prune.ReadPlan(strings.NewReader(text), t.TempDir()); err == nil {
				t.Errorf("%s at %d", what, at)
			}
		}
	}
	q, err := prune.ReadPlan(strings.NewReader(b.String()), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if err := q.Check(t.Context(), s.view(), s.options("", prune.Filters{})); err != nil {
		t.Fatal(err)
	}
	if r := s.execute(q); r.Removed != p.Victims {
		t.Errorf("%+v, plan %+v", *r, p.Victims)
	}
	var done *prune.DoneError
	if _, err := p.Execute(t.Context(), s.execution()); !errors.As(err, &done) {
		t.Errorf("again: %v", err)
	}
	s.sql(`INSERT INTO pfile (pfile_md5, pfile_sha1, pfile_size) VALUES (repeat('A', 32), repeat('B', 40), 5)`)
	var moved *prune.MovedError
	if err := q.Check(t.Context(), s.view(), s.options("", prune.Filters{})); !errors.As(err, &moved) {
		t.Errorf("with a new row: %v", err)
	}
	s.undo(s.removed(q.ID))
}

// TestInterrupted: at every step that lasts the deed is cut off. What is gone stands in
// the journal; it is gone on with to the same end, or undone.
func TestInterrupted(t *testing.T) {
	s := newSite(t)
	steps := 0
	prune.SetStep(func() { steps++ })
	defer prune.SetStep(func() {})
	whole := s.plan(prune.Containers, prune.Filters{})
	s.execute(whole)
	want := s.files()
	s.undo(s.removed(whole.ID))
	every := max(1, steps/6)
	for at := 1; at <= steps; at += every {
		ctx, cut := context.WithCancel(t.Context())
		n := 0
		prune.SetStep(func() {
			if n++; n == at {
				cut()
				panic("cut off")
			}
		})
		p := s.plan(prune.Containers, prune.Filters{})
		func() {
			defer func() { recover(); cut() }()
			p.Execute(ctx, s.execution())
			if at < steps*9/10 { // which directories are empty first is chance's
				t.Errorf("step %d was not cut off", at)
			}
		}()
		prune.SetStep(func() {})
		d, err := prune.ReadDeed(prune.JournalOf(s.dir, p.ID))
		if err != nil {
			t.Fatalf("step %d: %+v, %v", at, d, err)
		}
		if d.Ended {
			s.undo(s.removed(p.ID))
			continue
		}
		now, listed := s.files(), s.removed(p.ID)
		for name := range s.before {
			n, _ := fossology.ParseName(strings.TrimPrefix(name, "files/"))
			if _, there := now[name]; !there && !slices.Contains(listed, n) {
				t.Errorf("step %d: %s is gone, and not in the journal", at, name)
			}
		}
		if at/every%2 == 0 {
			r, err := prune.Resume(t.Context(), d, t.TempDir(), s.execution())
			if err != nil || r.Removed != whole.Victims {
				t.Errorf("step %d: resumed: %+v, %v, want %+v", at, r, err, whole.Victims)
			}
			s.same(want)
		}
		s.undo(s.removed(p.ID))
	}
}

// TestHostile: what changes between plan and deed leaves the file where it is, under its
// reason; everything else goes.
func TestHostile(t *testing.T) {
	s := newSite(t)
	whole := s.plan(prune.Containers, prune.Filters{})
	var victim, other prune.Victim
	for v, err := range whole.Each(0) {
		if err != nil {
			t.Fatal(err)
		}
		if v.Class == prune.Archive && v.Name.Size > 100 {
			victim = v
		}
	}
	for v := range whole.Each(0) { // of another gold: their order is that of what they cost, which is chance's
		if v.Class == prune.Uploaded && v.Gold != victim.Gold {
			other = v
		}
	}
	name := victim.Name.String()
	path := filepath.Join(s.repo.Path, "localhost", "files", fossology.FanOut(name, 3), name)
	goldName := whole.Golds[victim.Gold].Name
	gold := filepath.Join(s.repo.Path, "localhost", "gold", fossology.FanOut(goldName, 3), goldName)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	replace := func(path string, change func(b []byte) []byte) func() {
		b, err := os.ReadFile(path)
		must(err)
		must(os.Rename(path, path+".was"))
		must(os.WriteFile(path, change(append([]byte(nil), b...)), 0o644))
		return func() { must(os.Rename(path+".was", path)) }
	}
	flip := func(b []byte) []byte { b[len(b)/2] ^= 1; return b }
	inPlace := func(path string) func() {
		b, err := os.ReadFile(path)
		must(err)
		must(os.WriteFile(path, flip(append([]byte(nil), b...)), 0o644))
		return func() { must(os.WriteFile(path, b, 0o644)) }
	}
	pfile := s.sql("SELECT pfile_pk FROM pfile WHERE lower(pfile_sha1) = '" + name[:40] + "'")
	for what, c := range map[string]struct {
		change func() (back func())
		want   prune.Reason
	}{
		"gold flipped": {func() func() { return inPlace(gold) }, prune.GoldDamaged},
		"gold gone": {func() func() {
			must(os.Rename(gold, gold+".was"))
			return func() { must(os.Rename(gold+".was", gold)) }
		}, prune.GoldMissing},
		"gold a link": {func() func() {
			must(os.Rename(gold, gold+".was"))
			must(os.Symlink(gold+".was", gold))
			return func() { must(os.Rename(gold+".was", gold)) }
		}, prune.GoldMissing},
		"bytes flipped": {func() func() { return inPlace(path) }, prune.WrongBytes},
		"another file":  {func() func() { return replace(path, flip) }, prune.Changed},
		"written anew":  {func() func() { return replace(path, func(b []byte) []byte { return b }) }, prune.Changed},
		"one link more": {func() func() { must(os.Link(path, path+".link")); return func() { must(os.Remove(path + ".link")) } }, prune.Changed},
		"a symbolic link": {func() func() {
			must(os.Rename(path, path+".was"))
			must(os.Symlink(path+".was", path))
			return func() { must(os.Rename(path+".was", path)) }
		}, prune.Changed},
		"a directory a link": {func() func() {
			dir := filepath.Dir(path)
			must(os.Rename(dir, dir+".was"))
			must(os.Symlink(dir+".was", dir))
			return func() { must(os.Remove(dir)); must(os.Rename(dir+".was", dir)) }
		}, prune.Changed},
		"gone": {func() func() {
			must(os.Rename(path, path+".was"))
			return func() { must(os.Rename(path+".was", path)) }
		}, prune.Gone},
		"a job": {func() func() {
			s.sql("WITH j AS (INSERT INTO job (job_queued, job_name, job_upload_fk, job_user_fk) SELECT now(), 'x', upload_fk, 1 FROM uploadtree WHERE pfile_fk = " + pfile +
				" LIMIT 1 RETURNING job_pk) INSERT INTO jobqueue (jq_job_fk, jq_type, jq_args) SELECT job_pk, 'nomos', '0' FROM j")
			return func() { s.sql("UPDATE jobqueue SET jq_endtime = now() WHERE jq_endtime IS NULL") }
		}, prune.Job},
		"a plain file elsewhere": {func() func() {
			s.sql("INSERT INTO uploadtree_a (parent, upload_fk, pfile_fk, ufile_mode, ufile_name) SELECT uploadtree_pk, upload_fk, " + pfile +
				", 32768, 'plain' FROM uploadtree_a WHERE upload_fk = " + "(SELECT max(upload_fk) FROM uploadtree_a) LIMIT 1")
			return func() { s.sql("DELETE FROM uploadtree_a WHERE ufile_name = 'plain' AND pfile_fk = " + pfile) }
		}, prune.OtherClass},
		"no row": {func() func() {
			s.sql("UPDATE uploadtree_a SET pfile_fk = -pfile_fk WHERE pfile_fk = " + pfile)
			return func() { s.sql("UPDATE uploadtree_a SET pfile_fk = -pfile_fk WHERE pfile_fk = -" + pfile) }
		}, prune.Unknown},
	} {
		t.Run(what, func(t *testing.T) {
			p := s.plan(prune.Containers, prune.Filters{})
			back := c.change()
			r := s.execute(p)
			if r.Kept[c.want].Files < 1 {
				t.Errorf("%+v", *r)
			}
			if slices.Contains(s.removed(p.ID), victim.Name) {
				t.Error("it was removed")
			}
			if r.Removed.Files < p.Victims.Files/2 || !slices.Contains(s.removed(p.ID), other.Name) && what != "a job" {
				t.Errorf("with it stayed %d of %d", p.Victims.Files-r.Removed.Files, p.Victims.Files)
			}
			back()
			s.undo(s.removed(p.ID))
		})
	}
}
