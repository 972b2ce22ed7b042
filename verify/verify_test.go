package verify_test

import (
	"context"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
	"repotool/verify"
)

// world is a snapshot of the real fixture.
type world struct {
	repository string
	st         *store.Store
	snap       *snapshot.Snapshot
}

func newWorld(t testing.TB) world {
	t.Helper()
	w := world{repository: repotest.Repository(t)}
	var err error
	if w.st, err = store.Init(t.Context(), filepath.Join(t.TempDir(), "store"), time.Now()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.st.Close() })
	_, err = snapshot.Take(t.Context(), snapshot.TakeOptions{Store: w.st, Installation: "x", Repository: w.repository, Depth: 3,
		Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if w.snap, err = snapshot.Find(w.st, "x", "latest"); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w world) scrub(t testing.TB) *verify.Report {
	t.Helper()
	r, err := verify.Scrub(t.Context(), w.st, verify.ScrubOptions{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (w world) complete(t testing.TB) *verify.Report {
	t.Helper()
	r, err := verify.Complete(t.Context(), w.st, "x", "latest", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// some returns an entry of the snapshot with bytes, in files/.
func (w world) some(t testing.TB) snapshot.Entry {
	t.Helper()
	for e, err := range w.snap.Entries(t.Context(), "localhost/files") {
		if err != nil {
			t.Fatal(err)
		}
		if e.Size > 1000 {
			return e
		}
	}
	t.Fatal("no file")
	return snapshot.Entry{}
}

func (w world) object(h store.Hash) string { return w.st.Path("objects", h.String()[:2], h.String()) }

// flip changes one byte in place, so that all links to the inode suffer.
func flip(t testing.TB, name string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err == nil {
		b[len(b)/2] ^= 1
		os.Chmod(name, 0o600)
		err = os.WriteFile(name, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A good store has no findings, and everything was read.
func TestGood(t *testing.T) {
	w := newWorld(t)
	r := w.scrub(t)
	if !r.Good() || r.Objects == 0 || r.Skipped != 0 {
		t.Errorf("scrub: %+v", r)
	}
	if c := w.complete(t); !c.Good() || c.Files < 900 {
		t.Errorf("complete: %+v", c)
	}
}

// A flipped bit is found, put right from the live repository, in the day as
// well, and the bad object is kept.
func TestRepair(t *testing.T) {
	w := newWorld(t)
	e := w.some(t)
	flip(t, w.object(e.Object))
	r := w.scrub(t)
	if r.Counts[verify.ObjectDamaged] != 1 || r.Findings[0].What != e.Object.String() {
		t.Fatalf("scrub: %+v", r)
	}
	if err := verify.Repair(t.Context(), w.st, r, time.Now()); err != nil {
		t.Fatal(err)
	}
	if r.Repaired != 1 || !r.Good() {
		t.Errorf("repair: %+v", r)
	}
	if r := w.scrub(t); !r.Good() {
		t.Errorf("scrub after repair: %+v", r)
	}
	if c := w.complete(t); !c.Good() {
		t.Errorf("complete after repair: %+v", c.Findings)
	}
	path, _ := w.snap.DayPath(&e, snapshot.LayoutFlat)
	got, err := os.ReadFile(w.st.Path(path))
	if err != nil || store.Sum(got) != e.Object {
		t.Errorf("the day still shows the bad bytes: %v", err)
	}
	if kept, _ := filepath.Glob(w.st.Path("trash", "*", e.Object.String())); len(kept) != 1 {
		t.Errorf("the bad object was not kept: %v", kept)
	}
}

// A damaged object whose file is damaged in the repository too is not
// "repaired".
func TestRepairNothingGood(t *testing.T) {
	w := newWorld(t)
	e := w.some(t)
	flip(t, w.object(e.Object))
	for typ := range strings.SplitSeq("gold files", " ") {
		name := filepath.Join(w.repository, strings.Replace(e.Path, "/files/", "/"+typ+"/", 1))
		if _, err := os.Stat(name); err == nil {
			flip(t, name)
		}
	}
	r := w.scrub(t)
	if err := verify.Repair(t.Context(), w.st, r, time.Now()); err != nil {
		t.Fatal(err)
	}
	if r.Repaired != 0 || r.Good() {
		t.Errorf("repair: %+v", r)
	}
}

// What completeness finds: a missing object, a short one, a file missing from
// the day or replaced in it.
func TestComplete(t *testing.T) {
	for _, test := range []struct {
		name   string
		damage func(w world, e snapshot.Entry) error
		want   verify.Kind
	}{
		{"missing", func(w world, e snapshot.Entry) error { return os.Remove(w.object(e.Object)) }, verify.ObjectMissing},
		{"short", func(w world, e snapshot.Entry) error { return os.Truncate(w.object(e.Object), 3) }, verify.ObjectDamaged},
		{"day", func(w world, e snapshot.Entry) error {
			p, _ := w.snap.DayPath(&e, snapshot.LayoutFlat)
			return os.Remove(w.st.Path(p))
		}, verify.DayIncomplete},
		{"replaced", func(w world, e snapshot.Entry) error {
			p, _ := w.snap.DayPath(&e, snapshot.LayoutFlat)
			os.Remove(w.st.Path(p))
			return os.WriteFile(w.st.Path(p), make([]byte, e.Size), 0o444)
		}, verify.DayIncomplete},
		{"segment", func(w world, e snapshot.Entry) error {
			return os.Truncate(w.object(w.snap.Manifest.Segments[0].Object), 100)
		}, verify.ManifestUnreadable},
		{"summary", func(w world, e snapshot.Entry) error {
			return os.WriteFile(w.st.Path("snapshots", "x", w.snap.Name(), "summary.json"), []byte("{}"), 0o644)
		}, verify.SummaryDamaged},
		{"manifest", func(w world, e snapshot.Entry) error {
			return os.Truncate(w.st.Path("snapshots", "x", w.snap.Name(), "manifest"), 100)
		}, verify.ManifestUnreadable},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			if err := test.damage(w, w.some(t)); err != nil {
				t.Fatal(err)
			}
			if r := w.complete(t); r.Counts[test.want] == 0 {
				t.Errorf("findings: %+v", r.Findings)
			}
		})
	}
}

// A sample reads a share, and another share on another day.
func TestSample(t *testing.T) {
	w := newWorld(t)
	all := w.scrub(t).Objects
	read := int64(0)
	for day := range 4 {
		now := time.Date(2026, 11, 1+day, 0, 0, 0, 0, time.UTC)
		r, err := verify.Scrub(t.Context(), w.st, verify.ScrubOptions{Sample: 0.25, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		if r.Objects == 0 || r.Objects > all/2 || r.Objects+r.Skipped != all {
			t.Errorf("day %d: %+v of %d", day, r, all)
		}
		read += r.Objects
	}
	if read != all {
		t.Errorf("four quarters are %d of %d objects", read, all)
	}
}

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

// The source check reads every file, and compares with the database.
func TestSource(t *testing.T) {
	repository := repotest.Repository(t)
	var names []fossology.Name
	var first string
	filepath.WalkDir(filepath.Join(repository, "localhost", "files"), func(path string, d fs.DirEntry, err error) error {
		if n, ok := fossology.ParseName(filepath.Base(path)); ok && err == nil && !d.IsDir() {
			names = append(names, n)
			if first == "" && n.Size > 100 {
				first = path
			}
		}
		return err
	})
	o := verify.SourceOptions{Repository: fossology.Repository{Path: repository, Depth: 3,
		Routes: []fossology.Route{{Host: "localhost", Type: "*", Start: "00", End: "ff"}}}, References: refs{names, nil}, MD5: true}
	r, err := verify.Source(t.Context(), o)
	if err != nil || !r.Good() || r.Files < 900 {
		t.Fatalf("good: %+v, %v", r, err)
	}
	flip(t, first)
	os.Remove(filepath.Join(repository, "localhost", "files", fossology.FanOut(names[len(names)-1].String(), 3), names[len(names)-1].String()))
	o.References = refs{append(names[:3:3], names[4:]...), names[:1]}
	r, err = verify.Source(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []verify.Kind{verify.FileDamaged, verify.FileMissing, verify.GoldMissing, verify.NoRow} {
		if r.Counts[k] != 1 {
			t.Errorf("%s: %d findings, want 1: %+v", k, r.Counts[k], r.Findings)
		}
	}
}
