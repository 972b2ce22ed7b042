package reunpack

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"repotool/fossology"
)

// TestSpool: each gold gets the files that were given to it, in their order, and no
// file is in the directory.
func TestSpool(t *testing.T) {
	dir := t.TempDir()
	s, err := newSpool(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	rng := rand.New(rand.NewPCG(1, 2))
	const golds, files = 7, 20_000 // some of them get many more than gatherNames, the last none
	want := make([][]fossology.Name, golds)
	for i := range files {
		n := fossology.Name{Size: int64(i) << 20}
		n.SHA1[0], n.SHA1[19], n.MD5[15] = byte(i), byte(i>>8), byte(i)
		makers := rng.Perm(golds - 1)[:1+rng.IntN(3)]
		if err := s.add(n, makers); err != nil {
			t.Fatal(err)
		}
		want[slices.Max(makers)] = append(want[slices.Max(makers)], n)
	}
	err = s.assign(golds, func(_ fossology.Name, makers []int) int { return slices.Max(makers) })
	if err != nil {
		t.Fatal(err)
	}
	for g := range golds {
		got, err := s.of(g)
		if err != nil || !slices.Equal(got, want[g]) {
			t.Errorf("gold %d: %d files, want %d: %v", g, len(got), len(want[g]), err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("in the directory: %v, %v", left, err)
	}
}
