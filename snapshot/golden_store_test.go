package snapshot_test

import (
	"crypto/sha1"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
	"repotool/verify"
)

// Golden stores are written once, by the version whose number they have, and read by all
// later ones. WRITE_GOLDEN=1 writes the present version's: two installations, days of
// each layout, files left out, a database, findings, a pin, objects in quarantine; since
// version 3 a file that is gone, and a cycle.
var goldenStores = []struct {
	name      string
	snapshots int64
}{{"testdata/store-2", 4}, {"testdata/store-3", 7}}

// goldenGolds makes the repository of the installation that is kept by the strategy gold.
func goldenGolds(t testing.TB, repository string) *archives {
	a := newArchives()
	a.gold(t, repository, "one.tar", "from one", "from both", "")
	a.gold(t, repository, "two.tar", "from two", "from both")
	keep(t, repository, "from none")
	return a
}

func writeGolden(t *testing.T) {
	newest := goldenStores[len(goldenStores)-1].name
	st := repotest.Store(t)
	at := time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)
	night := func(o snapshot.TakeOptions, installation string, layout snapshot.Layout) string {
		at = at.AddDate(0, 0, 1)
		o.Installation, o.Layout, o.Now = installation, layout, func() time.Time { return at }
		return take(t, o).Name
	}
	full, gold := filepath.Join(t.TempDir(), "full"), filepath.Join(t.TempDir(), "gold")
	keep(t, full, "one")
	gone := keep(t, full, "gone")
	keep(t, full, "")
	o := options(st, full)
	withDatabase(&o, fossology.DSN(repotest.Fossology(t)), "")
	night(o, "fossology", snapshot.LayoutFlat)
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	keep(t, full, "two")
	second := night(options(st, full), "fossology", snapshot.LayoutNative)
	write(t, pathOf(full, nameOf("damaged")), "other")
	night(options(st, full), "fossology", snapshot.LayoutNone)
	a := goldenGolds(t, gold)
	o = golden(st, gold, a)
	night(o, "internal", snapshot.LayoutFlat)
	if err := os.Remove(pathOf(gold, nameOf("from both"))); err != nil {
		t.Fatal(err)
	}
	o.Derived = a
	referring(&o, &rowsOf{files: []fossology.Name{nameOf("from both"), nameOf("from one"), nameOf("from two"), nameOf("from none"), nameOf("")}})
	night(o, "internal", snapshot.LayoutFlat)
	r := rotating(st, full, "5")
	for i := range 2 {
		at = at.AddDate(0, 0, 1)
		r.Now = func() time.Time { return at }
		keep(t, full, fmt.Sprint("in a cycle ", i))
		rotate(t, r)
	}
	s := find(t, st, second)
	if err := s.Pin(t.Context(), snapshot.Pin{Since: at, Note: "before the move"}); err != nil {
		t.Fatal(err)
	}
	write(t, pathOf(full, nameOf("soon garbage")), "soon garbage")
	garbage := night(options(st, full), "fossology", snapshot.LayoutNone)
	if _, _, err := snapshot.Forget(t.Context(), st, "fossology", []string{garbage}); err != nil {
		t.Fatal(err)
	}
	if r, err := snapshot.Collect(t.Context(), st, snapshot.CollectOptions{}); err != nil || r.Quarantined.Objects == 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := os.RemoveAll(st.Path("tmp")); err != nil {
		t.Fatal(err)
	}
	sh(t, repotest.Tool(t, "tar")+" -c --sort=name -C '"+st.Dir()+"' . | "+repotest.Tool(t, "zstd")+" -q -19 -f -o "+newest+".tar.zst")
	if err := os.WriteFile(newest+".txt", []byte(goldenListing(t, st)), 0o644); err != nil {
		t.Fatal(err)
	}
}

func sh(t testing.TB, command string) {
	t.Helper()
	if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
}

