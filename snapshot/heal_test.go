package snapshot_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
	"repotool/verify"
)

// An object is gone from the store, and its file is damaged in the repository: all
// else is backed up each night, and each night says which file is lost, until it
// is whole again.
func TestTakeObjectLost(t *testing.T) {
	for _, layout := range []snapshot.Layout{snapshot.LayoutFlat, snapshot.LayoutNative, snapshot.LayoutNone} {
		t.Run(string(layout), func(t *testing.T) {
			repository, st := t.TempDir(), repotest.Store(t)
			for _, content := range strings.Fields("one two three four") {
				keep(t, repository, content)
			}
			o := options(st, repository)
			o.Layout = layout
			o.Now = func() time.Time { return time.Now().Add(time.Hour) } // so that no directory is too young to be trusted
			take(t, o)
			h := store.Sum([]byte("two")).String()
			object, file := st.Path("objects", h[:2], h), pathOf(repository, nameOf("two"))
			if err := os.Remove(object); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(file, 0o644); err != nil {
				t.Fatal(err)
			}
			writeInPlace(t, file, "tw?")
			keep(t, repository, "five")
			o.FullScan = true // where no day is made, a full scan looks for objects
			for night := range 3 {
				s := take(t, o)
				o.FullScan = false
				if s.FindingCount[snapshot.ObjectLost] != 1 || s.FindingCount[snapshot.StoreDamaged] != 0 || s.Files != 5 {
					t.Errorf("night %d: %d files, findings: %v", night, s.Files, s.First)
				}
				for _, f := range s.First {
					if filepath.Join(repository, f.Path) != file {
						t.Errorf("night %d: %v", night, f)
					}
				}
				r, err := verify.Store(t.Context(), st, verify.ScrubOptions{})
				if err != nil || r.Counts[verify.ObjectMissing] != 1 || len(r.Counts) != 1 {
					t.Errorf("night %d: verify finds %v, %v", night, r.Findings, err)
				}
			}
			writeInPlace(t, file, "two")
			if s := take(t, o); s.FindingCount[snapshot.ObjectLost] != 0 {
				t.Errorf("findings when it is whole again: %v", s.First)
			}
			compareSnapshotWithTree(t, find(t, st, "latest"), repository)
		})
	}
}

// Two files share an object that is gone, and one of them is damaged: the other
// brings it back for both.
func TestTakeObjectShared(t *testing.T) {
	for _, bad := range []string{"a", "z"} {
		repository, st := t.TempDir(), repotest.Store(t)
		keep(t, repository, "another")
		for _, name := range []string{"a", "z"} {
			write(t, filepath.Join(repository, "logs", name), "the same")
		}
		take(t, options(st, repository))
		h := store.Sum([]byte("the same")).String()
		if err := os.Remove(st.Path("objects", h[:2], h)); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(repository, "logs", bad)
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		writeInPlace(t, file, "the s?me")
		if err := os.Chtimes(file, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		s := take(t, options(st, repository))
		if s.FindingCount[snapshot.ObjectLost] != 0 || s.FindingCount[snapshot.StoreDamaged] != 1 {
			t.Errorf("%s is bad: %v", bad, s.First)
		}
		for _, name := range []string{"a", "z"} {
			b, err := os.ReadFile(st.Path("days", "fossology", "current", "other", "logs", name))
			if err != nil || string(b) != "the same" {
				t.Errorf("%s is bad: the day's %s has %q, %v", bad, name, b, err)
			}
		}
	}
}

// writeInPlace changes what a file holds, and nothing of its directory.
func writeInPlace(t testing.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
