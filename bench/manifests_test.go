package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repotool/fossology"
	"repotool/snapshot"
	"repotool/store"
)

// TestManifestsMadeUp: what is made up comes in the order of a walk, at places where
// FOSSology puts files, and a night adds and removes what one does.
func TestManifestsMadeUp(t *testing.T) {
	const files = 20_000
	count := func(night int) (paths map[string]bool, gold int) {
		paths = map[string]bool{}
		last := ""
		for e, err := range newMadeUp(Options{Files: files, Seed: 7}, night).entries() {
			name, ok := e.Name(fossology.DefaultDepth)
			if err != nil || !ok || name.Size != e.Size || e.Object.IsZero() {
				t.Fatalf("%+v, %v", e, err)
			}
			if last != "" && fossology.ComparePaths(last, e.Path) >= 0 {
				t.Fatalf("%s comes behind %s", e.Path, last)
			}
			last = e.Path
			paths[e.Path] = true
			if strings.HasPrefix(e.Path, "localhost/gold/") {
				gold++
				if !paths[strings.Replace(e.Path, "/gold/", "/files/", 1)] {
					t.Errorf("no copy of %s", e.Path)
				}
			}
		}
		return paths, gold
	}
	before, gold := count(0)
	if len(before) != files+files/goldEvery || gold != files/goldEvery {
		t.Errorf("%d entries, %d of them gold", len(before), gold)
	}
	for night := 1; night < 3; night++ {
		after, _ := count(night)
		kept := 0
		for path := range after {
			if before[path] {
				kept++
			}
		}
		if added, gone := len(after)-kept, len(before)-kept; added != files/newOf || gone != files/removedOf {
			t.Errorf("night %d: %d are added, %d are gone", night, added, gone)
		}
	}
	other := newMadeUp(Options{Files: files, Seed: 8}, 0)
	if e := other.entry("files", 0, false); before[e.Path] {
		t.Error("another seed makes the same file")
	}
}

// TestManifestsChore: what the chore writes is a snapshot that reads as what was made up,
// and a night costs what it changes.
func TestManifestsChore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	st, err := store.Init(t.Context(), dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	const files = 5000
	var sizes []int64
	for night := range 2 {
		text, err := Chore{Do: "manifest", Dir: dir, Options: Options{Files: files, Seed: 3}, Night: night}.text()
		if err != nil {
			t.Fatal(err)
		}
		if err := RunChore(t.Context(), text); err != nil {
			t.Fatal(err)
		}
		s, err := snapshot.Find(st, "fossology", "latest")
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]snapshot.Entry{}
		for e, err := range s.Entries(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			all[e.Path] = e
		}
		n := 0
		for want := range newMadeUp(Options{Files: files, Seed: 3}, night).entries() {
			if n++; all[want.Path] != want {
				t.Fatalf("night %d: %+v was written, %+v is read", night, want, all[want.Path])
			}
		}
		if total := s.Manifest.Total(); n != len(all) || total.Files != int64(n) {
			t.Errorf("night %d: %d were written, %d are read, %d are counted", night, n, len(all), total.Files)
		}
		segments := s.Manifest.Segments
		sizes = append(sizes, segments[len(segments)-1].Bytes)
	}
	if sizes[1] > sizes[0]/20 {
		t.Errorf("a night takes %d bytes, all takes %d", sizes[1], sizes[0])
	}
	for _, text := range []string{"x", `{"Do":"x"}`, `{"Do":"manifest","Dir":"/nonexistent"}`} {
		if err := RunChore(t.Context(), text); err == nil {
			t.Errorf("chore %s was done", text)
		}
	}
}

// TestManifestsScale runs all steps with the real program, and sees that none fails, that
// what writes has written, and that what grows does so by what the files take.
func TestManifestsScale(t *testing.T) {
	self := filepath.Join(t.TempDir(), "repotool")
	if out, err := exec.Command("go", "build", "-o", self, "../cmd/repotool").CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	dir := t.TempDir()
	s, err := Scale(t.Context(), LifeOptions{
		Options: Options{Seed: 1}, Dir: dir, Cache: t.TempDir(), Repotool: self, Chores: []string{self, "bench", "chore"},
	}, RunOptions{Runs: 1}, []int{2000, 40_000}, RunManifests)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Points) != 2*len(ManifestSteps) || len(s.Growth) != len(ManifestSteps) {
		t.Fatalf("%d points, %d steps", len(s.Points), len(s.Growth))
	}
	for _, g := range s.Growth {
		switch {
		case g.Contestant != Manifests:
			t.Errorf("%+v", g)
		case g.Step == ManifestFirst && (g.Bytes < 0.7 || g.Bytes > 1.1):
			t.Errorf("%s: its bytes grow with n^%.2f", g.Step, g.Bytes)
		case g.Memory > 0.3:
			t.Errorf("%s: its memory grows with n^%.2f", g.Step, g.Memory)
		}
	}
	var b strings.Builder
	if err := s.Markdown(&b); err != nil || !strings.Contains(b.String(), "| "+string(ManifestMark)+" ") {
		t.Errorf("%v\n%s", err, b.String())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left in the directory: %v, %v", left, err)
	}
}
