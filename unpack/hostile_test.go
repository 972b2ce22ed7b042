package unpack_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"repotool/repotest"
	"repotool/unpack"
)

func gz(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zipOf(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, b := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		f.Write(b)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func tarFrom(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range headers {
		h.Format = tar.FormatGNU
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		io.CopyN(w, endless('x'), h.Size)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func files(n int, name string) (list []tar.Header) {
	for i := range n {
		list = append(list, tar.Header{Name: fmt.Sprintf(name, i), Size: 3, Mode: 0o644})
	}
	return list
}

// endless is a reader of one byte, again and again.
type endless byte

func (e endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(e)
	}
	return len(b), nil
}

// quine is a zip that holds itself (by Russ Cox, "Zip Files All The Way Down").
func quine(t testing.TB) []byte {
	b, err := os.ReadFile(filepath.Join("testdata", "quine.zip"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// nested makes n gzips around b.
func nested(t testing.TB, n int, b []byte) []byte {
	for range n {
		b = gz(t, b)
	}
	return b
}

// TestLimits reaches each limit, and finds it in the report.
func TestLimits(t *testing.T) {
	defer repotest.NoneLeft(t)
	zeros := make([]byte, 1<<20)
	for _, c := range []struct {
		name   string
		limits unpack.Limits
		in     []byte
		why    string
		rows   int64 // at most
	}{
		{"depth", unpack.Limits{Depth: 3}, nested(t, 6, []byte("text")), "archives within archives, 3 deep", 7},
		{"depth of a quine", unpack.Limits{}, quine(t), "archives within archives, 64 deep", 64 * 3},
		{"entries", unpack.Limits{Entries: 10}, tarFrom(t, files(100, "%d")...), "more entries", 13},
		{"entries that are directories", unpack.Limits{Entries: 10}, tarFrom(t, files(1, strings.Repeat("d/", 30)+"%d")...), "more entries", 13},
		{"bytes", unpack.Limits{Bytes: 100_000}, gz(t, zeros), "more came out than one upload", 2},
		{"bytes, flat", unpack.Limits{Bytes: 100}, tarFrom(t, files(100, "%d")...), "more came out than one upload", 101},
		{"member", unpack.Limits{Member: 100_000}, gz(t, zeros), "larger than one member", 2},
		{"ratio", unpack.Limits{Ratio: 10, Free: 100_000}, gz(t, zeros), "likely for an upload of this size", 2},
		{"ratio, nested", unpack.Limits{Ratio: 10, Free: 100_000}, zipOf(t, map[string][]byte{"a": gz(t, zeros)}), "likely for an upload of this size", 3},
		{"name length", unpack.Limits{NameLength: 50}, tarFrom(t, files(1, strings.Repeat("n", 60)+"%d")...), "longer than paths may be", 2},
		{"name of a file", unpack.Limits{}, tarFrom(t, files(1, strings.Repeat("n", 255)+"%d")...), "longer than names may be", 2},
		{"time", unpack.Limits{Time: 1}, gz(t, zeros), "time for one upload is over", 2},
		{"dictionary of lzma", unpack.Limits{}, slices.Concat([]byte("\x5d\x00\x00\x00\x80\xff\xff\xff\xff\xff\xff\xff\xff\x00"), zeros[:100]), "more memory", 1},
		{"dictionary of xz", unpack.Limits{}, xzOfDictionary(38), "more memory", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := unpackBytes(t, "upload", c.in, unpack.Options{Limits: c.limits})
			wantSkipped(t, r, c.why)
			if r.Rows > c.rows {
				t.Errorf("%d rows were made, want at most %d", r.Rows, c.rows)
			}
		})
	}
}

func wantSkipped(t *testing.T, r *unpack.Result, why string) {
	t.Helper()
	if !slices.ContainsFunc(r.Skipped, func(s unpack.Skipped) bool { return strings.Contains(s.Why, why) }) {
		t.Errorf("nothing was skipped because of %q: %v", why, r.Skipped)
	}
}

// xzOfDictionary is the beginning of a xz whose dictionary has that property.
func xzOfDictionary(p byte) []byte {
	return slices.Concat([]byte("\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01"), []byte{p, 0, 0, 0}, make([]byte, 100))
}

// TestTimeEndsEndless: an upload that never ends, and one whose member never does.
func TestTimeEndsEndless(t *testing.T) {
	defer repotest.NoneLeft(t)
	for name, r := range map[string]io.Reader{
		"text":   endless('x'),
		"member": io.MultiReader(bytes.NewReader(tarFrom(t, tar.Header{Name: "a", Size: 3})[:512]), endless('x')),
	} {
		begin := time.Now()
		res, err := unpack.Unpack(t.Context(), name, r, unpack.Options{Limits: unpack.Limits{Time: 50 * time.Millisecond}})
		if err != nil {
			t.Fatal(err)
		}
		wantSkipped(t, res, "time for one upload is over")
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("%s: it took %v", name, took)
		}
	}
}

// TestPaths: nothing leaves the archive, and what cannot be is reported.
func TestPaths(t *testing.T) {
	reg := func(name string) tar.Header { return tar.Header{Name: name, Size: 4} }
	link := func(kind byte, name, to string) tar.Header {
		return tar.Header{Name: name, Linkname: to, Typeflag: kind}
	}
	r := unpackBytes(t, "t", tarFrom(t, reg("../up"), reg("/abs"), reg("a/../../b"), reg("a/../c"), reg("."), reg("./ok"),
		link(tar.TypeLink, "hard-out", "../../etc/passwd"), link(tar.TypeLink, "hard-abs", "/etc/passwd"), link(tar.TypeLink, "hard", "ok"),
		link(tar.TypeSymlink, "soft", "/etc"), reg("soft/passwd"), link(tar.TypeChar, "tty", ""), link(tar.TypeBlock, "sda", ""), link(tar.TypeFifo, "fifo", ""),
		tar.Header{Name: "twice", Size: 1}, tar.Header{Name: "twice", Size: 2}, reg("file"), reg("file/below"),
		link(tar.TypeLink, "loop", "loop"), tar.Header{Name: "dir/", Typeflag: tar.TypeDir}, reg("dir/full"), reg("dir"),
		tar.Header{Name: "empty/", Typeflag: tar.TypeDir}, reg("empty"), link(tar.TypeSymlink, "way", "dir"), reg("way/through")), unpack.Options{})
	var got []string
	r.Walk(func(n *unpack.Row) error {
		if n.HasContent() {
			got = append(got, fmt.Sprint(n.Path(), " ", n.Digests.Size))
		} else {
			got = append(got, n.Path()+" "+n.Class.String())
		}
		return nil
	})
	want := []string{"t 18432", "t/artifact.dir artifact", "t/artifact.dir/dir dir", "t/artifact.dir/dir/full 4", "t/artifact.dir/dir/through 4",
		"t/artifact.dir/abs 4", "t/artifact.dir/empty 4", "t/artifact.dir/fifo other", "t/artifact.dir/file 4",
		"t/artifact.dir/hard 4", "t/artifact.dir/ok 4", "t/artifact.dir/soft symlink", "t/artifact.dir/twice 2", "t/artifact.dir/way symlink"}
	if !slices.Equal(got[1:], want[1:]) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, why := range []string{"leads out of the archive", "it is a link to ", "goes through symlink soft", "goes through leaf file", "a member of type '3'", "a directory has its name"} {
		wantSkipped(t, r, why)
	}
}

func tarHeader(name string, size int) tar.Header {
	return tar.Header{Name: name, Size: int64(size), Mode: 0o644}
}
