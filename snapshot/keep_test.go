package snapshot_test

import (
	"errors"
	"fmt"
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
)

// objectAt is where an object of a content is.
func objectAt(st *store.Store, content string) string {
	h := store.Sum([]byte(content)).String()
	return st.Path("objects", h[:2], h)
}

// quarantined says whether an object of a content is in quarantine.
func quarantined(st *store.Store, content string) bool {
	h := store.Sum([]byte(content)).String()
	found, _ := filepath.Glob(st.Path("quarantine", "*", h[:2], h))
	return len(found) > 0
}

// oneGone takes a snapshot that holds a content, and one that does not, and forgets
// the first.
func oneGone(t testing.TB, st *store.Store, repository, content string, layout snapshot.Layout) (path string) {
	t.Helper()
	keep(t, repository, "stays")
	path = keep(t, repository, content)
	o := options(st, repository)
	o.Layout, o.FullScan = layout, true
	o.Now = func() time.Time { return time.Now().Add(-time.Hour) }
	first := take(t, o)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	o.Now = time.Now
	take(t, o)
	if _, _, err := snapshot.Forget(t.Context(), st, "fossology", []string{first.Name}); err != nil {
		t.Fatal(err)
	}
	return path
}

// What nothing needs goes in two collections, not in one, and not before. --undo
// brings it back.
func TestCollectTwice(t *testing.T) {
	st, repository := repotest.Store(t), t.TempDir()
	oneGone(t, st, repository, "goes", snapshot.LayoutFlat)
	if r := collect(t, st, snapshot.CollectOptions{}); r.Quarantined.Objects < 1 || r.Deleted.Objects != 0 {
		t.Errorf("%+v", r)
	}
	if exists(objectAt(st, "goes")) || !quarantined(st, "goes") || !exists(objectAt(st, "stays")) {
		t.Error("not in quarantine, or something else is")
	}
	if _, err := st.Stat(store.Sum([]byte("goes"))); err != nil {
		t.Errorf("in quarantine it is still an object: %v", err)
	}
	r, err := snapshot.BringBack(t.Context(), st, snapshot.CollectOptions{})
	if err != nil || r.Returned.Objects < 1 || !exists(objectAt(st, "goes")) || len(entriesIn(t, st.Path("quarantine"))) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	collect(t, st, snapshot.CollectOptions{})
	r = collect(t, st, snapshot.CollectOptions{})
	if r.Deleted.Objects < 1 || r.Freed != r.Deleted || exists(objectAt(st, "goes")) || quarantined(st, "goes") {
		t.Errorf("%+v", r)
	}
}

// Bytes that a link outside still shows are deleted, and not freed.
func TestCollectCountsWhatIsFreed(t *testing.T) {
	st, repository := repotest.Store(t), t.TempDir()
	oneGone(t, st, repository, "goes", snapshot.LayoutNone)
	if err := os.Link(objectAt(st, "goes"), filepath.Join(t.TempDir(), "kept")); err != nil {
		t.Fatal(err)
	}
	collect(t, st, snapshot.CollectOptions{})
	r := collect(t, st, snapshot.CollectOptions{})
	if lost := r.Deleted.Objects - r.Freed.Objects; lost != 1 || r.Deleted.Bytes-r.Freed.Bytes != int64(len("goes")) {
		t.Errorf("%+v", r)
	}
}

