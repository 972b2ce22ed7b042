package verify_test

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
	"repotool/verify"
)

// world is a snapshot of the real fixture, with an empty file and a link in it.
type world struct {
	repository string
	st         *store.Store
	snap       *snapshot.Snapshot
}

func newWorld(t testing.TB) world {
	t.Helper()
	w := world{repository: repotest.Repository(t), st: repotest.Store(t)}
	gold := filepath.Join(w.repository, "localhost", "gold")
	err := errors.Join(os.WriteFile(filepath.Join(gold, "empty"), nil, 0o644), os.Symlink("nowhere", filepath.Join(gold, "link")))
	if err != nil {
		t.Fatal(err)
	}
	w.take(t, time.Now)
	if w.snap, err = snapshot.Find(w.st, "x", "latest"); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w world) take(t testing.TB, now func() time.Time) {
	t.Helper()
	_, err := snapshot.Take(t.Context(), snapshot.TakeOptions{Store: w.st, Installation: "x", Repository: w.repository, Depth: 3,
		Now: now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
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
	r, err := verify.Complete(t.Context(), w.st, "x", "latest", verify.CompleteOptions{})
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

func (w world) day(elem ...string) string {
	return w.st.Path(append([]string{"days", "x", w.snap.Name()}, elem...)...)
}

func (w world) object(h store.Hash) string { return w.st.Path("objects", h.String()[:2], h.String()) }

// flip changes one byte in place, so that all links to the inode suffer.
func flip(t testing.TB, name string) {
	t.Helper()
	b, err := os.ReadFile(name)
	info, statErr := os.Stat(name)
	if err = errors.Join(err, statErr); err == nil {
		b[len(b)/2] ^= 1
		err = errors.Join(os.Chmod(name, 0o600), os.WriteFile(name, b, 0o600), os.Chmod(name, info.Mode()))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// state is everything that a change would leave a trace in: names, modes,
// owners, inodes, link counts, sizes and times below the directories. In tmp/ and
// locks/ of a store it says for a moment who reads.
func state(t testing.TB, dirs ...string) string {
	t.Helper()
	var b strings.Builder
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if rel, _ := filepath.Rel(dir, path); rel == "tmp" || rel == "locks" {
				return fs.SkipDir
			}
			var st unix.Stat_t
			if err := unix.Lstat(path, &st); err != nil {
				return err
			}
			if st.Mode&unix.S_IFMT == unix.S_IFREG && !strings.Contains(path, "/snapshots/") && d.Name() != "RESTORE.txt" {
				fmt.Fprint(&b, st.Atim)
			}
			fmt.Fprintln(&b, path, st.Mode, st.Uid, st.Gid, st.Ino, st.Nlink, st.Size, st.Mtim, st.Ctim)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// neverRead sets access times back so far that any reading would show.
func neverRead(t testing.TB, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				err = unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{{Sec: 1}, {Nsec: unix.UTIME_OMIT}}, unix.AT_SYMLINK_NOFOLLOW)
			}
			if err != nil {
				t.Fatal(err)
			}
			return nil
		})
	}
}

// A snapshot changes nothing in the repository.
func TestSnapshotChangesNothing(t *testing.T) {
	w := newWorld(t)
	neverRead(t, w.repository)
	before := state(t, w.repository)
	_, err := snapshot.Take(t.Context(), snapshot.TakeOptions{Store: w.st, Installation: "x", Repository: w.repository, Depth: 3,
		Detect: snapshot.DetectRead, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, state(t, w.repository)); d != "" {
		t.Errorf("snapshot changed %s", d)
	}
}

// Several budgets together read every object and check every snapshot, each
// once; what damage there is at the end of the store is found.
func TestBudgets(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.take(t, func() time.Time { return time.Now().Add(time.Duration(i+1) * time.Hour) })
	}
	all := w.scrub(t).Objects
	last := store.Hash{}
	for info, err := range w.st.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		last = info.Object
	}
	flip(t, w.object(last))
	objects, snapshots, found := int64(0), int64(0), false
	for range 100 {
		start, asked := time.Now(), 0
		clock := func() time.Time { // a second for every question
			asked++
			return start.Add(time.Duration(asked) * time.Second)
		}
		r, err := verify.Store(t.Context(), w.st, verify.ScrubOptions{Budget: 300 * time.Second, Now: clock})
		if err != nil {
			t.Fatal(err)
		}
		if objects += r.Objects; r.Objects > 300 || r.Objects+r.Skipped != all {
			t.Fatalf("%+v of %d", r, all)
		}
		if snapshots += r.Snapshots; r.Snapshots == 0 || r.Snapshots+r.SnapshotsSkipped != 4 {
			t.Errorf("%+v", r)
		}
		if found = found || r.Counts[verify.ObjectDamaged] > 0; objects >= all {
			break
		}
	}
	if !found || objects > all+300 {
		t.Errorf("%d objects read of %d, the damaged one found %v", objects, all, found)
	}
}

