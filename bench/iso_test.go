package bench_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repotool/bench"
	"repotool/repotest"
)

// TestISOScript: the script is one that bash reads, and says how it is used.
func TestISOScript(t *testing.T) {
	if out, err := exec.Command("bash", "-n", "source-iso.sh").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	out, err := exec.Command("bash", "source-iso.sh").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "usage: source-iso.sh DIR") {
		t.Errorf("%v: %s", err, out)
	}
	// What is there is not made again.
	dir := t.TempDir()
	sum, err := exec.Command("bash", "-c", "sha256sum source-iso.sh | cut -c1-12").Output()
	if err != nil {
		t.Fatal(err)
	}
	iso := filepath.Join(dir, "source-rpms-"+strings.TrimSpace(string(sum))+"-65.iso")
	if err := os.WriteFile(iso, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err = exec.Command("bash", "source-iso.sh", dir).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != iso {
		t.Errorf("%v: %s", err, out)
	}
}

// appears waits for a file, a minute at most.
func appears(path string) {
	for range 3000 {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestISOInterrupted: of an ISO that is not made to the end nothing stays, be it that a maker
// does not care for signals.
func TestISOInterrupted(t *testing.T) {
	for name, trap := range map[string]string{"ends": "", "stubborn": "trap '' TERM"} {
		t.Run(name, func(t *testing.T) {
			dir, at := t.TempDir(), filepath.Join(t.TempDir(), "pid")
			tarball := filepath.Join(dir, "tarballs", "coreutils_9.1.orig.tar.xz")
			if err := os.Mkdir(filepath.Dir(tarball), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(tarball, []byte("tarball"), 0o644); err != nil {
				t.Fatal(err)
			}
			repotest.Fake(t, "sha256sum", "cat >/dev/null") // whatever it is, it is right
			repotest.Fake(t, "rpmbuild", trap+"\necho $$ >"+at+".new && mv "+at+".new "+at+"\nexec sleep 60")
			repotest.Fake(t, "xorriso", "exit 1")
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			go func() { appears(at); stop() }()
			if iso, err := bench.ISO(ctx, bench.ISOOptions{Dir: dir}); !errors.Is(err, context.Canceled) {
				t.Errorf("%q %v", iso, err)
			}
			repotest.Gone(t, at)
			if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || left[0].Name() != "tarballs" {
				t.Errorf("left: %v; %v", left, err)
			}
		})
	}
}

// TestISOLarge: an ISO is as large as is asked for, by what its rpms take, and not much larger.
func TestISOLarge(t *testing.T) {
	script, err := os.ReadFile("source-iso.sh")
	if err != nil {
		t.Fatal(err)
	}
	// A mirror whose pinned tarballs make 64 MB, and others that make less than they are.
	const helper = "/usr/lib/apt/apt-helper"
	if strings.Count(string(script), helper) != 2 {
		t.Fatal("the script does not call " + helper)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "source-iso.sh")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(script), helper, "apt-helper")), 0o644); err != nil {
		t.Fatal(err)
	}
	var index strings.Builder
	for i := range 40 {
		// Twice, as a mirror has it that keeps two revisions of a package.
		fmt.Fprint(&index, strings.Repeat(fmt.Sprintf("Package: p%d\nDirectory: pool/main/p/p%d\nChecksums-Sha256:\n %064x 500000 p%d_1~a.orig.tar.gz\n\n", i, i, i, i), 2))
	}
	sources := filepath.Join(dir, "Sources")
	if err := os.WriteFile(sources, []byte(index.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	repotest.Fake(t, "apt-helper", `case $2 in */Sources.xz) cp `+sources+` "$3" ;; */p/p[0-9]*) truncate -s 500000 "$3" ;; *) truncate -s 6400000 "$3" ;; esac`)
	repotest.Fake(t, "xz", `cat "$2"`)
	repotest.Fake(t, "rpmbuild", `for spec; do :; done
version=$(sed -n 's/.*Version: //p' "$spec") name=$(basename "$spec" .spec) bytes=6400000
case $name in p[0-9]*) bytes=400000 ;; esac
truncate -s $bytes "$(dirname "$spec")/../out/$name-$version-1.src.rpm"`)
	repotest.Fake(t, "xorriso", `while [ $# -gt 2 ]; do shift; done; cat "$2"/* >"$1"`)
	cmd := exec.Command("bash", file, filepath.Join(dir, "keep"))
	cmd.Env = append(os.Environ(), "SIZE=67", "MIRROR=http://mirror.invalid/debian")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, err.(*exec.ExitError).Stderr)
	}
	info, err := os.Stat(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() != 67_200_000 { // eight further ones
		t.Errorf("%d bytes", info.Size())
	}
}

// TestISOSize: what is asked for in bytes is at least asked for in MB.
func TestISOSize(t *testing.T) {
	for name, script := range map[string]string{"bash": "echo $SIZE", "rpmbuild": "", "xorriso": ""} {
		repotest.Fake(t, name, script)
	}
	for size, want := range map[int64]string{0: "65", 1: "65", 65_000_000: "65", 65_000_001: "66", 66_999_999: "67", 4_200_000_000: "4200"} {
		if got, err := bench.ISO(t.Context(), bench.ISOOptions{Dir: t.TempDir(), Size: size}); err != nil || got != want {
			t.Errorf("%d bytes: %s MB, not %s; %v", size, got, want, err)
		}
	}
}
