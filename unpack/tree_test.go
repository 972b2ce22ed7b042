package unpack_test

import (
	"testing"

	"repotool/unpack"
)

// node is a row with those below it.
type node struct {
	unpack.Row
	children []*node
}

// tree makes a tree of a result.
func tree(t testing.TB, r *unpack.Result) *node {
	t.Helper()
	var at []*node
	err := r.Walk(func(row *unpack.Row) error {
		n := &node{Row: *row}
		if row.Digests != nil {
			d := *row.Digests
			n.Digests = &d
		}
		at = append(at[:row.Depth], n)
		if row.Depth > 0 {
			above := at[row.Depth-1]
			above.children = append(above.children, n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return at[0]
}

// closing closes a result at the end of the test.
func closing(t testing.TB) func(*unpack.Result, error) (*unpack.Result, error) {
	return func(r *unpack.Result, err error) (*unpack.Result, error) {
		if r != nil {
			t.Cleanup(func() { r.Close() })
		}
		return r, err
	}
}
