package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"repotool/repotest"
)

// A walk counts what du counts: blocks and inodes, each file once whatever its names.
func TestWalked(t *testing.T) {
	repotest.Tool(t, "du")
	dir := t.TempDir()
	for i := range 500 {
		at := filepath.Join(dir, fmt.Sprint(i%7), fmt.Sprint(i%31))
		if err := os.MkdirAll(at, 0o755); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(at, fmt.Sprint(i))
		if err := os.WriteFile(file, make([]byte, i*i), 0o644); err != nil {
			t.Fatal(err)
		}
		for k := range i % 4 {
			if err := os.Link(file, filepath.Join(dir, fmt.Sprint(k), fmt.Sprint("link", i))); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink("nowhere", file+".l"); err != nil {
			t.Fatal(err)
		}
	}
	du := func(flag string) int64 {
		out, err := exec.Command("du", "-s", flag, dir).Output()
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.ParseInt(strings.Fields(string(out))[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	got, err := walked(t.Context(), dir)
	if want := (Space{du("-B1"), du("--inodes")}); err != nil || got != want {
		t.Errorf("%+v, %v; du says %+v", got, err, want)
	}
}
