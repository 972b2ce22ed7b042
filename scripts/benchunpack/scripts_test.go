package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestScratchRemoved: bench.sh leaves nothing of an ordinary user's, wherever it ran.
func TestScratchRemoved(t *testing.T) {
	bin, tmp, on := t.TempDir(), t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "id"), []byte("#!/bin/sh\necho 1000\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, where := range []string{"", on} {
		cmd := exec.Command("bash", "../bench.sh", "touch", "{}/here", "{}")
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "TMPDIR="+tmp, "ON="+where)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, dir := range []string{tmp, on} {
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("ON=%s leaves %v in %s; %v", where, left, dir, err)
			}
		}
	}
}
