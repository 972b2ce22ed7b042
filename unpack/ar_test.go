package unpack_test

import (
	"fmt"
	"testing"

	"repotool/unpack"
)

// TestArCut: ar writes a member whole, or not at all.
func TestArCut(t *testing.T) {
	member := func(name string, b []byte) []byte {
		return append(fmt.Appendf(nil, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", name+"/", 0, 0, 0, "100644", len(b)), b...)
	}
	first, second := text(600), text(2_000_000) // one beside the archive, one not
	whole := append([]byte("!<arch>\n"), append(member("a", first), member("b", second)...)...)
	for cut, want := range map[int]int{0: 2, 1: 1, 1_500_000: 1, len(second): 1} {
		r := unpackBytes(t, "x.a", whole[:len(whole)-cut], unpack.Options{})
		if got := leaves(r); len(got) != want || got["a"] != sum(first) || (cut > 0) != (r.Skips > 0) {
			t.Errorf("cut by %d: %v, %v", cut, got, r.Skipped)
		}
	}
}
