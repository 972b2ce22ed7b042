package goldindex

import (
	"slices"
	"testing"
)

func TestDistinct(t *testing.T) {
	var d distinct[int]
	var want []int
	for i := range 5 * longList {
		if d.has(i) {
			t.Fatalf("%d is there before it was added", i)
		}
		for _, x := range []int{i, i / 2, 0} {
			d.add(x)
		}
		want = append(want, i)
	}
	if !slices.Equal(d.list, want) {
		t.Errorf("%v, want %v", d.list, want)
	}
}