// goldenListing restores all snapshots of a store, and lists what came out.
func goldenListing(t testing.TB, st *store.Store) string {
	t.Helper()
	var lines []string
	installations, err := snapshot.Installations(st)
	if err != nil {
		t.Fatal(err)
	}
	for _, installation := range installations {
		list, err := snapshot.List(st, installation)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range list {
			s, err := snapshot.Find(st, installation, x.Name)
			if err != nil {
				t.Fatal(err)
			}
			o := snapshotTo(filepath.Join(t.TempDir(), "to"))
			restore(t, s, o)
			if installation == "internal" {
				if _, err := s.Rebuild(t.Context(), o, goldenGolds(t, t.TempDir())); err != nil {
					t.Fatal(err)
				}
			}
			pin := ""
			if p := s.Pinned(); p != nil {
				pin = p.String()
			}
			if n := s.Manifest.Gone.Files; n > 0 {
				pin += fmt.Sprintf(" %d gone", n)
			}
			if x.Cycle != "" {
				pin += " in the cycle of " + x.Cycle
			}
			lines = append(lines, fmt.Sprintf("%s %s %s: %d files, %d left out, findings %v, %s", installation, x.Name, x.Layout, x.Files, x.LeftOut.Files, x.FindingCount, pin))
			err = filepath.WalkDir(o.To, func(path string, d fs.DirEntry, err error) error {
				if err != nil || !d.Type().IsRegular() {
					return err
				}
				b, err := os.ReadFile(path)
				lines = append(lines, fmt.Sprintf("  %x %s", sha1.Sum(b), strings.TrimPrefix(path, o.To+"/")))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if s.Manifest.Database != nil {
				lines = append(lines, fmt.Sprintf("  database %s, %v", s.Manifest.Database.Main, s.Manifest.Rows))
			}
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// TestGoldenStore opens the store of this version that was written once: all of it is
// good, reads as it did, and is gone on with.
func TestGoldenStore(t *testing.T) {
	if os.Getenv("WRITE_GOLDEN") != "" {
		writeGolden(t)
	}
	for _, golden := range goldenStores {
		t.Run(filepath.Base(golden.name), func(t *testing.T) { openGolden(t, golden.name, golden.snapshots) })
	}
}

func openGolden(t *testing.T, name string, snapshots int64) {
	dir := filepath.Join(t.TempDir(), "store")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	sh(t, repotest.Tool(t, "zstd")+" -dc "+name+".tar.zst | "+repotest.Tool(t, "tar")+" -x --no-same-owner -C '"+dir+"'")
	st, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	r, err := verify.All(t.Context(), st, verify.ScrubOptions{}, nil)
	if err != nil || !r.Good() || r.Snapshots != snapshots {
		t.Fatalf("%+v, %v", r, err)
	}
	want, err := os.ReadFile(name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), goldenListing(t, st)); diff != "" {
		t.Error(diff)
	}

	repository := filepath.Join(t.TempDir(), "repository")
	last, err := snapshot.FindOwn(st, "fossology", "latest")
	if err != nil {
		t.Fatal(err)
	}
	restore(t, last, snapshotTo(repository))
	if s := take(t, options(st, repository)); s.Added.Files != 0 || s.FullScan != true {
		t.Errorf("the next snapshot: %+v", s)
	}
	all, err := snapshot.Candidates(st, "fossology")
	if err != nil {
		t.Fatal(err)
	}
	decisions := snapshot.Retain(all, snapshot.Policy{Last: 1}, time.Now())
	pinned := slices.ContainsFunc(decisions, func(d snapshot.Decision) bool { return d.Keep && slices.Contains(d.Reasons, "pinned: before the move") })
	gc, err := snapshot.Collect(t.Context(), st, snapshot.CollectOptions{})
	if !pinned || err != nil || gc.Deleted.Objects == 0 {
		t.Errorf("pinned %v; %+v, %v", pinned, gc, err)
	}
	if r, err := verify.Store(t.Context(), st, verify.ScrubOptions{}); err != nil || !r.Good() {
		t.Errorf("afterwards: %+v, %v", r, err)
	}
}
