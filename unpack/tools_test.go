package unpack_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"repotool/repotest"
	"repotool/unpack"
)

// Contents that are recognised by their beginning; what tools make of them is
// the tests' affair.
var (
	cab   = "MSCF" + strings.Repeat("\x00", 100)
	image = "hsqs" + strings.Repeat("\x00", 100)
	pdf   = "%PDF-1.4\n"
	ntfs  = "\xeb\x52\x90NTFS    " + strings.Repeat("\x00", 499) + "\x55\xaa"
	dsc   = "Format: 3.0 (quilt)\nSource: thing\nVersion: 1-1\n"
)

// tarIn makes a tar of names and contents, in their order.
func tarIn(t *testing.T, members ...[2]string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		if err := w.WriteHeader(&tar.Header{Name: m[0], Mode: 0o644, Size: int64(len(m[1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// open unpacks a content, and looks that nothing of it lies about afterwards.
func open(t *testing.T, ctx context.Context, content string, o unpack.Options) (*unpack.Result, error) {
	t.Helper()
	o.TempDir = t.TempDir()
	r, err := closing(t)(unpack.Unpack(ctx, "thing", strings.NewReader(content), o))
	nothingIn(t, o.TempDir)
	return r, err
}

func nothingIn(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// skipped says whether the report has a line with both words.
func skipped(r *unpack.Result, path, why string) bool {
	return slices.ContainsFunc(r.Skipped, func(s unpack.Skipped) bool {
		return strings.Contains(s.Path, path) && strings.Contains(s.Why, why)
	})
}

func TestToolMissing(t *testing.T) {
	for _, c := range []struct{ name, content, path, why string }{
		{"cab", cab, "thing", "not opened, tool missing: 7z (apt-get install 7zip or p7zip-full)"},
		{"image", image, "thing", "not opened, tool missing: 7z (apt-get install 7zip or p7zip-full)"},
		{"pdf", pdf, "thing", "not opened, tool missing: pdftotext (apt-get install poppler-utils)"},
		{"dsc", tarIn(t, [2]string{"a.dsc", dsc}), "thing/artifact.dir/a.dsc", "not opened, tool missing: dpkg-source (apt-get install dpkg-dev)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("PATH", t.TempDir())
			r, err := open(t, t.Context(), c.content, unpack.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Skipped) != 1 || r.Skipped[0] != (unpack.Skipped{Path: c.path, Why: c.why}) {
				t.Errorf("report: %v", r.Skipped)
			}
			if r.Top.Class != unpack.Container || r.Top.Digests.Size != int64(len(c.content)) {
				t.Errorf("%v of %d bytes", r.Top.Class, r.Top.Digests.Size)
			}
		})
	}
	t.Run("fls", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		repotest.Fake(t, "7z", "exit 2")
		r, err := open(t, t.Context(), ntfs, unpack.Options{})
		if err != nil || !skipped(r, "thing", "tool missing: fls") {
			t.Errorf("%v %v", err, r)
		}
	})
}

func TestTools(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	repotest.Fake(t, "7zz", "exit 0")
	for _, tool := range unpack.Tools() {
		if found := tool.Path != ""; found != (tool.Name == "7z") || tool.Package == "" || tool.For == "" {
			t.Errorf("%+v", tool)
		}
	}
}

// sleeping is a command that writes its number, as the system outside knows it, to
// a file, and sleeps.
func sleeping(t *testing.T, pid string) string {
	unpack.LetToolsWrite(t, filepath.Dir(pid))
	return "sh -c 'read p rest </proc/self/stat; echo $p >" + pid + ".new; mv " + pid + ".new " + pid + "; exec sleep 600 >/dev/null 2>&1'"
}

// hanging is a tool that has started another one and waits for it.
func hanging(t *testing.T) (pid string) {
	pid = filepath.Join(t.TempDir(), "pid")
	repotest.Fake(t, "7z", "mkdir -p a/b; echo x >a/b/c; chmod 0 a; "+sleeping(t, pid)+" & wait")
	return pid
}

func TestToolHangs(t *testing.T) {
	defer repotest.NoneLeft(t)
	pid := hanging(t)
	var r *unpack.Result
	// Within its time the tool has to start the other one, which takes long on a busy machine.
	for _, limit := range []time.Duration{5 * time.Second, 20 * time.Second, 80 * time.Second} {
		begin := time.Now()
		var err error
		if r, err = open(t, t.Context(), image, unpack.Options{Limits: unpack.Limits{Tool: limit}}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took > limit+time.Minute {
			t.Errorf("it took %v of %v", took, limit)
		}
		if _, err := os.Stat(pid); err == nil {
			break
		}
	}
	if !skipped(r, "thing", "the time for one run of a tool is over") {
		t.Errorf("report: %v", r.Skipped)
	}
	if n := len(tree(t, r).children[0].children); n > 0 {
		t.Errorf("%d rows of what a killed tool left", n)
	}
	repotest.Gone(t, pid)
}

func TestToolCancelled(t *testing.T) {
	defer repotest.NoneLeft(t)
	pid := hanging(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if _, err := os.Stat(pid); err == nil {
				cancel()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	if r, err := open(t, ctx, image, unpack.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v %v", r, err)
	}
	cancel()
	<-done
	repotest.Gone(t, pid)
}

// TestToolLeavesProcess: a tool that ends well, but not all that it started.
func TestToolLeavesProcess(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	repotest.Fake(t, "7z", "echo x >a; "+sleeping(t, pid)+" & while [ ! -e "+pid+" ]; do sleep 0.01; done")
	r, err := open(t, t.Context(), image, unpack.Options{})
	if err != nil || len(tree(t, r).children[0].children) != 1 {
		t.Errorf("%v %v", err, r)
	}
	repotest.Gone(t, pid)
}

func TestToolWritesTooMuch(t *testing.T) {
	for _, c := range []struct {
		name, script, why string
		limits            unpack.Limits
	}{
		{"many files", "while :; do i=x$i; head -c 100000 /dev/zero >$i; [ ${#i} -lt 200 ] || sleep 600; done",
			"more came out than one upload may hold", unpack.Limits{Bytes: 1 << 20}},
		{"in its home", "while :; do i=x$i; head -c 100000 /dev/zero >$HOME/$i; [ ${#i} -lt 200 ] || sleep 600; done",
			"more came out than one upload may hold", unpack.Limits{Bytes: 1 << 20}},
		{"many directories", "while :; do i=x$i; mkdir $i; [ ${#i} -lt 200 ] || sleep 600; done",
			"more entries than one upload may have", unpack.Limits{Entries: 50}},
		{"before anybody looks", "head -c 3000000 /dev/zero >a", "more came out than one upload may hold", unpack.Limits{Bytes: 1 << 20}},
		{"one file", "sleep 0.3; exec head -c 100000000 /dev/zero >a", "larger than one member", unpack.Limits{Member: 1 << 20}},
	} {
		t.Run(c.name, func(t *testing.T) {
			repotest.Fake(t, "7z", c.script)
			r, err := open(t, t.Context(), image, unpack.Options{Limits: c.limits})
			if err != nil {
				t.Fatal(err)
			}
			if !skipped(r, "thing", c.why) {
				t.Errorf("report: %v", r.Skipped)
			}
			if n := len(tree(t, r).children[0].children); n > 0 {
				t.Errorf("%d rows came out", n)
			}
		})
	}
}

// limited is a command that waits until it has the limits of a tool, which come when it
// runs already; not for ever, for what is looked at may be that they do not come.
const limited = `i=0; until [ "$(ulimit -c)" = 0 ] && [ "$(ulimit -v)" != unlimited ] && [ "$(ulimit -t)" != unlimited ] &&
	grep -q 'processes *1024 ' /proc/self/limits || [ $i -ge 100 ]; do sleep 0.1; i=$((i+1)); done; `

// TestToolSurroundings looks at what a tool can see of us.
func TestToolSurroundings(t *testing.T) {
	t.Setenv("SECRET", "x")
	repotest.Fake(t, "7z", limited+"env >env; ulimit -c >core; ulimit -v >memory; ulimit -t >cpu; cat /proc/self/net/dev >net; cat >stdin; exit 0")
	var mu sync.Mutex
	got := map[string]string{}
	o := unpack.Options{Content: func(n *unpack.Node) unpack.Content {
		return &collector{to: func(s string) {
			mu.Lock()
			defer mu.Unlock()
			got[n.Name] = s
		}}
	}}
	r, err := open(t, t.Context(), image, o)
	if err != nil || len(r.Skipped) > 0 {
		t.Fatal(err, r.Skipped)
	}
	if strings.Contains(got["env"], "SECRET") || !strings.Contains(got["env"], "LC_ALL=C\n") || strings.Contains(got["env"], "HOME="+os.Getenv("HOME")+"\n") {
		t.Errorf("environment:\n%s", got["env"])
	}
	if got["stdin"] != "" || got["core"] != "0\n" || got["memory"] == "unlimited\n" || got["cpu"] == "unlimited\n" {
		t.Errorf("%q", got)
	}
	alone := exec.Command("true")
	alone.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() == 0 && alone.Run() == nil && strings.Count(got["net"], ":") != 1 {
		t.Errorf("it sees networks:\n%s", got["net"])
	}
}

type collector struct {
	strings.Builder
	to func(string)
}

func (c *collector) Close(*unpack.Digests) error { c.to(c.String()); return nil }

// TestHandover: all that a tool may leave in its directory.
func TestHandover(t *testing.T) {
	repotest.Fake(t, "7z", `mkdir -p d/e locked; echo 1 >d/one; echo 2 >"$(printf 'l\344tin')"; ln -s /etc/passwd link; ln -s /etc d/dir
mkfifo pipe; echo 3 >unreadable; chmod 0 unreadable; echo 4 >locked/in; chmod 0 locked; ln d/one d/same; ln -s / d/e/root`)
	r, err := open(t, t.Context(), image, unpack.Options{})
	if err != nil || len(r.Skipped) > 0 {
		t.Fatal(err, r.Skipped)
	}
	var rows []string
	r.Walk(func(n *unpack.Row) error {
		if n.Depth == 0 {
			return nil
		}
		line := fmt.Sprintf("%v %q", n.Class, n.Name)
		if n.HasContent() {
			line += fmt.Sprint(" ", n.Digests.Size)
		}
		rows = append(rows, line)
		return nil
	})
	want := []string{`artifact "artifact.dir"`, `dir "d"`, `dir "e"`, `symlink "root"`, `symlink "dir"`, `leaf "one" 2`, `leaf "same" 2`,
		`dir "locked"`, `leaf "in" 2`, `symlink "link"`, `leaf "l\xe4tin" 2`, `other "pipe"`, `leaf "unreadable" 2`}
	if !slices.Equal(rows, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(rows, "\n"), strings.Join(want, "\n"))
	}
}

// TestToolPanic: a scratch goes even if who takes its files panics.
func TestToolPanic(t *testing.T) {
	repotest.Fake(t, "7z", "head -c 2000000 /dev/zero >a")
	r, err := open(t, t.Context(), image, unpack.Options{Content: func(n *unpack.Node) unpack.Content {
		if n.Name == "a" {
			return panicking{}
		}
		return nil
	}})
	if err != nil || !skipped(r, "thing", "gave up: at the first byte") {
		t.Errorf("%v %v", err, r)
	}
}

type panicking struct{}

func (panicking) Write([]byte) (int, error)   { panic("at the first byte") }
func (panicking) Close(*unpack.Digests) error { return nil }

// TestDiskFull: that a disk is full is no fault of what is being opened, and
// nothing is left on it. Only root can make a small disk.
func TestDiskFull(t *testing.T) {
	disk := repotest.FileSystem(t, 48<<20, "mkfs.ext4", "-q", "-F")
	repotest.Fake(t, "7z", "head -c 60000000 /dev/zero >a; exit 2")
	r, err := unpack.Unpack(t.Context(), "thing", strings.NewReader(image), unpack.Options{TempDir: disk})
	if os.Geteuid() == 0 && !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v %v", err, r)
	}
	if left, err := filepath.Glob(filepath.Join(disk, "repotool*")); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// TestMicrosoft: what libmagic calls vnd.ms is a container whatever 7z says; of
// compound documents some are.
func TestMicrosoft(t *testing.T) {
	ole := "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 600)
	dos := "MZ" + strings.Repeat("\x00", 22) + "\x1c" + strings.Repeat("\x00", 100)
	pe := "MZ" + strings.Repeat("\x00", 22) + "\x40" + strings.Repeat("\x00", 35) + "\x80" + strings.Repeat("\x00", 67) + "PE\x00\x00"
	for _, c := range []struct {
		name, content, file string
		class               unpack.Class
	}{
		{"cab", cab, "", unpack.Container},
		{"font", "OTTO\x00\x0b", "", unpack.Container},
		{"word", ole, "application/msword", unpack.Container},
		{"excel", ole, "application/vnd.ms-excel", unpack.Container},
		{"installer", ole, "application/x-msi", unpack.Leaf},
		{"unknown", ole, "application/CDFV2", unpack.Leaf},
		{"dos", dos, "application/x-dosexec", unpack.Container},
		{"windows", pe, "", unpack.Leaf},
	} {
		t.Run(c.name, func(t *testing.T) {
			repotest.Fake(t, "7z", "echo x >a; exit 2")
			repotest.Fake(t, "file", "echo "+c.file)
			r, err := open(t, t.Context(), c.content, unpack.Options{})
			if err != nil {
				t.Fatal(err)
			}
			rows := 0
			for _, n := range tree(t, r).children {
				rows += len(n.children)
			}
			if r.Top.Class != c.class || (rows == 1) != (c.class == unpack.Container) {
				t.Errorf("%v with %d rows, %v", r.Top.Class, rows, r.Skipped)
			}
		})
	}
}
