package snapshot_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
)

// keepModel is a naive idea of an installation and its snapshots: every file of every
// one, in memory.
type keepModel struct {
	st         *store.Store
	repository string
	now        time.Time
	random     *rand.Rand
	files      map[string]string            // of the repository: path to content
	snapshots  map[string]map[string]string // by name
	days       map[string]bool
}

func newKeepModel(t testing.TB, seed uint64) *keepModel {
	m := &keepModel{st: repotest.Store(t), repository: t.TempDir(), now: time.Date(2026, 1, 1, 2, 0, 0, 0, time.UTC),
		random: rand.New(rand.NewPCG(seed, 3)), files: map[string]string{}, snapshots: map[string]map[string]string{}, days: map[string]bool{}}
	path, _ := filepath.Rel(m.repository, keep(t, m.repository, "always there")) // else it is no repository
	m.files[path] = "always there"
	return m
}

// change adds, alters and removes a few files. Contents come again.
func (m *keepModel) change(t testing.TB) {
	for range 1 + m.random.IntN(6) {
		content := fmt.Sprint("content ", m.random.IntN(60))
		path := filepath.Join("localhost", "logs", strconv.Itoa(m.random.IntN(30)))
		if m.random.IntN(3) > 0 {
			path, _ = filepath.Rel(m.repository, pathOf(m.repository, nameOf(content)))
		}
		if _, there := m.files[path]; there && content != "always there" && m.random.IntN(2) == 0 {
			delete(m.files, path)
			if err := os.Remove(filepath.Join(m.repository, path)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		m.files[path] = content
		write(t, filepath.Join(m.repository, path), content)
	}
}

func (m *keepModel) take(t testing.TB) {
	m.now = m.now.Add(time.Duration(1+m.random.IntN(40)) * time.Hour)
	o := options(m.st, m.repository)
	o.Now = func() time.Time { return m.now }
	o.FullScan = true // files change within a tick of the clock here
	o.Detect = snapshot.DetectRead
	o.Layout = []snapshot.Layout{snapshot.LayoutFlat, snapshot.LayoutNone}[m.random.IntN(2)]
	s := take(t, o)
	m.snapshots[s.Name] = maps.Clone(m.files)
	if o.Layout != snapshot.LayoutNone {
		m.days[s.Name] = true
	}
}

func (m *keepModel) forget(t testing.TB) {
	list, err := snapshot.Candidates(m.st, "fossology")
	if err != nil {
		t.Fatal(err)
	}
	p := snapshot.Policy{Last: 1 + m.random.IntN(5), Daily: m.random.IntN(4)}
	var names []string
	for _, d := range snapshot.Retain(list, p, m.now) {
		if !d.Keep {
			names = append(names, d.Snapshot)
		}
	}
	forgotten, inUse, err := snapshot.Forget(t.Context(), m.st, "fossology", names)
	if err != nil || len(inUse) > 0 || len(forgotten) != len(names) {
		t.Fatalf("%v of %v forgotten, in use %v, %v", forgotten, names, inUse, err)
	}
	for _, name := range forgotten {
		delete(m.snapshots, name)
		delete(m.days, name)
	}
}

// restore compares one snapshot, byte for byte.
func (m *keepModel) restore(t testing.TB, name string) {
	to := filepath.Join(t.TempDir(), "to")
	restore(t, find(t, m.st, name), snapshot.RestoreOptions{To: to})
	got := map[string]string{}
	err := filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(to, path)
		got[rel] = string(b)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if d := cmp.Diff(m.snapshots[name], got); d != "" {
		t.Fatalf("%s restored (-want +got):\n%s", name, d)
	}
}

// check compares list, days and objects with the model. exact: nobody works here, and
// all garbage has been collected.
func (m *keepModel) check(t testing.TB, exact bool) {
	t.Helper()
	list, err := snapshot.List(m.st, "fossology")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	needed := map[string]bool{}
	for _, s := range list {
		names = append(names, s.Name)
		for _, seg := range find(t, m.st, s.Name).Manifest.Segments {
			needed[seg.Object.String()] = true
		}
	}
	if d := cmp.Diff(slices.Sorted(maps.Keys(m.snapshots)), names); d != "" {
		t.Fatalf("listed (-want +got):\n%s", d)
	}
	for _, files := range m.snapshots {
		for _, content := range files {
			needed[store.Sum([]byte(content)).String()] = true
		}
	}
	objects := objectsOf(t, m.st)
	for h := range needed {
		if objects[h] == 0 {
			if _, err := m.st.Stat(parseHash(t, h)); err != nil || exact {
				t.Fatalf("object %s is needed: %v", h, err)
			}
		}
	}
	if exact {
		for h := range objects {
			if !needed[h] {
				t.Fatalf("object %s is not needed, and there", h)
			}
		}
		if left := entriesIn(t, m.st.Path("quarantine")); len(left) > 0 {
			t.Fatalf("left in quarantine: %v", left)
		}
		days := slices.DeleteFunc(entriesIn(t, m.st.Path("days", "fossology")), func(s string) bool { return s[0] != '2' })
		if d := cmp.Diff(slices.Sorted(maps.Keys(m.days)), days); d != "" && len(m.days)+len(days) > 0 {
			t.Fatalf("days (-want +got):\n%s", d)
		}
	}
	allGood(t, m.st)
}

func parseHash(t testing.TB, s string) store.Hash {
	t.Helper()
	h, err := store.ParseHash(s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func entriesIn(t testing.TB, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// objectsOf lists the files in objects/, with their links.
func objectsOf(t testing.TB, st *store.Store) map[string]uint64 {
	t.Helper()
	all := map[string]uint64{}
	for info, err := range st.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if exists(st.Path("objects", info.Object.String()[:2], info.Object.String())) {
			all[info.Object.String()] = info.Links
		}
	}
	return all
}

func exists(name string) bool { _, err := os.Lstat(name); return err == nil }

func collect(t testing.TB, st *store.Store, o snapshot.CollectOptions) *snapshot.CollectReport {
	t.Helper()
	r, err := snapshot.Collect(t.Context(), st, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestKeepModel does things in random order and asks the model what must be there.
// KEEP_STEPS says how many, KEEP_SEED which.
func TestKeepModel(t *testing.T) {
	number := func(name string, otherwise uint64) uint64 {
		n, err := strconv.ParseUint(os.Getenv(name), 10, 64)
		if err != nil {
			return otherwise
		}
		return n
	}
	seed := number("KEEP_SEED", uint64(time.Now().UnixNano()))
	t.Logf("KEEP_SEED=%d", seed)
	m := newKeepModel(t, seed)
	m.change(t)
	m.take(t)
	for range number("KEEP_STEPS", 50) {
		switch m.random.IntN(10) {
		case 0, 1, 2:
			m.change(t)
			m.take(t)
		case 3, 4:
			m.forget(t)
		case 5, 6:
			window := 1 + m.random.IntN(40)
			dry := collect(t, m.st, snapshot.CollectOptions{DryRun: true})
			o := snapshot.CollectOptions{}.WithWindow(window + 7)
			if m.random.IntN(2) == 0 { // as on a full disk
				o = o.WithoutFile()
			}
			r := collect(t, m.st, o)
			if dry.Quarantined != r.Quarantined || dry.Deleted != r.Deleted || dry.Objects+dry.Returned.Objects != r.Objects {
				t.Fatalf("would do %+v, did %+v", dry, r)
			}
		case 7:
			if _, err := snapshot.BringBack(t.Context(), m.st, snapshot.CollectOptions{}); err != nil {
				t.Fatal(err)
			}
		case 8:
			names := slices.Sorted(maps.Keys(m.snapshots))
			m.restore(t, names[m.random.IntN(len(names))])
		case 9:
			if _, err := snapshot.EmptyTrash(t.Context(), m.st); err != nil {
				t.Fatal(err)
			}
		}
		m.check(t, false)
	}
	for range 2 {
		collect(t, m.st, snapshot.CollectOptions{})
	}
	m.check(t, true)
	for name := range m.snapshots {
		m.restore(t, name)
	}
}
