package goldindex

import (
	"context"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"repotool/fossology"
)

// What is looked for one by one is what a walk comes to: of several hosts the first, no
// link, no directory, nothing in a wrong place.
func TestLookUp(t *testing.T) {
	repo := fossology.Repository{Path: t.TempDir(), Depth: 3}
	var names []fossology.Name
	place := func(host string, n fossology.Name) string {
		base := n.String()
		path := filepath.Join(repo.Path, host, "files", fossology.FanOut(base, repo.Depth), base)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	put := func(path string) {
		if err := os.WriteFile(path, []byte(path), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 200 {
		n := fossology.Name{SHA1: [20]byte{byte(i * 37), byte(i), 3: 9}, Size: int64(i)}
		names = append(names, n)
		switch i % 8 {
		case 0: // nowhere
		case 1:
			put(place("beta", n))
		case 2:
			put(place("alpha", n))
			put(place("beta", n))
		case 3:
			if err := os.Symlink("/etc/passwd", place("alpha", n)); err != nil {
				t.Fatal(err)
			}
			put(place("beta", n))
		case 4:
			if err := os.Mkdir(place("alpha", n), 0o755); err != nil {
				t.Fatal(err)
			}
		case 5: // a file where a directory belongs
			dir := filepath.Dir(place("alpha", n))
			if err := os.Remove(dir); err != nil {
				t.Fatal(err)
			}
			put(dir)
		case 6: // one level too high
			put(filepath.Join(filepath.Dir(filepath.Dir(place("alpha", n))), n.String()))
		default:
			put(place("alpha", n))
		}
	}
	slices.SortFunc(names, fossology.Name.Compare)
	collect := func(seq iter.Seq2[found, error]) (all []found) {
		for f, err := range seq {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, f)
		}
		return all
	}
	odd := func(o oddity) {
		if o.err != nil {
			t.Error(o.err)
		}
	}
	want := collect(contents(t.Context(), repo, "files", odd))
	if len(want) < 90 {
		t.Fatalf("the walk finds %d", len(want))
	}
	inOrder := func(yield func(fossology.Name, error) bool) {
		for _, n := range names {
			if !yield(n, nil) {
				return
			}
		}
	}
	got := collect(lookUp(t.Context(), repo, "files", inOrder, odd))
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(found{}), cmpopts.EquateComparable(fossology.Name{}, fossology.Stat{})); diff != "" {
		t.Errorf("(-walk +looked up)\n%s", diff)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range lookUp(ctx, repo, "files", inOrder, odd) {
		if err == nil {
			t.Fatal("goes on after it was cancelled")
		}
		return
	}
	t.Error("ends without an error after it was cancelled")
}
