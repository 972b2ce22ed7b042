package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"repotool/store"
)

// Trees, files and links are removed, what a link leads to stays, and what is
// not there is no error.
func TestRemoveTree(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	err := errors.Join(os.MkdirAll(path("kept/a"), 0o700), os.WriteFile(path("kept/a/f"), nil, 0o600),
		os.MkdirAll(path("tree/a/b/c/d/e"), 0o700), os.WriteFile(path("tree/a/b/c/d/e/f"), nil, 0o600),
		os.Symlink(path("kept"), path("tree/a/link")), os.Symlink(path("kept"), path("link")),
		os.Symlink("nowhere", path("dangling")), os.WriteFile(path("file"), nil, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tree", "link", "dangling", "file", "nothing"} {
		if err := store.RemoveTree(t.Context(), path(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left := names(t, dir); len(left) != 1 || left[0] != "kept" {
		t.Errorf("left: %v", left)
	}
	if _, err := os.Stat(path("kept/a/f")); err != nil {
		t.Error(err)
	}
}
