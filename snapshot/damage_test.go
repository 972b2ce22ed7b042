package snapshot_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
)

// spoil puts other bytes in the place of a file's, or nothing.
func spoil(t testing.TB, name string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err == nil {
		err = os.Remove(name)
	}
	if b = change(b); err == nil && b != nil {
		err = os.WriteFile(name, b, 0o444)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func flip(at func(size int) int) func([]byte) []byte {
	return func(b []byte) []byte {
		b[at(len(b))] ^= 4
		return b
	}
}

// Files of two nights: the first fills more than one block of a manifest.
const firstNight, secondNight = 2500, 30

func withoutDay(st *store.Store, repository string) snapshot.TakeOptions {
	o := options(st, repository)
	o.Layout = snapshot.LayoutNone
	return o
}

// twoNights takes two snapshots of a repository with enough files for several
// blocks of a manifest. The second one has a segment of its own.
func twoNights(t testing.TB, st *store.Store) (repository string) {
	t.Helper()
	repository = t.TempDir()
	for i := range firstNight {
		content := "" // which costs the store nothing
		if i%100 == 0 {
			content = fmt.Sprint("first night ", i)
		}
		write(t, filepath.Join(repository, "localhost", "files", "aa", fmt.Sprintf("%x %d", store.Sum(fmt.Append(nil, i)), i)), content)
	}
	take(t, withoutDay(st, repository))
	for i := range secondNight {
		keep(t, repository, fmt.Sprint("second night ", i))
	}
	take(t, withoutDay(st, repository))
	if n := len(find(t, st, "latest").Manifest.Segments); n != 2 {
		t.Fatalf("%d segments", n)
	}
	return repository
}

// A manifest that is damaged, in whatever part, is met with an error that says
// so by everyone who reads it, nothing wrong is restored, and the night after
// it is a good one again.
func TestManifestDamaged(t *testing.T) {
	manifest := func(st *store.Store, ref string) string {
		return st.Path("snapshots", "fossology", find(t, st, ref).Name(), "manifest")
	}
	segment := func(st *store.Store, i int) string {
		h := find(t, st, "latest").Manifest.Segments[i].Object.String()
		return st.Path("objects", h[:2], h)
	}
	gone := func([]byte) []byte { return nil }
	start := flip(func(int) int { return 0 })
	first := flip(func(int) int { return 100 })
	middle := flip(func(n int) int { return n / 2 })
	end := flip(func(n int) int { return n - 3 })
	short := func(b []byte) []byte { return b[:len(b)/2] }
	for _, test := range []struct {
		name    string
		damage  func(*store.Store)
		damaged int64 // snapshots
	}{
		{"manifest gone", func(st *store.Store) { spoil(t, manifest(st, "latest"), gone) }, 1},
		{"manifest flipped", func(st *store.Store) { spoil(t, manifest(st, "latest"), middle) }, 1},
		{"manifest cut short", func(st *store.Store) { spoil(t, manifest(st, "latest"), short) }, 1},
		{"all manifests gone", func(st *store.Store) {
			spoil(t, manifest(st, "latest~1"), gone)
			spoil(t, manifest(st, "latest"), gone)
		}, 2},
		{"second segment gone", func(st *store.Store) { spoil(t, segment(st, 1), gone) }, 1},
		{"second segment flipped", func(st *store.Store) { spoil(t, segment(st, 1), middle) }, 1},
		{"first segment gone", func(st *store.Store) { spoil(t, segment(st, 0), gone) }, 2},
		{"first segment's first byte", func(st *store.Store) { spoil(t, segment(st, 0), start) }, 2},
		{"first segment's first block", func(st *store.Store) { spoil(t, segment(st, 0), first) }, 2},
		{"first segment's second block", func(st *store.Store) { spoil(t, segment(st, 0), middle) }, 2},
		{"first segment's last bytes", func(st *store.Store) { spoil(t, segment(st, 0), end) }, 2},
		{"first segment cut short", func(st *store.Store) { spoil(t, segment(st, 0), short) }, 2},
		{"first segment empty", func(st *store.Store) { spoil(t, segment(st, 0), func([]byte) []byte { return []byte{} }) }, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			st := repotest.Store(t)
			repository := twoNights(t, st)
			test.damage(st)
			list, err := snapshot.List(st, "fossology")
			if err != nil || len(list) != 2 {
				t.Errorf("%d snapshots are listed, %v", len(list), err)
			}
			readDamaged(t, st, repository)
			if test.damaged == 1 {
				compareCount(t, find(t, st, "latest~1"), firstNight)
			}
			third := take(t, withoutDay(st, repository))
			if third.FindingCount[snapshot.OldSnapshot] != test.damaged || third.Findings() != test.damaged {
				t.Errorf("findings of the next night: %v, %v", third.FindingCount, third.First)
			}
			if want := map[bool]int64{true: firstNight + secondNight, false: secondNight}[test.damaged == 2]; third.Read.Files != want {
				t.Errorf("the next night read %d files, want %d", third.Read.Files, want)
			}
			compareSnapshotWithTree(t, find(t, st, "latest"), repository)
			if fourth := take(t, withoutDay(st, repository)); fourth.Findings() != 0 || fourth.Read.Files != 0 {
				t.Errorf("the night after that: %v, %d files read", fourth.First, fourth.Read.Files)
			}
		})
	}
}

// readDamaged wants everything that reads the latest snapshot to say that it
// is damaged, and a restore to bring back nothing that is wrong.
func readDamaged(t testing.TB, st *store.Store, repository string) {
	t.Helper()
	says := func(what string, err error) {
		t.Helper()
		var hint interface{ Hint() string }
		if !errors.Is(err, snapshot.ErrDamagedManifest) || !errors.As(err, &hint) || hint.Hint() == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	s, err := snapshot.Find(st, "fossology", "latest")
	if err != nil {
		says("find", err)
		return
	}
	err = nil
	for _, e := range s.Entries(t.Context(), "") {
		err = e
	}
	says("ls", err)
	to := filepath.Join(t.TempDir(), "restored")
	_, err = s.Restore(t.Context(), snapshot.RestoreOptions{To: to})
	says("restore", err)
	want := tree(t, repository, false)
	for path, text := range tree(t, to, false) {
		if want[path] != text {
			t.Errorf("%s was restored with other bytes", path)
		}
	}
	if work := workFiles(t, to); len(work) > 0 {
		t.Errorf("left: %v", work)
	}
}

func compareCount(t testing.TB, s *snapshot.Snapshot, want int) {
	t.Helper()
	if n := len(held(t, s)); n != want {
		t.Errorf("snapshot %s has %d files, want %d", s.Name(), n, want)
	}
}

// A segment of a later repotool is no damage: it is newer.
func TestSegmentNewer(t *testing.T) {
	for magic, want := range map[string]error{
		"repotool segment 4\n":  store.ErrNewerFormat,
		"repotool segment 17\n": store.ErrNewerFormat,
		"repotool segment 0\n":  snapshot.ErrDamagedManifest,
		"repotool segment -\n":  snapshot.ErrDamagedManifest,
		"another thing 2\n----": snapshot.ErrDamagedManifest,
	} {
		repository, st := t.TempDir(), repotest.Store(t)
		keep(t, repository, "good")
		take(t, options(st, repository))
		s := find(t, st, "latest")
		b, err := os.ReadFile(st.Path("objects", s.Manifest.Segments[0].Object.String()[:2], s.Manifest.Segments[0].Object.String()))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(b), "\n")
		put, err := st.NewWriter().PutBytes(t.Context(), []byte(magic+rest))
		if err != nil {
			t.Fatal(err)
		}
		s.Manifest.Segments[0].Object = put.Object
		other := map[error]error{store.ErrNewerFormat: snapshot.ErrDamagedManifest, snapshot.ErrDamagedManifest: store.ErrNewerFormat}[want]
		for _, err := range s.Entries(t.Context(), "") {
			if !errors.Is(err, want) || errors.Is(err, other) {
				t.Errorf("%q: %v, want %v", magic, err, want)
			}
		}
	}
}
