package main

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repotool/bench"
	"repotool/fossology"
	"repotool/repotest"
	"repotool/unpack"
)

// TestFacts: what comes out of an archive is counted as bench unpack counts it, the archive
// not among it; in the database and the repository it is.
func TestFacts(t *testing.T) {
	archive := repotest.Tarball(t)
	u, err := bench.Unpack(t.Context(), "x.tar.gz", bytes.NewReader(archive), bench.UnpackOptions{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	r, err := unpack.Unpack(t.Context(), "x.tar.gz", bytes.NewReader(archive), unpack.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var rows bytes.Buffer
	w := &rowWriter{w: bufio.NewWriter(&rows), keys: map[fossology.Name]int{}}
	if err := w.all(r); err != nil {
		t.Fatal(err)
	}
	w.w.Flush()
	if want := (facts{Files: u.Files, Out: u.Out, Distinct: u.Distinct.Files, Unique: u.Distinct.Bytes}); w.facts != want || u.Files != 4 {
		t.Errorf("got  %+v\nwant %+v", w.facts, want)
	}
	pfiles, _, _ := strings.Cut(rows.String(), "\\.\n")
	if n := strings.Count(pfiles, "\n") - 1; n != 4 { // a, which is b; c; the tar; the archive
		t.Errorf("%d contents in the database", n)
	}

	w.facts.In = int64(len(archive))
	run := &runner{site: &site{repo: fossology.Repository{Path: t.TempDir()}, facts: w.facts}}
	if err := os.MkdirAll(run.files(), 0o755); err != nil {
		t.Fatal(err)
	}
	for name := range w.keys {
		if err := run.complete(); err == nil {
			t.Error("complete without " + name.String())
		}
		if err := os.WriteFile(filepath.Join(run.files(), name.String()), make([]byte, name.Size), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := run.complete(); err != nil {
		t.Error(err)
	}
}

// TestFloor: the floor counts what lies in the ISO, and what comes of that.
func TestFloor(t *testing.T) {
	dir, iso := t.TempDir(), filepath.Join(t.TempDir(), "iso")
	archive := repotest.Tarball(t)
	for _, path := range []string{filepath.Join(dir, "x.tar.gz"), iso} {
		if err := os.WriteFile(path, archive, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := newFloor(2, iso, dir)
	if err != nil {
		t.Fatal(err)
	}
	if f.Files != 5 {
		t.Errorf("%d files", f.Files)
	}
}
