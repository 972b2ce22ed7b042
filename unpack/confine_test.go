package unpack_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"repotool/repotest"
	"repotool/unpack"
)

// forAll makes a directory that every user may go to, as temporary directories of
// systems are, and those of tests are not.
func forAll(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "unpack-test-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	return dir
}

// contentsOf opens a content with a tool of that script, and returns what the files
// hold that it left.
func contentsOf(t *testing.T, content, script string) (map[string]string, *unpack.Result) {
	t.Helper()
	tools := forAll(t)
	must(t, os.WriteFile(filepath.Join(tools, "7z"), []byte("#!/bin/sh\n"+script), 0o755))
	t.Setenv("PATH", tools+":"+os.Getenv("PATH"))
	var mu sync.Mutex
	got := map[string]string{}
	r, err := unpack.Unpack(t.Context(), "thing", strings.NewReader(content), unpack.Options{TempDir: forAll(t), Limits: unpack.Limits{Depth: 1},
		Content: func(n *unpack.Node) unpack.Content {
			return &collector{to: func(s string) {
				mu.Lock()
				defer mu.Unlock()
				got[n.Name] = strings.TrimSpace(s)
			}}
		}})
	must(t, err)
	return got, r
}

// landlocked says whether the kernel bounds tools.
func landlocked() bool {
	v, _, e := syscall.Syscall(444, 0, 0, 1) // landlock_create_ruleset, which says its version
	return e == 0 && v >= 2
}

// TestToolConfined: a tool has no rights but those that it needs.
func TestToolConfined(t *testing.T) {
	if os.Geteuid() != 0 || !landlocked() {
		t.Skip("only root, on a kernel with Landlock, gives all rights away")
	}
	outside := forAll(t)
	must(t, os.Chmod(outside, 0o777))
	must(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o644))
	got, r := contentsOf(t, image, `
id -u >user; grep NoNewPrivs /proc/self/status >privs; ulimit -u >processes 2>/dev/null
`+limited+`grep processes /proc/self/limits >limits
cat `+outside+`/secret >read 2>&1
echo x >`+outside+`/written
echo x >$0
for f in ../in/*; do cat "$f" >given; rm -f "$f"; echo x >"$f"; done
mknod device c 1 3
mkdir a; echo moved >a/b; mv a/b c
kill -9 1
ls /proc >/dev/null; echo done >end
exit 0
`)
	if got["user"] != "65534" || !strings.HasSuffix(got["privs"], "1") || !strings.Contains(got["limits"], "1024") {
		t.Errorf("user %q, %q, %q", got["user"], got["privs"], got["limits"])
	}
	if strings.Contains(got["read"], "secret\n") || got["read"] == "secret" || got["given"] != strings.TrimSpace(image) || got["c"] != "moved" || got["end"] != "done" {
		t.Errorf("%q %v", got, r.Skipped)
	}
	if _, err := os.Stat(filepath.Join(outside, "written")); err == nil {
		t.Error("it wrote outside")
	}
	if _, there := got["device"]; there {
		t.Error("it made a device")
	}
}

// TestToolForks: it runs out of processes before the machine does.
func TestToolForks(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("for an ordinary user all his processes count")
	}
	got, r := contentsOf(t, image, limited+"i=0; while [ $i -lt 3000 ]; do sleep 600 & i=$((i+1)); done; echo $i >count")
	if got["count"] == "3000" {
		t.Errorf("it started %s processes; %v", got["count"], r.Skipped)
	}
}

// TestLeftovers: what a killed run left goes, what is in use or somebody else's stays.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	left, used, other := filepath.Join(dir, "repotool-tool-left"), filepath.Join(dir, "repotool-tool-used"), filepath.Join(dir, "other")
	for _, d := range []string{left + "/out/deep", used, other} {
		must(t, os.MkdirAll(d, 0o700))
	}
	must(t, os.Chmod(left+"/out/deep", 0))
	must(t, os.Symlink(other, filepath.Join(dir, "repotool-tool-link")))
	f, err := os.Open(used)
	must(t, err)
	defer f.Close()
	must(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	foreign := filepath.Join(dir, "repotool-tool-foreign")
	must(t, os.Mkdir(foreign, 0o700))
	if os.Geteuid() == 0 {
		must(t, os.Chown(foreign, nobody, nobody))
	}
	repotest.Fake(t, "7z", "echo x >a")
	_, err = unpack.Unpack(t.Context(), "thing", strings.NewReader(image), unpack.Options{TempDir: dir})
	must(t, err)
	for path, stays := range map[string]bool{left: false, used: true, other: true, foreign: os.Geteuid() == 0} {
		if _, err := os.Lstat(path); (err == nil) != stays {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestKilled: when repotool is killed, so is all that its tools started, and the next
// run clears what they left.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("UNPACK_TO_BE_KILLED"); dir != "" {
		unpack.LetToolsWrite(t, os.Getenv("UNPACK_PID_DIR"))
		unpack.Unpack(t.Context(), "thing", strings.NewReader(image), unpack.Options{TempDir: dir})
		return
	}
	pid, dir := hanging(t), t.TempDir()
	self := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	self.Env = append(os.Environ(), "UNPACK_TO_BE_KILLED="+dir, "UNPACK_PID_DIR="+filepath.Dir(pid))
	must(t, self.Start())
	for range 1500 {
		if _, err := os.Stat(pid); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	must(t, self.Process.Kill())
	self.Wait()
	repotest.Gone(t, pid)
	if left, _ := filepath.Glob(filepath.Join(dir, "repotool-tool-*")); len(left) != 1 {
		t.Fatalf("left behind: %v", left)
	}
	repotest.Fake(t, "7z", "echo x >a")
	_, err := unpack.Unpack(t.Context(), "thing", strings.NewReader(image), unpack.Options{TempDir: dir})
	must(t, err)
	nothingIn(t, dir)
}
