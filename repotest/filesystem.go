package repotest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// FileSystem returns a directory on a new file system of its own, which a
// program like mkfs.ext4 makes in a file. Only root may mount one: an ordinary
// user's test runs on the file system of the temporary directory, and can claim
// less.
func FileSystem(t testing.TB, size int64, mkfs string, args ...string) (dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return t.TempDir()
	}
	name := filepath.Join(t.TempDir(), "image")
	if err := errors.Join(os.WriteFile(name, nil, 0o600), os.Truncate(name, size)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(Tool(t, mkfs), append(args, name)...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", mkfs, err, out)
	}
	dir = filepath.Join(filepath.Dir(name), "mounted")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(Tool(t, "mount"), "-o", "loop", name, dir).CombinedOutput(); err != nil {
		t.Fatalf("mount: %v\n%s", err, out)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}
