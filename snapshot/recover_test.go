package snapshot_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
	"repotool/verify"
)

// nights takes two snapshots with days of a repository with all kinds of files.
func nights(t *testing.T, st *store.Store, layout snapshot.Layout, dsn string) (repository string, a *archives) {
	t.Helper()
	repository = filepath.Join(t.TempDir(), "repository")
	a = newArchives()
	a.gold(t, repository, "one.tar", "made one", "made two")
	keep(t, repository, "a file")
	keep(t, repository, "")
	write(t, filepath.Join(repository, "logs", "00", "00", "85", "000085"), "a log")
	write(t, filepath.Join(repository, "localhost", "odd", "not-in-its-place"), "odd")
	write(t, filepath.Join(repository, "database", "odd"), "a name of the day's own")
	if err := errors.Join(os.Chmod(pathOf(repository, nameOf("a file")), 0o640), os.Symlink("nowhere", filepath.Join(repository, "localhost", "files", "link"))); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		o := golden(st, repository, a)
		o.Layout, o.Now = layout, func() time.Time { return time.Date(2026, 11, 25+i, 2, 0, 0, 0, time.UTC) }
		if dsn != "" {
			withDatabase(&o, fossology.DSN(dsn), "")
		}
		keep(t, repository, []string{"first", "second"}[i])
		take(t, o)
	}
	return repository, a
}

// TestRecover: a manifest that was lost, in whatever way, is made anew from the day, with
// all that the day and the other snapshot know.
func TestRecover(t *testing.T) {
	dsn := repotest.Fossology(t)
	damages := map[string]func(st *store.Store, s *snapshot.Snapshot) error{
		"snapshot gone": func(st *store.Store, s *snapshot.Snapshot) error {
			return os.RemoveAll(st.Path("snapshots", "fossology", s.Name()))
		},
		"manifest garbled": func(st *store.Store, s *snapshot.Snapshot) error {
			return os.WriteFile(st.Path("snapshots", "fossology", s.Name(), "manifest"), []byte("garbled"), 0o644)
		},
		"object gone, too": func(st *store.Store, s *snapshot.Snapshot) error {
			h := store.Sum([]byte("second")).String()
			return errors.Join(os.Remove(st.Path("objects", h[:2], h)), os.RemoveAll(st.Path("snapshots", "fossology", s.Name())))
		},
	}
	for name, damage := range damages {
		for _, layout := range []snapshot.Layout{snapshot.LayoutFlat, snapshot.LayoutNative} {
			t.Run(name+"/"+string(layout), func(t *testing.T) {
				st := repotest.Store(t)
				_, a := nights(t, st, layout, dsn)
				s := find(t, st, "latest")
				if err := s.Pin(t.Context(), snapshot.Pin{Note: "keep"}); err != nil {
					t.Fatal(err)
				}
				want, dump := held(t, s), s.Manifest.Database
				if err := damage(st, s); err != nil {
					t.Fatal(err)
				}
				r, err := snapshot.Recover(t.Context(), st, "fossology", s.Name(), snapshot.RecoverOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if r.Plain != 1 || r.Unknown != 0 || r.Damaged != 0 || r.Databases != 1 { // the new file is in no other snapshot
					t.Errorf("%+v", *r)
				}
				s = find(t, st, s.Name())
				got := held(t, s)
				maps.DeleteFunc(want, func(_ string, e snapshot.Entry) bool { return e.Kind == snapshot.Dir })
				for path, e := range want {
					if filepath.Base(path) == nameOf("second").String() {
						e.Mode, e.UID, e.GID, e.Mtime = got[path].Mode, got[path].UID, got[path].GID, got[path].Mtime
						want[path] = e
					}
				}
				for path, e := range got { // a gold is taken out of either of its names
					e.Inode = want[path].Inode
					got[path] = e
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
				if s.Summary().FindingCount[snapshot.RecoveredManifest] != 1 || (s.Pinned() == nil) != (name != "manifest garbled") {
					t.Errorf("%+v, pinned %v", s.Summary().FindingCount, s.Pinned())
				}
				if d := s.Manifest.Database; d == nil || d.Main != dump.Main || cmp.Diff(dump.Parts, d.Parts) != "" {
					t.Errorf("database: %s", cmp.Diff(dump.Parts, d.Parts))
				}
				if v, err := verify.Store(t.Context(), st, verify.ScrubOptions{}); err != nil || !v.Good() {
					t.Errorf("verify: %+v, %v", v.Findings, err)
				}
				to, _, rebuilt := rebuilt(t, s, a)
				if b, err := os.ReadFile(pathOf(to, nameOf("made one"))); err != nil || string(b) != "made one" || rebuilt.Lost != 0 {
					t.Errorf("rebuilt: %q, %v, %+v", b, err, rebuilt)
				}
			})
		}
	}
}

// TestRecoverAlone: without any other snapshot files come back with usual modes; what was
// left out is counted, and not guessed.
func TestRecoverAlone(t *testing.T) {
	st := repotest.Store(t)
	repository, _ := nights(t, st, snapshot.LayoutFlat, "")
	s := find(t, st, "latest")
	files := s.Manifest.Total().Files
	if err := os.RemoveAll(st.Path("snapshots")); err != nil {
		t.Fatal(err)
	}
	if _, err := snapshot.Recover(t.Context(), st, "fossology", "2026-11-24T020000Z", snapshot.RecoverOptions{}); !errors.Is(err, snapshot.ErrNoDay) {
		t.Errorf("without a day: %v", err)
	}
	r, err := snapshot.Recover(t.Context(), st, "fossology", s.Name(), snapshot.RecoverOptions{Repository: repository, Depth: 3})
	if err != nil {
		t.Fatal(err)
	}
	if r.Unknown != 2 || r.Like != "" || r.Plain != r.Files.Files || r.Files.Files != files-2 {
		t.Errorf("%+v of %d files", *r, files)
	}
	to := filepath.Join(t.TempDir(), "to")
	restore(t, find(t, st, "latest"), snapshotTo(to))
	for _, content := range []string{"a file", "", "first", "second"} {
		if b, err := os.ReadFile(pathOf(to, nameOf(content))); err != nil || string(b) != content {
			t.Errorf("%q: %q, %v", content, b, err)
		}
	}
	for path, content := range map[string]string{"logs/00/00/85/000085": "a log", "localhost/odd/not-in-its-place": "odd", "database/odd": "a name of the day's own"} {
		if b, err := os.ReadFile(filepath.Join(to, path)); err != nil || string(b) != content {
			t.Errorf("%s: %q, %v", path, b, err)
		}
	}
}
