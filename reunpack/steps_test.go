package reunpack_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/reunpack"
)

// stepContents are what the hoard of TestEveryStep holds: small and large ones.
func stepContents() (all [][]byte) {
	for i, size := range []int{1, 100, 70_000, 200_000, 5000} {
		all = append(all, random(byte(i+1), size))
	}
	return all
}

// TestEveryStep kills runs before each step that lasts, one after the other, on file
// systems with and without files that have no name. Under a Name stands never anything
// but all of its bytes; the next run brings the rest, and leaves nothing over.
func TestEveryStep(t *testing.T) {
	for what, forbid := range map[string]string{"unnamed": "", "named": "yes"} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			h := newHoard(t, dir)
			h.add(t, stepContents()...)
			h.index(t)
			files := filepath.Join(h.repo.Path, "localhost", "files")
			steps := 0
			for step := 1; ; step++ {
				if err := os.RemoveAll(files); err != nil {
					t.Fatal(err)
				}
				if !killedAt(t, dir, step, forbid) {
					break
				}
				steps++
				wholeFiles(t, files)
				killedAt(t, dir, 3, forbid) // and once more, soon
				wholeFiles(t, files)
				if killedAt(t, dir, 0, forbid) {
					t.Fatal("killed without reason")
				}
				if n, other := wholeFiles(t, files); n != len(stepContents()) || len(other) > 0 {
					t.Errorf("step %d: %d files in the end, and %q", step, n, other)
				}
			}
			if steps < 10 {
				t.Errorf("killed at %d steps only", steps)
			}
			t.Logf("killed at each of %d steps", steps)
		})
	}
}

// wholeFiles checks what stands under Names, and lists what has none.
func wholeFiles(t *testing.T, files string) (n int, other []string) {
	t.Helper()
	err := filepath.WalkDir(files, func(path string, e fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		name, is := fossology.ParseName(e.Name())
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(e.Name(), ".repotool-"):
			other = append(other, path)
		case e.IsDir():
		case !is:
			t.Errorf("%s has no Name", path)
		default:
			n++
			if b, err := os.ReadFile(path); err != nil || nameOf(b) != name {
				t.Errorf("%s: %d bytes, others than its Name says: %v", path, len(b), err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n, other
}

// killedAt runs a reunpack in another process, which ends without further ado at a step;
// 0: never. It says whether it came to that.
func killedAt(t *testing.T, dir string, step int, forbid string) bool {
	t.Helper()
	cmd := repotest.Again(t, "TestRunToEndAtStep", "REUNPACK_HOARD="+dir, "REUNPACK_STEP="+strconv.Itoa(step), "REUNPACK_FORBID="+forbid)
	out, err := cmd.CombinedOutput()
	if !cmd.ProcessState.Exited() {
		return true
	}
	if err != nil {
		t.Fatalf("step %d: %v\n%s", step, err, out)
	}
	return false
}

// TestRunToEndAtStep is the process that killedAt starts.
func TestRunToEndAtStep(t *testing.T) {
	dir := os.Getenv("REUNPACK_HOARD")
	if dir == "" {
		t.Skip("it is run by TestEveryStep")
	}
	h := newHoard(t, dir)
	for _, c := range stepContents() {
		h.uses = append(h.uses, fossology.Use{Name: nameOf(c), Upload: 1})
	}
	if os.Getenv("REUNPACK_FORBID") != "" {
		repotest.Forbid(t, unix.SYS_OPENAT, unix.O_TMPFILE&^unix.O_DIRECTORY, unix.EOPNOTSUPP)
	}
	step, _ := strconv.Atoi(os.Getenv("REUNPACK_STEP"))
	var n atomic.Int64
	reunpack.AtStep(func() {
		if n.Add(1) == int64(step) {
			unix.Kill(os.Getpid(), unix.SIGKILL)
			select {}
		}
	})
	if _, err := h.some(t, stepContents()...).Run(t.Context(), reunpack.RunOptions{TempDir: t.TempDir(), Parallel: 1}); err != nil {
		t.Fatal(err)
	}
}
