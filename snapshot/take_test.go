package snapshot_test

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
)

// options are those of a plain snapshot without a database.
func options(st *store.Store, repository string) snapshot.TakeOptions {
	return snapshot.TakeOptions{Store: st, Installation: "fossology", Repository: repository, Depth: 3,
		Command: "test", Version: "test", Now: time.Now, Log: slog.New(slog.DiscardHandler)}
}

func take(t testing.TB, o snapshot.TakeOptions) *snapshot.Summary {
	t.Helper()
	s, err := snapshot.Take(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// countFiles counts the regular files below dir.
func countFiles(t testing.TB, dir string) (files, bytes int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			files++
			bytes += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, bytes
}

// workFiles are the files that an agent at work owns, and its directories.
func workFiles(t testing.TB, root string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "ununpack" || d.Name() == "wget") {
			paths = append(paths, path)
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".I") {
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// A first snapshot of the real fixture holds each of its files, and a second
// one of an unchanged repository reads and adds nothing.
func TestTakeFixture(t *testing.T) {
	repository := repotest.Repository(t)
	st := repotest.Store(t)
	first := take(t, options(st, repository))
	if first.Types["gold"].Files != 89 || first.Types["gold"].Bytes != 11_768_213 {
		t.Errorf("gold: %+v, want 89 files of 11768213 bytes", first.Types["gold"])
	}
	if first.Types["files"].Files != 846 || first.Types["files"].Bytes != 37_258_435 {
		t.Errorf("files: %+v, want 846 files of 37258435 bytes", first.Types["files"])
	}
	if first.Findings() != 0 {
		t.Errorf("findings: %v", first.First)
	}
	work := workFiles(t, repository)
	if len(work) != 3 || first.WorkFiles != 3 {
		t.Errorf("%d work files were passed over, want 3: %v", first.WorkFiles, work)
	}
	if day, err := os.Readlink(st.Path("days", "fossology", "current")); err != nil || day != first.Name {
		t.Errorf("current is %q, %v; want %q", day, err, first.Name)
	}
	objects, bytes := countFiles(t, st.Path("objects"))
	second := take(t, options(st, repository))
	if second.Read.Files != 0 || second.Added.Files != 0 {
		t.Errorf("second snapshot read %+v and added %+v", second.Read, second.Added)
	}
	if second.Files != first.Files || second.Bytes != first.Bytes {
		t.Errorf("second snapshot has %d files of %d bytes, first %d of %d", second.Files, second.Bytes, first.Files, first.Bytes)
	}
	if day, err := os.Readlink(st.Path("days", "fossology", "current")); err != nil || day != second.Name || day == first.Name {
		t.Errorf("current is %q, %v; want %q", day, err, second.Name)
	}
	if o, b := countFiles(t, st.Path("objects")); o != objects || b != bytes {
		t.Errorf("second snapshot made objects: %d of %d bytes, before %d of %d", o, b, objects, bytes)
	}
}

// The file system's clock ticks slowly: what was made just before a walk is
// read again by the next. Later ones read only where an agent is at work.
func TestTakeShortCut(t *testing.T) {
	repository := repotest.Repository(t)
	old := time.Now().Add(-7 * 24 * time.Hour) // logs of the last days are looked at each time
	err := filepath.WalkDir(filepath.Join(repository, "logs"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		return os.Chtimes(path, old, old)
	})
	if err != nil {
		t.Fatal(err)
	}
	st := repotest.Store(t)
	take(t, options(st, repository))
	time.Sleep(200 * time.Millisecond)
	take(t, options(st, repository))
	time.Sleep(200 * time.Millisecond)
	third := take(t, options(st, repository))
	if third.FullScan || third.DirsRead > third.WorkFiles {
		t.Errorf("third snapshot: full scan %v, %d of %d directories read", third.FullScan, third.DirsRead, third.Dirs)
	}
}

// A changed mtime or inode alone costs no bytes: a tenth of the files is
// touched, another tenth rewritten as FOSSology's unpacker does it.
func TestTakeTouchedAndRewritten(t *testing.T) {
	repository := repotest.Repository(t)
	st := repotest.Store(t)
	first := take(t, options(st, repository))
	before := objects(t, st)
	n := 0
	err := filepath.WalkDir(filepath.Join(repository, "localhost", "files"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.HasSuffix(path, ".I") {
			return err
		}
		switch n++; n % 10 {
		case 0:
			return os.Chtimes(path, time.Time{}, time.Now())
		case 1:
			b, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path+".I", b, 0o660)
			}
			if err == nil {
				err = os.Rename(path+".I", path)
			}
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	second := take(t, options(st, repository))
	if second.Read.Files != 0 || second.Files != first.Files || second.Removed != 0 {
		t.Errorf("read %+v, %d files of %d, removed %d", second.Read, second.Files, first.Files, second.Removed)
	}
	after := objects(t, st)
	for _, s := range []*snapshot.Snapshot{find(t, st, "latest~1"), find(t, st, "latest")} {
		for _, segment := range s.Manifest.Segments { // what the nights differ in
			delete(before, segment.Object)
			delete(after, segment.Object)
		}
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("objects (-before +after):\n%s", diff)
	}
	days := []map[string]uint64{inodes(t, st, first.Name), inodes(t, st, second.Name)}
	if diff := cmp.Diff(days[0], days[1]); diff != "" || len(days[0]) < 900 {
		t.Errorf("links of %d files (-first +second):\n%.1000s", len(days[0]), diff)
	}
}

// objects are the sizes of all objects.
func objects(t testing.TB, st *store.Store) map[store.Hash]int64 {
	t.Helper()
	all := map[store.Hash]int64{}
	for info, err := range st.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all[info.Object] = info.Size
	}
	return all
}

// inodes are those of the files in a day, empty ones left out: they are no links.
func inodes(t testing.TB, st *store.Store, name string) map[string]uint64 {
	t.Helper()
	all := map[string]uint64{}
	day := st.Path("days", "fossology", name)
	err := filepath.WalkDir(day, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == "RESTORE.txt" {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > 0 {
			rel, _ := filepath.Rel(day, path)
			all[rel] = info.Sys().(*syscall.Stat_t).Ino
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// What arrives, vanishes and returns is seen by the short cut as by a full
// scan: both give the same manifest.
func TestTakeChanges(t *testing.T) {
	repository := repotest.Repository(t)
	a, b := repotest.Store(t), repotest.Store(t)
	take(t, options(a, repository))
	files := filepath.Join(repository, "localhost", "files")
	var paths []string
	filepath.WalkDir(files, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			paths = append(paths, path)
		}
		return err
	})
	for i := 0; i < len(paths); i += 7 {
		if err := os.Remove(paths[i]); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			os.Remove(filepath.Dir(paths[i])) // the empty directory, too
		}
	}
	for _, name := range []string{"localhost/files/stray", "localhost/files/00/a b", "logs/x", "top"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(repository, name)), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(repository, name), []byte(name), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nowhere", filepath.Join(repository, "localhost", "link")); err != nil {
		t.Fatal(err)
	}
	second := take(t, options(a, repository))
	if second.FullScan || second.DirsRead == second.Dirs {
		t.Errorf("the short cut was not taken: %d of %d directories read", second.DirsRead, second.Dirs)
	}
	take(t, options(b, repository))
	compareSnapshots(t, find(t, a, "latest"), find(t, b, "latest"))
}

func find(t testing.TB, st *store.Store, ref string) *snapshot.Snapshot {
	t.Helper()
	s, err := snapshot.Find(st, "fossology", ref)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func compareSnapshots(t testing.TB, a, b *snapshot.Snapshot) {
	t.Helper()
	n := 0
	for c, err := range snapshot.Diff(context.Background(), a, b) {
		if err != nil {
			t.Fatal(err)
		}
		if c.Old != nil && c.Old.Kind == snapshot.Dir || c.New != nil && c.New.Kind == snapshot.Dir {
			continue // which directories have an entry depends on the first scan
		}
		if n++; n < 10 {
			t.Errorf("%s: %+v, %+v", c.Path, c.Old, c.New)
		}
	}
	if at, bt := a.Manifest.Total(), b.Manifest.Total(); at != bt {
		t.Errorf("totals %+v, %+v", at, bt)
	}
}

// A snapshot that reads everything tells from the start how much that will be,
// as far as the one before knows.
func TestTakeProgress(t *testing.T) {
	repository := repotest.Repository(t)
	st := repotest.Store(t)
	first := take(t, options(st, repository))
	o := options(st, repository)
	o.Detect, o.Progress = snapshot.DetectRead, new(snapshot.Progress)
	expected := map[snapshot.Phase]int64{}
	o.Now = func() time.Time {
		expected[o.Progress.Phase()] = o.Progress.TotalFiles.Load()
		return time.Now()
	}
	take(t, o)
	if n := expected[snapshot.PhaseScan]; n != first.Files {
		t.Errorf("the scan expected %d files, want %d: %v", n, first.Files, expected)
	}
}

// After a clock that was ahead, names stay in order, and somebody is told that
// they are not the times.
func TestTakeClockBehind(t *testing.T) {
	st, repository := repotest.Store(t), repotest.Repository(t)
	o := options(st, repository)
	o.Now = func() time.Time { return time.Now().Add(time.Hour) }
	first := take(t, o)
	second := take(t, options(st, repository))
	if second.Name <= first.Name || second.FindingCount[snapshot.ClockBehind] != 1 || first.FindingCount[snapshot.ClockBehind] != 0 {
		t.Errorf("%s %v, then %s %v", first.Name, first.FindingCount, second.Name, second.FindingCount)
	}
}

// A day whose snapshot was deleted keeps its name; the next snapshot takes another.
func TestTakeBesideAnOrphanedDay(t *testing.T) {
	st, repository := repotest.Store(t), repotest.Repository(t)
	o := options(st, repository)
	now := time.Now()
	o.Now = func() time.Time { return now }
	first := take(t, o)
	if err := os.RemoveAll(st.Path("snapshots", "fossology", first.Name)); err != nil {
		t.Fatal(err)
	}
	if second := take(t, o); second.Name == first.Name {
		t.Errorf("both are %s", first.Name)
	}
}
