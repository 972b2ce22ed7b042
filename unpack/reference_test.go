package unpack_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"repotool/unpack"
)

// A reference opens files with the tools that FOSSology's unpacker calls, by the
// same commands and in the same places, as an ordinary user. It writes all to the
// disk and starts a process for each file, so it is slow, and nothing for hostile
// input. It is what unpack is compared with.
type referee struct {
	t    *testing.T
	top  string // directory of everything
	rows []row
}

// nobody is the user that tools run as; FOSSology's are no root either.
const nobody = 65534

// refereeTime is for one run of a tool.
const refereeTime = 5 * time.Minute

// reference makes the rows of a file, and says where it was unpacked.
func reference(t *testing.T, path, kind string) ([]row, string) {
	t.Helper()
	top, err := os.MkdirTemp(os.Getenv("COMPARE_TMP"), "compare-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(top) })
	x := &referee{t: t, top: top}
	for _, dir := range []string{"", "files", "ununpack"} {
		must(t, os.MkdirAll(filepath.Join(top, dir), 0o755))
		must(t, os.Chown(filepath.Join(top, dir), nobody, nobody))
	}
	// An upload has no ending in the repository.
	name := contentName(t, path)
	in := filepath.Join(top, "files", name)
	copyFile(t, path, in)
	display := unpack.DisplayName(filepath.Base(path))
	c := x.command(in, kind)
	if c.none { // the upload stays without a tree
		return []row{{class: "top-container", path: display, name: name}}, x.top
	}
	if c.run == nil {
		return []row{{class: "top-file", path: display, name: name}}, x.top
	}
	x.rows = append(x.rows, row{class: "top-container", path: display, name: name})
	x.open(c, in, filepath.Join(top, "ununpack", name), filepath.Base(path), display)
	return x.rows, filepath.Join(top, "ununpack")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	must(t, err)
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o644)
	must(t, err)
	_, err = io.Copy(out, in)
	must(t, err)
	must(t, out.Close())
	must(t, os.Chown(to, nobody, nobody))
}

func contentName(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	s, m := sha1.New(), md5.New()
	n, err := io.Copy(io.MultiWriter(s, m), f)
	must(t, err)
	return fmt.Sprintf("%x.%x.%d", s.Sum(nil), m.Sum(nil), n)
}

// traverse makes the rows of what lies in a directory on the disk.
func (x *referee) traverse(dir, display string) {
	os.Chmod(dir, 0o700)
	entries, err := os.ReadDir(dir)
	must(x.t, err)
	var files, kinds []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	kinds = kindsOf(x.t, files)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if strings.Count(path, "/"+e.Name()+"/") >= 3 {
			if e.Type().IsRegular() {
				kinds = kinds[1:]
			}
			continue
		}
		shown := display + "/" + unpack.DisplayName(e.Name())
		switch {
		case e.IsDir():
			x.rows = append(x.rows, row{class: "dir", path: shown, name: "-"})
			x.traverse(path, shown)
		case e.Type().IsRegular():
			x.file(path, shown, kinds[0])
			kinds = kinds[1:]
		case e.Type() == os.ModeSymlink:
			x.rows = append(x.rows, row{class: "symlink", path: shown, name: "-"})
		default:
			x.rows = append(x.rows, row{class: "other", path: shown, name: "-"})
		}
	}
}

// file makes the rows of one file.
func (x *referee) file(path, shown, kind string) {
	if x.bomb(path) {
		return
	}
	c := x.command(path, kind)
	if c.none {
		return
	}
	if i, err := os.Lstat(path); err == nil && i.Mode().Perm()&0o600 != 0o600 {
		os.Chmod(path, i.Mode()|0o600)
	}
	class := "leaf"
	if c.run != nil {
		class = "container"
	}
	x.rows = append(x.rows, row{class: class, path: shown, name: contentName(x.t, path)})
	if c.run != nil {
		x.open(c, path, path, filepath.Base(path), shown)
	}
}

// open runs a command on the file in; what comes out lies in out.dir or out.unpacked.
func (x *referee) open(c command, in, out, name, shown string) {
	switch c.shape {
	case shapeDir:
		dir := out + ".dir"
		os.MkdirAll(dir, 0o770)
		os.Chown(dir, nobody, nobody)
		c.run(x, in, dir, name)
		x.rows = append(x.rows, row{class: "artifact", path: shown + "/artifact.dir", name: "-"})
		x.traverse(dir, shown+"/artifact.dir")
	case shapeDsc:
		tree := out + ".unpacked"
		c.run(x, in, tree, name)
		x.rows = append(x.rows, row{class: "artifact", path: shown + "/artifact.unpacked", name: "-"})
		if _, err := os.Stat(tree); err == nil {
			x.traverse(tree, shown+"/artifact.unpacked")
		}
	case shapeRPM:
		cpio := out + ".unpacked"
		c.run(x, in, cpio, name)
		x.rpmCpio(cpio, shown+"/artifact.unpacked")
	}
}

// rpmCpio is the file that comes out of an rpm: an artifact with a content.
func (x *referee) rpmCpio(path, shown string) {
	if _, err := os.Stat(path); err != nil {
		return
	}
	c := x.command(path, kindsOf(x.t, []string{path})[0])
	if c.none {
		return
	}
	x.rows = append(x.rows, row{class: "cpio", path: shown, name: contentName(x.t, path)})
	if c.run != nil {
		x.open(c, path, path, filepath.Base(path), shown)
	}
}

// bomb is FOSSology's guard.
func (x *referee) bomb(path string) bool {
	archive, ok := strings.CutSuffix(filepath.Dir(path), ".dir")
	if !ok {
		return false
	}
	a, err := os.Stat(archive)
	if err != nil || !a.Mode().IsRegular() || a.Size() == 0 {
		return false
	}
	f, err := os.Stat(path)
	return err == nil && f.Size()/a.Size() > 1000
}

// kindsOf asks libmagic about files, many at once.
func kindsOf(t *testing.T, files []string) (kinds []string) {
	t.Helper()
	const most = 200
	for len(files) > 0 {
		some := files[:min(len(files), most)]
		files = files[len(some):]
		out := asNobody(t, "", "file", append([]string{"-b", "--mime", "-h", "--"}, some...)...)
		lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		if len(lines) != len(some) {
			t.Fatalf("file says %d lines of %d files", len(lines), len(some))
		}
		kinds = append(kinds, lines...)
	}
	return kinds
}

// shell runs a command line as FOSSology's unpacker does, and says how it ended.
func (x *referee) shell(dir, line string) int {
	_, err := x.try(dir, "sh", "-c", line)
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode()
	}
	must(x.t, err)
	return 0
}

func (x *referee) try(dir, name string, args ...string) (string, error) {
	return tryAs(x.t, dir, x.top, name, args...)
}

func asNobody(t *testing.T, dir, name string, args ...string) string {
	out, err := tryAs(t, dir, "/", name, args...)
	must(t, err)
	return out
}

func tryAs(t *testing.T, dir, home, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), refereeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "HOME=" + home}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}, Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var out bytes.Buffer
	cmd.Stdout = &out
	err := cmd.Run()
	return out.String(), err
}

// quoted is a name for the shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
