package snapshot_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
)

// reopened is a store as another process has it.
func reopened(t testing.TB, st *store.Store) *store.Store {
	t.Helper()
	again, err := store.Open(st.Dir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { again.Close() })
	return again
}

// A directory that the store lacks is no reason to think that a file has left the
// repository: it is made, and holds what it held before.
func TestTakeFolderMissing(t *testing.T) {
	for _, layout := range []string{"flat", "none"} {
		t.Run(layout, func(t *testing.T) {
			repository, st := t.TempDir(), repotest.Store(t)
			for i := range 50 {
				keep(t, repository, fmt.Sprint("file ", i))
			}
			manifests := map[string]bool{} // folders that must not be the lost one: without a manifest all is new
			lose := func() (o snapshot.TakeOptions) {
				n := 0
				shard := func() string { return store.Sum([]byte(fmt.Sprint("file ", n))).String()[:2] }
				for manifests[shard()] {
					n++
				}
				lost := shard()
				for _, dir := range []string{"objects/" + lost, "tmp", "trash", "cache", "locks"} {
					if err := os.RemoveAll(st.Path(dir)); err != nil {
						t.Fatal(err)
					}
				}
				if o = options(reopened(t, st), repository); layout == "none" {
					o.Layout = snapshot.LayoutNone
				}
				return o
			}
			o := lose()
			taken := func(o snapshot.TakeOptions) *snapshot.Summary {
				t.Helper()
				x := take(t, o)
				for _, segment := range find(t, st, "latest").Manifest.Segments {
					manifests[segment.Object.String()[:2]] = true
				}
				return x
			}
			if first := taken(o); first.Files != 50 || first.Findings() != 0 {
				t.Errorf("%d files, want 50: %v", first.Files, first.First)
			}
			o = lose()
			o.Detect = "read"
			if second := taken(o); second.Files != 50 || second.Removed != 0 {
				t.Errorf("%d files, want 50, %d removed", second.Files, second.Removed)
			}
			if layout == "flat" { // whoever makes a day meets what is missing
				third := taken(lose())
				if n := third.FindingCount[snapshot.StoreDamaged]; n == 0 || third.Findings() != n || third.Read.Files != 0 {
					t.Errorf("%d files read; findings: %v", third.Read.Files, third.First)
				}
			}
			allGood(t, st)
			compareSnapshotWithTree(t, find(t, st, "latest"), repository)
		})
	}
}

// Whatever the store says is not there: only the repository's word counts for a
// file that is gone. Here the store's directory cannot be made, since a link that
// leads nowhere has its name.
func TestTakeStoreSaysNotThere(t *testing.T) {
	repository, st := t.TempDir(), repotest.Store(t)
	for i := range 20 {
		keep(t, repository, fmt.Sprint("file ", i))
	}
	dir := st.Path("objects", store.Sum([]byte("file 7")).String()[:2])
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(t.TempDir(), "nowhere"), dir); err != nil {
		t.Fatal(err)
	}
	s, err := snapshot.Take(t.Context(), options(st, repository))
	if err == nil {
		t.Fatalf("a snapshot of %d files was published", s.Files)
	}
	names, err := fs.Glob(os.DirFS(st.Path("snapshots", "fossology")), "2*")
	if err != nil || len(names) > 0 {
		t.Errorf("published: %v, %v", names, err)
	}
}
