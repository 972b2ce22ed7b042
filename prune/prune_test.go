package prune_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

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
	views  *fossology.Views // of deeds
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
	s.views = s.db.Views()
	t.Cleanup(func() { s.views.Close(); s.db.Close(context.Background()) })
	s.sql(`UPDATE jobqueue SET jq_endtime = now(), jq_end_bits = 1 WHERE jq_endtime IS NULL`)
	unpacker, err := goldindex.Present(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.ledgerDir = filepath.Join(t.TempDir(), "ledger")
	if index != nil {
		if err := os.CopyFS(s.ledgerDir, index); err != nil {
			t.Fatal(err)
		}
	}
	if s.ledger, err = goldindex.Open(s.ledgerDir, unpacker); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.ledger.Close() })
	if index == nil {
		if _, err := s.ledger.Update(t.Context(), goldindex.UpdateOptions{Repository: s.repo, Database: s.view(), TempDir: t.TempDir(), Prefix: prefix}); err != nil {
			t.Fatal(err)
		}
		keepIndex(t, s.ledgerDir)
	}
	s.before = s.files()
	return s
}

// index is the ledger of the installation, made once: it speaks of contents, not of places.
var index fstest.MapFS

func keepIndex(t *testing.T, dir string) {
	t.Helper()
	index = fstest.MapFS{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, path))
		index[path] = &fstest.MapFile{Data: b, Mode: 0o644}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
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
		Look: func(ctx context.Context) (prune.Moment, error) { return s.views.View(ctx) }}
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
		t.Logf("%s: %d bytes; kept %v", level, p.Victims.Bytes, p.Kept)
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
		if p.Victims.Bytes*100 < total*want {
			t.Errorf("%s: %d of %d bytes are to go", level, p.Victims.Bytes, total)
		}
		t.Logf("%s, with what was cut short: %.1f %%", level, 100*float64(p.Victims.Bytes)/float64(total))
		if level != prune.Derived {
			continue
		}
		if r := s.execute(p); r.Freed != p.Freed || r.Removed != p.Victims { // what was brought back is sparse
			t.Errorf("%s: %d bytes went, %d freed, %d planned", level, r.Removed.Bytes, r.Freed, p.Freed)
		}
		s.undo(s.removed(p.ID))
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
	for at := 0; at < b.Len()-1; at += 997 { // without its last newline it is whole
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
	p := s.plan(prune.Containers, prune.Filters{})
	ofGold, all := map[int][]prune.Victim{}, victims(t, p)
	for _, v := range all {
		ofGold[v.Gold] = append(ofGold[v.Gold], v)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	taken := map[fossology.Name]prune.Reason{} // what stays
	var back []func()
	stays := func(v prune.Victim, why prune.Reason) {
		if old, twice := taken[v.Name]; twice {
			t.Fatalf("%s was to stay for %s", v.Name, old)
		}
		taken[v.Name] = why
	}

	// The job is of an upload with one victim or two; what else is of it is left alone.
	busy := ""
	of := map[string][]prune.Victim{}
	for line := range strings.Lines(s.sql("SELECT DISTINCT lower(pfile_sha1), upload_fk FROM uploadtree JOIN pfile ON pfile_pk = pfile_fk")) {
		sha1, u, _ := strings.Cut(strings.TrimSpace(line), "|")
		if i := slices.IndexFunc(all, func(v prune.Victim) bool { return v.Name.String()[:40] == sha1 }); i >= 0 {
			of[u] = append(of[u], all[i])
		}
	}
	for _, u := range slices.Sorted(maps.Keys(of)) {
		if len(of[u]) < len(of[busy]) || busy == "" {
			busy = u
		}
	}
	for _, v := range of[busy] {
		stays(v, prune.Job)
	}
	s.sql("WITH j AS (INSERT INTO job (job_queued, job_name, job_upload_fk, job_user_fk) VALUES (now(), 'x', " + busy +
		", 1) RETURNING job_pk) INSERT INTO jobqueue (jq_job_fk, jq_type, jq_args) SELECT job_pk, 'nomos', '0' FROM j")
	back = append(back, func() { s.sql("UPDATE jobqueue SET jq_endtime = now() WHERE jq_endtime IS NULL") })

	free := func(vs []prune.Victim) bool {
		return !slices.ContainsFunc(vs, func(v prune.Victim) bool { return taken[v.Name] != "" })
	}
	inPlace := func(path string) {
		b, err := os.ReadFile(path)
		must(err)
		was := slices.Clone(b)
		b[len(b)/2] ^= 1
		must(os.WriteFile(path, b, 0o644))
		back = append(back, func() { must(os.WriteFile(path, was, 0o644)) })
	}
	aside := func(path string) {
		must(os.Rename(path, path+".was"))
		back = append(back, func() { must(os.Rename(path+".was", path)) })
	}
	anew := func(path string, change bool) {
		b, err := os.ReadFile(path)
		must(err)
		if change {
			b[len(b)/2] ^= 1
		}
		aside(path)
		must(os.WriteFile(path, b, 0o644))
	}
	// What an upload has that is made by another's gold stays, too, if its own gold goes
	// (TestOtherGoldSince): here golds go whose uploads have nothing of others.
	alone := func(n int) bool {
		uploads := s.sql(fmt.Sprintf("SELECT upload_pk FROM upload JOIN pfile ON pfile_pk = pfile_fk WHERE lower(pfile_sha1) = '%.40s'", p.Golds[n].Name))
		for _, u := range strings.Fields(uploads) {
			if slices.ContainsFunc(of[u], func(v prune.Victim) bool { return v.Gold != n }) {
				return false
			}
		}
		return true
	}
	golds := map[int]bool{}
	for _, c := range []struct {
		what   string
		change func(gold string)
		why    prune.Reason
	}{
		{"flipped", func(gold string) { anew(gold, true) }, prune.GoldDamaged}, // FOSSology may have linked it to what is in files
		{"gone", aside, prune.GoldMissing},
		{"a link", func(gold string) { aside(gold); must(os.Symlink(gold+".was", gold)) }, prune.GoldMissing},
	} {
		for _, n := range slices.Sorted(maps.Keys(ofGold)) {
			if golds[n] || !free(ofGold[n]) || len(ofGold[n]) > 3 || !alone(n) {
				continue
			}
			golds[n] = true
			t.Logf("gold %s: %s, with %d", c.what, p.Golds[n].Name, len(ofGold[n]))
			name := p.Golds[n].Name
			c.change(filepath.Join(s.repo.Path, "localhost", "gold", fossology.FanOut(name, 3), name))
			for _, v := range ofGold[n] {
				stays(v, c.why)
			}
			break
		}
	}
	if len(golds) != 3 {
		t.Fatal("too few golds")
	}
	pfile := func(v prune.Victim) string {
		return s.sql("SELECT pfile_pk FROM pfile WHERE lower(pfile_sha1) = '" + v.Name.String()[:40] + "'")
	}
	for what, c := range map[string]struct {
		change func(path string, v prune.Victim)
		why    prune.Reason
	}{
		"bytes flipped": {func(path string, _ prune.Victim) { inPlace(path) }, prune.WrongBytes},
		"another file":  {func(path string, _ prune.Victim) { anew(path, true) }, prune.Changed},
		"written anew":  {func(path string, _ prune.Victim) { anew(path, false) }, prune.Changed},
		"one link more": {func(path string, _ prune.Victim) {
			must(os.Link(path, path+".link"))
			back = append(back, func() { must(os.Remove(path + ".link")) })
		}, prune.Changed},
		"a symbolic link": {func(path string, _ prune.Victim) { aside(path); must(os.Symlink(path+".was", path)) }, prune.Changed},
		"a directory a link": {func(path string, _ prune.Victim) {
			dir := filepath.Dir(path)
			must(os.Rename(dir, dir+".was"))
			must(os.Symlink(dir+".was", dir))
			back = append(back, func() { must(os.Remove(dir)); must(os.Rename(dir+".was", dir)) })
		}, prune.Changed},
		"gone": {func(path string, _ prune.Victim) { aside(path) }, prune.Gone},
		"a plain file elsewhere": {func(_ string, v prune.Victim) {
			s.sql("INSERT INTO uploadtree_a (parent, upload_fk, pfile_fk, ufile_mode, ufile_name) SELECT uploadtree_pk, upload_fk, " + pfile(v) +
				", 32768, 'plain' FROM uploadtree_a WHERE upload_fk = (SELECT max(upload_fk) FROM uploadtree_a WHERE upload_fk <> " + busy + ") LIMIT 1")
			back = append(back, func() { s.sql("DELETE FROM uploadtree_a WHERE ufile_name = 'plain' AND pfile_fk = " + pfile(v)) })
		}, prune.OtherClass},
		"no row": {func(_ string, v prune.Victim) {
			s.sql("UPDATE uploadtree_a SET pfile_fk = -pfile_fk WHERE pfile_fk = " + pfile(v))
			back = append(back, func() { s.sql("UPDATE uploadtree_a SET pfile_fk = -pfile_fk WHERE pfile_fk = -" + pfile(v)) })
		}, prune.Unknown},
	} {
		i := slices.IndexFunc(all, func(v prune.Victim) bool {
			return v.Class == prune.Archive && v.Name.Size > 100 && !golds[v.Gold] && free([]prune.Victim{v})
		})
		if i < 0 {
			t.Fatalf("no victim for %s", what)
		}
		v := all[i]
		t.Logf("%s: %s", what, v.Name)
		stays(v, c.why)
		c.change(s.path(&v), v)
	}
	r := s.execute(p)
	want := prune.Kept{}
	gone := s.removed(p.ID)
	for _, v := range all {
		why, stays := taken[v.Name]
		if _, removed := slices.BinarySearchFunc(gone, v.Name, fossology.Name.Compare); removed == stays {
			t.Errorf("%s: removed: %v, was to stay: %v %s", v.Name, removed, stays, why)
		}
		if stays {
			sum := want[why]
			want[why] = prune.Sum{Files: sum.Files + 1, Bytes: sum.Bytes + v.Name.Size}
		}
	}
	if !maps.Equal(r.Kept, want) || r.Removed.Files != int64(len(all)-len(taken)) || len(taken) > len(all)/2 {
		t.Errorf("%+v, want %+v to stay", *r, want)
	}
	for _, f := range slices.Backward(back) {
		f()
	}
	s.undo(gone)
}
