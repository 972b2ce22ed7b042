package verify_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repotool/snapshot"
	"repotool/store"
	"repotool/verify"
)

// repaired checks the store, repairs it, and returns the report; all must be
// good then.
func (w world) repaired(t testing.TB) *verify.Report {
	t.Helper()
	r := w.complete(t)
	if r.Good() {
		t.Fatal("the damage was not found")
	}
	if err := verify.Repair(t.Context(), w.st, r, verify.RepairOptions{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if !r.Good() || r.Repaired == 0 {
		t.Errorf("not repaired: %+v", r.Findings)
	}
	if again := w.complete(t); !again.Good() {
		t.Errorf("after the repair: %+v", again.Findings)
	}
	return r
}

// dayState is all that a day shows.
func (w world) dayState(t testing.TB) map[string]string {
	t.Helper()
	shown := map[string]string{}
	err := filepath.WalkDir(w.day(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		var b []byte
		if d.Type() == fs.ModeSymlink {
			shown[path], err = os.Readlink(path)
		} else if b, err = os.ReadFile(path); err == nil {
			shown[path] = store.Sum(b).String()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return shown
}

// Whatever a day lacks or shows wrongly is made again, while its object is good,
// and what stood in its place is kept.
func TestRepairDay(t *testing.T) {
	w := newWorld(t)
	e := w.some(t)
	path, _ := w.snap.DayPath(&e, snapshot.LayoutFlat)
	file := w.st.Path(path)
	link, empty := w.day("other", "localhost", "gold", "link"), w.day("other", "localhost", "gold", "empty")
	replace := func(name, text string) error {
		return errors.Join(os.RemoveAll(name), os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644))
	}
	want := w.dayState(t)
	for _, test := range []struct {
		name   string
		damage func() error
		kept   string // a file of the day
	}{
		{"file gone", func() error { return os.Remove(file) }, ""},
		{"folder gone", func() error { return os.RemoveAll(filepath.Dir(file)) }, ""},
		{"other bytes", func() error { return replace(file, "x") }, file},
		{"directory in the way", func() error { return replace(filepath.Join(file, "sub"), "x") }, filepath.Join(file, "sub")},
		{"empty file gone", func() error { return os.Remove(empty) }, ""},
		{"no longer empty", func() error { return replace(empty, "x") }, empty},
		{"link gone", func() error { return os.Remove(link) }, ""},
		{"file for a link", func() error { return replace(link, "x") }, link},
		{"text gone", func() error { return os.Remove(w.day("RESTORE.txt")) }, ""},
		{"other text", func() error { return replace(w.day("RESTORE.txt"), "rm -rf / # "+w.snap.Name()) }, w.day("RESTORE.txt")},
		{"foreign piece", func() error { return replace(w.day("database", "000001.sql.zst"), "x") }, w.day("database", "000001.sql.zst")},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.name == "directory in the way" {
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
			}
			if err := test.damage(); err != nil {
				t.Fatal(err)
			}
			r := w.repaired(t)
			if d := cmp.Diff(want, w.dayState(t)); d != "" {
				t.Error(d)
			}
			if (test.kept == "") != (r.Quarantine == "") {
				t.Fatalf("kept in %q", r.Quarantine)
			}
			if test.kept != "" {
				below, _ := filepath.Rel(w.st.Dir(), test.kept)
				if _, err := os.ReadFile(w.st.Path(r.Quarantine, below)); err != nil {
					t.Error(err)
				}
				os.RemoveAll(w.st.Path(r.Quarantine)) // the next one may come within a second
			}
		})
	}
}

// A snapshot that comes upon a bad object keeps the bad bytes and puts good ones
// in their place; the days before it show the bad ones until a repair.
func TestRepairDayAfterSnapshot(t *testing.T) {
	w := newWorld(t)
	e := w.some(t)
	path, _ := w.snap.DayPath(&e, snapshot.LayoutFlat)
	flip(t, w.object(e.Object))
	_, err := snapshot.Take(t.Context(), snapshot.TakeOptions{Store: w.st, Installation: "x", Repository: w.repository, Depth: 3,
		Detect: snapshot.DetectRead, Now: func() time.Time { return time.Now().Add(time.Hour) }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile(w.st.Path("trash", e.Object.String())); err != nil || store.Sum(kept) == e.Object {
		t.Errorf("the bad bytes are lost: %v", err)
	}
	r, err := verify.Store(t.Context(), w.st, verify.ScrubOptions{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if r.Counts[verify.DayIncomplete] == 0 || r.Counts[verify.DayIncomplete] != r.Wrong() {
		t.Fatalf("%+v", r.Findings)
	}
	if err := verify.Repair(t.Context(), w.st, r, verify.RepairOptions{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(w.st.Path(path))
	if err != nil || store.Sum(got) != e.Object || !r.Good() {
		t.Errorf("%v, %+v", err, r.Findings)
	}
}

// A day's file whose object is bad, too, is not called repaired, and the bad
// object does not get into the day.
func TestRepairDayWithoutObject(t *testing.T) {
	w := newWorld(t)
	e := w.some(t)
	path, _ := w.snap.DayPath(&e, snapshot.LayoutFlat)
	os.Remove(w.st.Path(path))
	flip(t, w.object(e.Object))
	os.RemoveAll(w.repository)
	r := w.complete(t)
	if err := verify.Repair(t.Context(), w.st, r, verify.RepairOptions{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(w.st.Path(path)); err == nil || r.Repaired != 0 || r.Good() {
		t.Errorf("%v, %+v", err, r)
	}
}