// An object in quarantine that a new snapshot needs again is there from the moment on
// at which the snapshot is, and stays: small or large, and whatever way the snapshot
// comes to it.
func TestNeededAgain(t *testing.T) {
	large := strings.Repeat("large", 1<<19)
	for name, c := range map[string]struct {
		content string
		layout  snapshot.Layout
		others  int // files that are new with it
	}{
		"small":     {"goes", snapshot.LayoutFlat, 0},
		"no day":    {"goes", snapshot.LayoutNone, 0},
		"large":     {large, snapshot.LayoutNone, 0},
		"among new": {"goes", snapshot.LayoutNone, 50},
	} {
		t.Run(name, func(t *testing.T) {
			st, repository := repotest.Store(t), t.TempDir()
			path := oneGone(t, st, repository, c.content, c.layout)
			collect(t, st, snapshot.CollectOptions{})
			if !quarantined(st, c.content) {
				t.Fatal("not in quarantine")
			}
			write(t, path, c.content)
			for i := range c.others {
				keep(t, repository, fmt.Sprint("new ", i))
			}
			o := options(st, repository)
			o.Layout, o.FullScan = c.layout, true
			take(t, o)
			if !exists(objectAt(st, c.content)) {
				t.Error("not back")
			}
			for range 3 {
				collect(t, st, snapshot.CollectOptions{})
				compareSnapshotWithTree(t, find(t, st, "latest"), repository)
			}
			if got, err := os.ReadFile(objectAt(st, c.content)); err != nil || string(got) != c.content {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

// What a running snapshot has stored, or found, stays as long as it runs, however often
// garbage is collected; when it has crashed it protects nothing.
func TestRunningIsSafe(t *testing.T) {
	st, repository := repotest.Store(t), t.TempDir()
	keep(t, repository, "stays")
	take(t, options(st, repository))
	running, err := store.Open(st.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer running.Close()
	if _, err := st.NewWriter().PutBytes(t.Context(), []byte("found")); err != nil { // a crashed run's
		t.Fatal(err)
	}
	if _, err := running.Lease(t.Context(), store.Lease{Writes: true, Command: "a run"}, nil); err != nil {
		t.Fatal(err)
	}
	use := func(content string, added bool) {
		t.Helper()
		if put, err := running.NewWriter().PutBytes(t.Context(), []byte(content)); err != nil || put.Added != added {
			t.Fatalf("%+v, %v", put, err)
		}
	}
	use("stored", true)
	use("found", false)
	for round := range 4 {
		r := collect(t, st, snapshot.CollectOptions{})
		if r.Deleted.Objects != 0 || round > 0 && (r.Waiting.Objects != 2 || len(r.Held) != 1 || !strings.Contains(r.Held[0], "a run")) {
			t.Errorf("round %d: %+v", round, r)
		}
		for _, content := range []string{"stored", "found"} {
			if _, err := running.Check(t.Context(), store.Sum([]byte(content)), make([]byte, 100)); err != nil {
				t.Errorf("round %d, %s: %v", round, content, err)
			}
		}
	}
	use("found", false) // comes back
	collect(t, st, snapshot.CollectOptions{})
	collect(t, st, snapshot.CollectOptions{})
	if err := running.Close(); err != nil {
		t.Fatal(err)
	}
	collect(t, st, snapshot.CollectOptions{})
	if r := collect(t, st, snapshot.CollectOptions{}); r.Waiting.Objects != 0 || len(entriesIn(t, st.Path("quarantine"))) > 0 {
		t.Errorf("%+v", r)
	}
}

// TestLeaseVictim is a process that takes leases and ends without a word.
func TestLeaseVictim(t *testing.T) {
	dir := os.Getenv("VICTIM_LEASE")
	if dir == "" {
		return // run by itself it has nothing to do
	}
	st, err := store.Open(dir)
	if err == nil {
		_, err = st.Lease(t.Context(), store.Lease{Writes: true, Command: "dead"}, nil)
	}
	if err == nil {
		_, err = find(t, st, "latest~1").Hold(t.Context(), "dead")
	}
	if err != nil {
		t.Fatal(err)
	}
	os.Exit(0)
}

// A snapshot that is read, by a restore, a check, or a run whose parent it is, is not
// forgotten; nor is one with a pin. One that a dead process has read is.
func TestForgetInUse(t *testing.T) {
	st, repository := repotest.Store(t), t.TempDir()
	keep(t, repository, "stays")
	var names []string
	for range 4 {
		names = append(names, take(t, options(st, repository)).Name)
	}
	cmd := repotest.Again(t, "TestLeaseVictim", "VICTIM_LEASE="+st.Dir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	reader, err := store.Open(st.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	held := find(t, reader, names[0])
	lease, err := held.Hold(t.Context(), "a restore")
	if err != nil {
		t.Fatal(err)
	}
	if err := find(t, st, names[1]).Pin(t.Context(), snapshot.Pin{Note: "for ever"}); err != nil {
		t.Fatal(err)
	}
	forgotten, inUse, err := snapshot.Forget(t.Context(), st, "fossology", names[:3])
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(names[2:3], forgotten); d != "" {
		t.Error(d)
	}
	if len(inUse) != 2 || inUse[0].Snapshot != names[0] || !strings.Contains(inUse[0].By, "a restore") || inUse[1].By != "a pin" {
		t.Errorf("in use: %+v", inUse)
	}
	if _, err := held.Hold(t.Context(), "again"); err != nil {
		t.Error(err)
	}
	if err := lease.Release(); err != nil {
		t.Fatal(err)
	}
	reader.Close() // the other lease
	if forgotten, _, err := snapshot.Forget(t.Context(), st, "fossology", names[:1]); err != nil || len(forgotten) != 1 {
		t.Errorf("%v, %v", forgotten, err)
	}
	if _, err := (&snapshot.Snapshot{Manifest: held.Manifest, Store: st}).Hold(t.Context(), "late"); !errors.Is(err, snapshot.ErrNoSnapshot) {
		t.Errorf("hold of a forgotten one: %v", err)
	}
}

// What is named goes, but for what must stay.
func TestForgetNamed(t *testing.T) {
	now := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	list := []snapshot.Candidate{{Name: "a", Time: now.Add(-3), Pin: new(snapshot.Pin)}, {Name: "b", Time: now.Add(-2)}, {Name: "c", Time: now.Add(-1), Damage: "no-file"}}
	var protected *snapshot.ProtectedError
	for name, may := range map[string]bool{"a": false, "b": false, "c": true} {
		decisions, err := snapshot.RetainAllBut(list, []string{name}, now)
		if may == errors.As(err, &protected) || may && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, d := range decisions {
			if d.Keep == (d.Snapshot == name) {
				t.Errorf("%s: %+v", name, d)
			}
		}
	}
}

// "current" leads to the newest day that is left.
func TestForgetMovesCurrent(t *testing.T) {
	st, repository := repotest.Store(t), t.TempDir()
	keep(t, repository, "stays")
	var names []string
	for _, layout := range []snapshot.Layout{snapshot.LayoutFlat, snapshot.LayoutFlat, snapshot.LayoutNone, snapshot.LayoutFlat} {
		o := options(st, repository)
		o.Layout = layout
		names = append(names, take(t, o).Name)
	}
	for _, step := range []struct{ goes, current string }{{names[0], names[3]}, {names[3], names[1]}, {names[1], ""}} {
		if _, _, err := snapshot.Forget(t.Context(), st, "fossology", []string{step.goes}); err != nil {
			t.Fatal(err)
		}
		if got := current(t, st); got != step.current {
			t.Errorf("without %s current is %q, not %q", step.goes, got, step.current)
		}
	}
}

// If it is not known what some snapshot needs, nothing is touched at all, and the error
// says what is wrong.
func TestCollectUnsure(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(st *store.Store, snapshots []string) error
		says  string
	}{
		"manifest garbage": {func(st *store.Store, s []string) error {
			return os.WriteFile(st.Path("snapshots", "fossology", s[0], "manifest"), []byte("garbage"), 0o644)
		}, "damaged manifest"},
		"manifest empty": {func(st *store.Store, s []string) error {
			return os.Truncate(st.Path("snapshots", "fossology", s[0], "manifest"), 0)
		}, "damaged manifest"},
		"manifest missing": {func(st *store.Store, s []string) error {
			return os.Remove(st.Path("snapshots", "fossology", s[0], "manifest"))
		}, "damaged manifest"},
		"from the future": {func(st *store.Store, s []string) error {
			line := `{"version":99}`
			return os.WriteFile(st.Path("snapshots", "fossology", s[0], "manifest"), []byte(line+"\n"+store.Sum([]byte(line)).String()+"\n"), 0o644)
		}, "newer than this repotool"},
		"another's manifest": {func(st *store.Store, s []string) error {
			return errors.Join(os.Rename(st.Path("snapshots", "fossology", s[0]), st.Path("snapshots", "fossology", "2020-01-01T000000Z")),
				os.Rename(st.Path("days", "fossology", s[0]), st.Path("days", "fossology", "2020-01-01T000000Z")))
		}, "it is that of snapshot"},
		"link in place of a snapshot": {func(st *store.Store, s []string) error {
			to := filepath.Join(t.TempDir(), "moved")
			return errors.Join(os.Rename(st.Path("snapshots", "fossology", s[0]), to), os.Symlink(to, st.Path("snapshots", "fossology", s[0])))
		}, "no directory"},
		"link in place of an installation": {func(st *store.Store, s []string) error {
			to := filepath.Join(t.TempDir(), "moved")
			return errors.Join(os.Rename(st.Path("snapshots", "fossology"), to), os.Symlink(to, st.Path("snapshots", "fossology")))
		}, "no directory"},
		"no snapshots": {func(st *store.Store, s []string) error { return os.RemoveAll(st.Path("snapshots", "fossology")) }, "no snapshot at all"},
		"no folder":    {func(st *store.Store, s []string) error { return os.RemoveAll(st.Path("snapshots")) }, "no such file"},
		"lost, but for its day": {func(st *store.Store, s []string) error {
			return os.RemoveAll(st.Path("snapshots", "fossology", s[1]))
		}, "its snapshot is gone"},
		"something else": {func(st *store.Store, s []string) error {
			return os.WriteFile(st.Path("snapshots", "fossology", "notes.txt"), nil, 0o644)
		}, "no directory"},
		"segment damaged": {func(st *store.Store, s []string) error {
			h := find(t, st, s[1]).Manifest.Segments[0].Object.String()
			f, err := os.OpenFile(st.Path("objects", h[:2], h), os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt([]byte{0xff}, 30)
			return errors.Join(err, f.Close())
		}, "manifest segment"},
		"segment missing": {func(st *store.Store, s []string) error {
			h := find(t, st, s[1]).Manifest.Segments[0].Object.String()
			return os.Remove(st.Path("objects", h[:2], h))
		}, "manifest segment"},
	} {
		t.Run(name, func(t *testing.T) {
			st, repository := repotest.Store(t), t.TempDir()
			oneGone(t, st, repository, "goes", snapshot.LayoutFlat)
			take(t, options(st, repository))
			collect(t, st, snapshot.CollectOptions{}) // so that there is something to delete
			if _, err := st.NewWriter().PutBytes(t.Context(), []byte("nobody's")); err != nil {
				t.Fatal(err)
			}
			if err := c.spoil(st, entriesIn(t, st.Path("snapshots", "fossology"))); err != nil {
				t.Fatal(err)
			}
			before := tree(t, st.Dir(), false)
			for range 3 {
				_, err := snapshot.Collect(t.Context(), st, snapshot.CollectOptions{})
				var unsure *snapshot.UnsureError
				if !errors.As(err, &unsure) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v", err)
				}
			}
			if d := cmp.Diff(before, tree(t, st.Dir(), false)); d != "" {
				t.Error(d)
			}
		})
	}
}

// A link in the place of a folder of the store is not followed, and what is behind it
// is not touched.
func TestCollectLinks(t *testing.T) {
	outside := t.TempDir()
	st, repository := repotest.Store(t), t.TempDir()
	keep(t, repository, "stays")
	take(t, options(st, repository))
	h := store.Sum([]byte("outside")).String()
	write(t, filepath.Join(outside, h), "outside")
	folder := st.Path("objects", h[:2])
	if err := os.Remove(folder); err != nil { // no object has that hash
		t.Fatal(err)
	}
	if err := os.Symlink(outside, folder); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if r := collect(t, st, snapshot.CollectOptions{}); len(r.Troubles) != 1 || r.Quarantined.Objects != 0 {
			t.Errorf("%+v", r)
		}
	}
	if err := errors.Join(os.Remove(folder), os.Mkdir(folder, 0o755), os.Symlink(filepath.Join(outside, h), filepath.Join(folder, h))); err != nil {
		t.Fatal(err)
	}
	if r := collect(t, st, snapshot.CollectOptions{}); len(r.Troubles) != 1 || r.Quarantined.Objects != 0 {
		t.Errorf("%+v", r)
	}
	os.Remove(st.Path("quarantine"))
	if err := os.Symlink(outside, st.Path("quarantine")); err != nil {
		t.Fatal(err)
	}
	if _, err := snapshot.Collect(t.Context(), st, snapshot.CollectOptions{}); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("quarantine is a link: %v", err)
	}
	if got := entriesIn(t, outside); len(got) != 1 {
		t.Errorf("outside: %v", got)
	}
}

// A snapshot that cannot be read is not what the others are forgotten for, whatever its
// summary says, and is not forgotten by a rule.
func TestUnreadableIsNotGood(t *testing.T) {
	for name, spoil := range map[string]func(st *store.Store, s *snapshot.Snapshot) error{
		"manifest": func(st *store.Store, s *snapshot.Snapshot) error {
			return os.Truncate(st.Path("snapshots", "fossology", s.Name(), "manifest"), 10)
		},
		"summary": func(st *store.Store, s *snapshot.Snapshot) error {
			return os.Remove(st.Path("snapshots", "fossology", s.Name(), "summary.json"))
		},
		"segment": func(st *store.Store, s *snapshot.Snapshot) error {
			segments := s.Manifest.Segments
			h := segments[len(segments)-1].Object.String()
			return os.Remove(st.Path("objects", h[:2], h))
		},
	} {
		t.Run(name, func(t *testing.T) {
			st, repository := repotest.Store(t), t.TempDir()
			var names []string
			for i := range 3 {
				keep(t, repository, fmt.Sprint("new ", i))
				names = append(names, take(t, fully(st, repository)).Name)
			}
			if err := spoil(st, find(t, st, "latest")); err != nil {
				t.Fatal(err)
			}
			list, err := snapshot.Candidates(st, "fossology")
			if err != nil {
				t.Fatal(err)
			}
			kept := keptOf(list, snapshot.Policy{Last: 1}, time.Now().Add(time.Minute))
			if want := map[string]bool{names[1]: true, names[2]: true}; cmp.Diff(want, kept) != "" {
				t.Errorf("of %v stay %v", names, kept)
			}
		})
	}
}

// A snapshot that is forgotten between being listed and being opened is not there; it is
// not damaged. The next one has its place as "latest".
func TestForgottenWhileFound(t *testing.T) {
	st, repository := repotest.Store(t), t.TempDir()
	keep(t, repository, "content")
	o := options(st, repository)
	o.Now = func() time.Time { return time.Now().Add(-time.Hour) }
	old := take(t, o)
	o.Now = time.Now
	taken := take(t, o)
	place, away := st.Path("snapshots", "fossology", taken.Name), filepath.Join(t.TempDir(), "away")
	for range 1000 {
		gone := make(chan error)
		go func() { gone <- os.Rename(place, away) }()
		for {
			if _, err := snapshot.Find(st, "fossology", "latest"); err != nil {
				t.Fatalf("latest: %v", err)
			}
			_, err := snapshot.Find(st, "fossology", taken.Name)
			if err == nil {
				continue
			}
			if !errors.Is(err, snapshot.ErrNoSnapshot) {
				t.Fatalf("by name: %v", err)
			}
			latest, err := snapshot.Find(st, "fossology", "latest")
			if err != nil || latest.Name() != old.Name {
				t.Fatalf("latest is %v, %v", latest, err)
			}
			break
		}
		if err := errors.Join(<-gone, os.Rename(away, place)); err != nil {
			t.Fatal(err)
		}
	}
}
