package unpack_test

import (
	"os"
	"path/filepath"
	"testing"

	"repotool/unpack"
)

// TestToolVersions proves that every tool that is there says who it is, the same
// each time.
func TestToolVersions(t *testing.T) {
	first, err := unpack.ToolVersions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := unpack.ToolVersions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range unpack.Tools() {
		v, known := first[tool.Name]
		if !known || v != second[tool.Name] || (v == "") != (tool.Path == "") {
			t.Errorf("%s at %q says %q, then %q", tool.Name, tool.Path, v, second[tool.Name])
		}
		t.Logf("%s: %s", tool.Name, v)
	}
}

// TestToolVersionsMissing proves that a tool that is not there has no version.
func TestToolVersionsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	versions, err := unpack.ToolVersions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range versions {
		if v != "" {
			t.Errorf("%s: %q", name, v)
		}
	}
}

// TestToolVersionsSilent proves that a tool that does not answer is an error.
func TestToolVersionsSilent(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "icat"), []byte("#!/bin/sh\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	if _, err := unpack.ToolVersions(t.Context()); err == nil {
		t.Error("no error")
	}
}
