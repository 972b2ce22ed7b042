package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"repotool/store"
)

// Neither may lie in the other, whatever the names say and whether or not the
// directory is there already.
func TestApart(t *testing.T) {
	root := t.TempDir()
	st, err := store.Init(t.Context(), filepath.Join(root, "a", "store"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for _, dir := range []string{"a/other", "b"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"objects": "a/store/objects", "above": "a", "beside": "a/other"} {
		if err := os.Symlink(filepath.Join(root, to), filepath.Join(root, "b", name)); err != nil {
			t.Fatal(err)
		}
	}
	for dir, nested := range map[string]bool{
		"a/store":                true,
		"a/store/days/x":         true, // x is not there
		"a/store/store.json/x/y": true,
		"a":                      true,
		"":                       true,
		"b/objects":              true,
		"b/objects/new/er":       true,
		"b/above":                true,
		"b/above/other":          false,
		"b/beside/new":           false,
		"a/store2":               false,
		"new/store":              false,
		"b":                      false,
	} {
		var err2 *store.NestedError
		if err := st.Apart(filepath.Join(root, dir)); errors.As(err, &err2) != nested || err != nil != nested {
			t.Errorf("%q: %v", dir, err)
		}
	}
}
