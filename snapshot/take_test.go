package snapshot_test

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
	if first.WorkFiles == 0 {
		t.Error("the work directory and the .I file were not noticed")
	}
	objects, bytes := countFiles(t, st.Path("objects"))
	second := take(t, options(st, repository))
	if second.Read.Files != 0 || second.Added.Files != 0 {
		t.Errorf("second snapshot read %+v and added %+v", second.Read, second.Added)
	}
	if second.Files != first.Files || second.Bytes != first.Bytes {
		t.Errorf("second snapshot has %d files of %d bytes, first %d of %d", second.Files, second.Bytes, first.Files, first.Bytes)
	}
	if o, b := countFiles(t, st.Path("objects")); o != objects || b != bytes {
		t.Errorf("second snapshot made objects: %d of %d bytes, before %d of %d", o, b, objects, bytes)
	}
}

// The file system's clock ticks slowly: what was made just before a walk is
// read again by the next. Later ones read only where an agent is at work.
func TestTakeShortCut(t *testing.T) {
	repository := repotest.Repository(t)
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
	objects, bytes := countFiles(t, st.Path("objects"))
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
	o, b := countFiles(t, st.Path("objects"))
	if o > objects+2 || b > bytes+40_000 { // the difference of the manifest is an object, too
		t.Errorf("%d objects of %d bytes, before %d of %d", o, b, objects, bytes)
	}
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
