package unpack_test

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repotool/repotest"
	"repotool/unpack"
)

// TestToolsOfSystem opens again what the tools of the system open, as uploads that
// can be read only once and must not stay in memory: tools get them as files
// without a name.
func TestToolsOfSystem(t *testing.T) {
	want, names := oracle(t)
	repository := repotest.Repository(t)
	for _, upload := range []string{"8", "9", "34", "43", "50", "51", "54", "91"} {
		t.Run(upload+" "+names[upload], func(t *testing.T) {
			f := gold(t, repository, want[upload][0].name)
			dir := t.TempDir()
			r, err := unpack.Unpack(t.Context(), names[upload], struct{ io.Reader }{f},
				unpack.Options{TempDir: dir, Prefix: prefix, Limits: unpack.Limits{SpoolMemory: 1}})
			nothingIn(t, dir)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, excuses{}, want[upload], got(upload, r))
		})
	}
}

func gold(t *testing.T, repository, name string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join(repository, "localhost", "gold", name[:2], name[2:4], name[4:6], name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestSourceInAnyOrder: a source package comes out the same wherever its .dsc
// stands among its parts.
func TestSourceInAnyOrder(t *testing.T) {
	want, _ := oracle(t)
	f := gold(t, repotest.Repository(t), want["8"][0].name)
	var members [][2]string
	for in := tar.NewReader(f); ; {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, [2]string{h.Name, string(b)})
	}
	if len(members) != 3 {
		t.Fatalf("%d members", len(members))
	}
	for _, c := range []struct {
		order  [3]int
		memory int64 // all in files, some, all in memory
	}{
		{[3]int{0, 1, 2}, 1}, {[3]int{0, 2, 1}, 2000}, {[3]int{1, 0, 2}, 0}, {[3]int{1, 2, 0}, 1}, {[3]int{2, 0, 1}, 2000}, {[3]int{2, 1, 0}, 2000},
	} {
		archive := tarIn(t, members[c.order[0]], members[c.order[1]], members[c.order[2]])
		r, err := open(t, t.Context(), archive, unpack.Options{Limits: unpack.Limits{SpoolMemory: c.memory}})
		if err != nil || len(r.Skipped) > 0 {
			t.Fatal(err, r.Skipped)
		}
		rows := got("8", r)[1:] // the tar itself is another one
		for i := range rows {
			rows[i].path = strings.Replace(rows[i].path, "thing/", "genht-dsc.tar/", 1)
		}
		compare(t, excuses{}, want["8"][1:], rows)
	}
}

// TestSourceIncomplete: without its parts nothing comes out of a .dsc, and an
// upload is none, whatever its name.
func TestSourceIncomplete(t *testing.T) {
	r, err := open(t, t.Context(), tarIn(t, [2]string{"d/a.dsc", dsc + "Files:\n 0123 5 a_1.tar.gz\n"}, [2]string{"a_1.tar.gz", "hello"}), unpack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := tree(t, r).children[0].children[0].children[0]
	if d.Class != unpack.Container || len(d.children) != 1 || d.children[0].Name != "artifact.unpacked" || len(d.children[0].children) != 0 {
		t.Errorf("%+v", d)
	}
	if !skipped(r, "a.dsc", "dpkg-source ended with exit status") {
		t.Errorf("report: %v", r.Skipped)
	}
	top, err := unpack.Unpack(t.Context(), "a.dsc", strings.NewReader(dsc), unpack.Options{})
	if err != nil || top.Top.Class != unpack.Leaf {
		t.Errorf("%v %+v", err, top)
	}
}

// TestDamagedExt2: what 7z refuses, The Sleuth Kit opens as far as it is there.
func TestDamagedExt2(t *testing.T) {
	want, _ := oracle(t)
	b, err := io.ReadAll(io.LimitReader(gold(t, repotest.Repository(t), want["43"][0].name), 150<<10))
	if err != nil {
		t.Fatal(err)
	}
	r, err := open(t, t.Context(), string(b), unpack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, x := range got("43", r) {
		out[x.path] = x.name
	}
	for _, x := range want["43"] {
		switch path := strings.Replace(x.path, "box-ext2.img", "thing", 1); {
		case x.class == "dir" && out[path] != "-", strings.HasSuffix(path, "/README.txt") && out[path] != x.name:
			t.Errorf("%s: %q", path, out[path])
		}
	}
}

// A slow is a sink that takes its time for the end of a content.
type slow struct {
	size int64
	got  *int64
}

func (s slow) Write(b []byte) (int, error) {
	if *s.got += int64(len(b)); *s.got > s.size-90_000 {
		time.Sleep(1500 * time.Millisecond)
	}
	return len(b), nil
}

func (slow) Close(*unpack.Digests) error { return nil }

// TestToolOutruns: what a tool has written comes out however long the work on it takes,
// and the tool may have ended long before: the list of a file system, and a file.
func TestToolOutruns(t *testing.T) {
	const files, size = 60, 3_000_000 // not to be worked on beside
	long := strings.Repeat("n", 200)
	repotest.Fake(t, "7z", "exit 2")
	repotest.Fake(t, "fls", fmt.Sprintf(`case "$*" in *-Fupr*) for i in $(seq %d); do printf 'r/r %%d:\t%s%%d\n' $i $i; done;; esac`, files, long))
	repotest.Fake(t, "icat", fmt.Sprintf(`for last; do :; done; if [ $last = 1 ]; then head -c %d /dev/zero; else echo $last; fi`, size))
	var got int64
	r, err := open(t, t.Context(), ntfs, unpack.Options{Content: func(n *unpack.Node) unpack.Content {
		if n.Name == long+"1" {
			return slow{size, &got}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(tree(t, r).children[0].children); n != files || got != size || len(r.Skipped) > 0 {
		t.Errorf("%d files, want %d; %d bytes of the first, want %d; %v", n, files, got, size, r.Skipped)
	}
}
