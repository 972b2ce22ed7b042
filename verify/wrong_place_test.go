package verify_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"repotool/snapshot"
	"repotool/verify"
)

// store checks all of it.
func (w world) store(t testing.TB) *verify.Report {
	t.Helper()
	r, err := verify.Store(t.Context(), w.st, verify.ScrubOptions{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A good manifest under the name of another snapshot, or of another
// installation, is found, and is not taken for that one.
func TestManifestOfAnother(t *testing.T) {
	for _, test := range []struct {
		name         string
		installation string
		damage       func(w world, newer string) error
	}{
		{"another snapshot", "x", func(w world, newer string) error {
			b, err := os.ReadFile(w.st.Path("snapshots", "x", w.snap.Name(), "manifest"))
			return errors.Join(err, os.WriteFile(w.st.Path("snapshots", "x", newer, "manifest"), b, 0o644))
		}},
		{"another name", "x", func(w world, newer string) error {
			return os.Rename(w.st.Path("snapshots", "x", newer), w.st.Path("snapshots", "x", "2031-01-01T000000Z"))
		}},
		{"another installation", "y", func(w world, newer string) error {
			return errors.Join(os.Mkdir(w.st.Path("snapshots", "y"), 0o755),
				os.Rename(w.st.Path("snapshots", "x", newer), w.st.Path("snapshots", "y", newer)))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.take(t, func() time.Time { return time.Now().Add(time.Hour) })
			newer, err := snapshot.Find(w.st, "x", "latest")
			if err != nil {
				t.Fatal(err)
			}
			if err := test.damage(w, newer.Name()); err != nil {
				t.Fatal(err)
			}
			if r := w.store(t); r.Counts[verify.ManifestUnreadable] != 1 {
				t.Errorf("%+v", r.Findings)
			}
			if _, err := snapshot.Find(w.st, test.installation, "latest"); !errors.Is(err, snapshot.ErrDamagedManifest) {
				t.Errorf("found: %v", err)
			}
		})
	}
}

// What belongs to no snapshot is found; a day that was deleted, and a "current"
// that leads to nothing, are as README.txt allows.
func TestOrphans(t *testing.T) {
	for _, test := range []struct {
		name   string
		damage func(w world) error
		want   string
	}{
		{"a snapshot is gone", func(w world) error { return os.RemoveAll(w.st.Path("snapshots", "x", w.snap.Name())) }, "days/x/"},
		{"an installation is gone", func(w world) error { return os.RemoveAll(w.st.Path("snapshots", "x")) }, "days/x/"},
		{"all snapshots are gone", func(w world) error { return os.RemoveAll(w.st.Path("snapshots")) }, "days/x/"},
		{"a copy", func(w world) error { return os.Mkdir(w.st.Path("snapshots", "x", "old"), 0o755) }, "snapshots/x/old"},
		{"a file", func(w world) error { return os.WriteFile(w.st.Path("days", "x", "2026-01-01T000000Z"), nil, 0o600) }, "days/x/2026-01-01T000000Z"},
		{"deleted", func(w world) error {
			return errors.Join(os.RemoveAll(w.st.Path("snapshots", "x", w.snap.Name())), os.RemoveAll(w.day()))
		}, ""},
		{"a day deleted", func(w world) error { return os.RemoveAll(w.day()) }, ""},
		{"a run at work", func(w world) error { return os.Mkdir(w.st.Path("days", "x", ".building-y"), 0o755) }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			if err := test.damage(w); err != nil {
				t.Fatal(err)
			}
			want, r := test.want, w.store(t)
			if want == "days/x/" {
				want += w.snap.Name()
			}
			if want == "" && !r.Good() || want != "" && (r.Wrong() != 1 || r.Findings[0].Kind != verify.Orphaned || r.Findings[0].What != want) {
				t.Errorf("%+v, want %q", r.Findings, want)
			}
		})
	}
}

// The record of findings is compared with what the summary counts.
func TestFindingsDamaged(t *testing.T) {
	w := newWorld(t)
	if err := os.Symlink(".", filepath.Join(w.repository, "localhost", "loop")); err != nil { // a finding
		t.Fatal(err)
	}
	w.take(t, func() time.Time { return time.Now().Add(time.Hour) })
	s, err := snapshot.Find(w.st, "x", "latest")
	if err != nil {
		t.Fatal(err)
	}
	if list, err := s.Findings(); err != nil || len(list) != 1 || !w.store(t).Good() {
		t.Fatalf("%v, %v, %+v", list, err, w.store(t).Findings)
	}
	record := w.st.Path("snapshots", "x", s.Name(), "findings.jsonl")
	for _, damage := range []func() error{
		func() error { return os.WriteFile(record, []byte("garbage\n"), 0o644) },
		func() error { return os.WriteFile(record, nil, 0o644) },
		func() error { return os.Remove(record) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		if r := w.store(t); r.Counts[verify.FindingsDamaged] != 1 || r.Wrong() != 1 {
			t.Errorf("%+v", r.Findings)
		}
		var wrong *snapshot.RecordError
		if _, err := s.Findings(); !errors.As(err, &wrong) || wrong.File != record {
			t.Errorf("findings: %v", err)
		}
	}
}