// A good store has no findings, and everything was read. A damaged one has
// findings. Neither check changes anything.
func TestChangesNothing(t *testing.T) {
	w := newWorld(t)
	names, _ := fixtureNames(t, w.repository)
	for _, damaged := range []bool{false, true} {
		if damaged {
			e := w.some(t)
			flip(t, w.object(e.Object))
			flip(t, filepath.Join(w.repository, e.Path))
		}
		neverRead(t, w.st.Path("objects"), w.repository)
		before := state(t, w.st.Dir(), w.repository)
		all, err := verify.Store(t.Context(), w.st, verify.ScrubOptions{Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		one, err := verify.Complete(t.Context(), w.st, "x", "latest", verify.CompleteOptions{Read: true})
		if err != nil {
			t.Fatal(err)
		}
		source, err := verify.Source(t.Context(), sourceOptions(w.repository, refs{names, nil}))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []*verify.Report{all, one, source} {
			if r.Good() == damaged {
				t.Errorf("damaged %v: %+v", damaged, r)
			}
		}
		if d := cmp.Diff(before, state(t, w.st.Dir(), w.repository)); d != "" {
			t.Errorf("damaged %v: verify changed %s", damaged, d)
		}
	}
}

// A bad object is one finding, which says what it is needed for and how many
// snapshots suffer.
func TestStoreBlames(t *testing.T) {
	w := newWorld(t)
	e := w.some(t)
	w.take(t, func() time.Time { return time.Now().Add(time.Hour) })
	for _, step := range []struct {
		name   string
		damage func()
	}{
		{"damaged", func() { flip(t, w.object(e.Object)) }},
		{"missing", func() { os.Remove(w.object(e.Object)) }}, // last: nothing is left to flip
	} {
		name := step.name
		step.damage()
		r, err := verify.Store(t.Context(), w.st, verify.ScrubOptions{Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		if r.Wrong() != 1 || len(r.Findings) != 1 {
			t.Fatalf("%s: %d findings, want 1: %+v", name, r.Wrong(), r.Findings)
		}
		f := r.Findings[0]
		if f.What != e.Object.String() || !strings.HasSuffix(f.For, filepath.Base(e.Path)) || f.Installation != "x" ||
			f.Snapshot != w.snap.Name() || f.Snapshots != 2 {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// Completeness of one snapshot alone asks for presence and size; with Read it
// sees a flipped bit as well.
func TestCompleteRead(t *testing.T) {
	w := newWorld(t)
	e := w.some(t)
	flip(t, w.object(e.Object))
	if r := w.complete(t); !r.Good() || r.Objects != 0 || r.Bytes != 0 {
		t.Errorf("presence: %+v", r)
	}
	r, err := verify.Complete(t.Context(), w.st, "x", "latest", verify.CompleteOptions{Read: true})
	if err != nil {
		t.Fatal(err)
	}
	if r.Counts[verify.ObjectDamaged] != 1 || r.Wrong() != 1 || r.Objects < 900 || r.Bytes < 10<<20 {
		t.Errorf("read: %+v", r)
	}
}

// A budget stops the reading, and the report says how much was not read.
func TestBudget(t *testing.T) {
	w := newWorld(t)
	all := w.scrub(t).Objects
	start, asked := time.Now(), 0
	clock := func() time.Time { // a second for every question
		asked++
		return start.Add(time.Duration(asked) * time.Second)
	}
	r, err := verify.Scrub(t.Context(), w.st, verify.ScrubOptions{Budget: 100 * time.Second, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	if r.Objects == 0 || r.Skipped == 0 || r.Objects+r.Skipped != all || r.Objects > 100 {
		t.Errorf("%+v of %d", r, all)
	}
}

// The number of objects is estimated for whoever waits.
func TestScrubProgress(t *testing.T) {
	w := newWorld(t)
	p := new(snapshot.Progress)
	r, err := verify.Scrub(t.Context(), w.st, verify.ScrubOptions{Now: time.Now, Progress: p})
	if err != nil {
		t.Fatal(err)
	}
	if n := p.TotalFiles.Load(); n < r.Objects*9/10 || n > r.Objects*11/10 || p.Phase() != verify.PhaseObjects {
		t.Errorf("%s: about %d objects expected, %d read", p.Phase(), n, r.Objects)
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
		{"restore text", func(w world, e snapshot.Entry) error { return os.Remove(w.day("RESTORE.txt")) }, verify.DayIncomplete},
		{"another restore text", func(w world, e snapshot.Entry) error {
			return os.WriteFile(w.day("RESTORE.txt"), []byte("hello"), 0o644)
		}, verify.DayIncomplete},
		{"foreign piece", func(w world, e snapshot.Entry) error {
			os.Mkdir(w.day("database"), 0o755)
			return os.WriteFile(w.day("database", "x.zst"), nil, 0o644)
		}, verify.DayIncomplete},
		{"empty", func(w world, e snapshot.Entry) error { return os.Remove(w.day("other", "localhost", "gold", "empty")) }, verify.DayIncomplete},
		{"no longer empty", func(w world, e snapshot.Entry) error {
			return os.WriteFile(w.day("other", "localhost", "gold", "empty"), []byte("x"), 0o644)
		}, verify.DayIncomplete},
		{"link", func(w world, e snapshot.Entry) error { return os.Remove(w.day("other", "localhost", "gold", "link")) }, verify.DayIncomplete},
		{"another link", func(w world, e snapshot.Entry) error {
			os.Remove(w.day("other", "localhost", "gold", "link"))
			return os.Symlink("elsewhere", w.day("other", "localhost", "gold", "link"))
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

// Whatever is found, there is something to be said of what to do, before a
// repair and after one that did not help.
func TestHints(t *testing.T) {
	for _, k := range []verify.Kind{verify.ManifestUnreadable, verify.ObjectMissing, verify.ObjectDamaged, verify.ObjectUnreadable,
		verify.FolderUnreadable, verify.ObjectExposed, verify.DayIncomplete, verify.BadRow, verify.Orphaned, verify.FindingsDamaged,
		verify.PlaceNotKept,
		verify.SummaryDamaged, verify.FileDamaged, verify.FileUnreadable, verify.FileMissing, verify.GoldMissing, verify.NoRow} {
		if k.Hint() == "" || strings.Contains(k.HintAfterRepair(), "--repair") {
			t.Errorf("%s: %q, after a repair %q", k, k.Hint(), k.HintAfterRepair())
		}
	}
}

// A folder of objects that cannot be read is a finding, and the rest is read.
func TestUnreadableFolder(t *testing.T) {
	w := newWorld(t)
	all := w.scrub(t).Objects
	var object store.Hash
	inFolder := int64(0)
	for info, err := range w.st.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if object.IsZero() {
			object = info.Object
		}
		if info.Object[0] == object[0] {
			inFolder++
		}
	}
	folder := filepath.Dir(w.st.Path("objects", object.String()[:2], "x"))
	if err := errors.Join(os.Rename(folder, folder+".aside"), os.WriteFile(folder, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if r := w.scrub(t); r.Counts[verify.FolderUnreadable] != 1 || r.Wrong() != 1 || r.Objects != all-inFolder {
		t.Errorf("%d of %d objects read, %d in the folder: %+v", r.Objects, all, inFolder, r.Findings)
	}
	r, err := verify.Complete(t.Context(), w.st, "x", "latest", verify.CompleteOptions{})
	if err != nil || r.Counts[verify.ObjectUnreadable] == 0 || r.Counts[verify.ObjectMissing] != 0 {
		t.Errorf("%v; completeness %+v", err, r)
	}
}
