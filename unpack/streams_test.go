package unpack_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha1"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repotool/repotest"
	"repotool/unpack"
)

// text is compressible, the same every time, and no archive. bzip2 makes several
// blocks of it.
func text(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, "line %d: %x\n", b.Len(), r.Uint32N(1<<20))
	}
	return b.Bytes()[:n]
}

// tool runs a program with a standard input.
func tool(t testing.TB, in []byte, name string, args ...string) (out []byte, ok bool) {
	t.Helper()
	cmd := exec.Command(repotest.Tool(t, name), args...)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	return out, err == nil
}

// damages are what may have happened to a compressed file.
func damages(b []byte) map[string][]byte {
	flip := func(at int) []byte {
		c := slices.Clone(b)
		c[at] ^= 0x55
		return c
	}
	with := func(tail []byte) []byte { return slices.Concat(b, tail) }
	m := map[string][]byte{
		"whole": b, "twice": with(b), "zeros": with(make([]byte, 512)), "three zeros": with(make([]byte, 3)),
		"garbage": with([]byte("no archive of any kind")), "two bytes more": with([]byte("xx")),
		"twice, garbage": with(append(slices.Clone(b), "garbage"...)), "twice, cut": with(b[:len(b)/2]),
	}
	for i := 1; i < 8; i++ {
		m[fmt.Sprintf("cut %d/8", i)] = b[:len(b)*i/8]
		m[fmt.Sprintf("flipped %d/8", i)] = flip(len(b) * i / 8)
	}
	for i := 1; i < 9; i += 2 {
		m[fmt.Sprintf("cut %d before the end", i)] = b[:len(b)-i]
		m[fmt.Sprintf("flipped %d before the end", i)] = flip(len(b) - i)
	}
	return m
}

// leaves are the files of a result by the names below their container, with their sums.
func leaves(r *unpack.Result) map[string]string {
	m := map[string]string{}
	r.Walk(func(n *unpack.Row) error {
		if _, path, ok := strings.Cut(n.Path(), "/artifact.dir/"); ok && n.HasContent() {
			m[path] = fmt.Sprintf("%x", n.Digests.SHA1)
		}
		return nil
	})
	return m
}

func sum(b []byte) string { return fmt.Sprintf("%x", sha1.Sum(b)) }

func unpackBytes(t testing.TB, name string, b []byte, o unpack.Options) *unpack.Result {
	t.Helper()
	o.TempDir = t.TempDir()
	r, err := closing(t)(unpack.Unpack(t.Context(), name, bytes.NewReader(b), o))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestStreamEnds damages compressed files, and compares what comes out with what
// FOSSology's tools leave.
func TestStreamEnds(t *testing.T) {
	plain, even := text(1_200_777), text(1_200_000) // even: in pieces of bzip2
	keeps := func(name string) func(t *testing.T, in []byte) map[string]string {
		return func(t *testing.T, in []byte) map[string]string {
			out, _ := tool(t, in, name, "-dc")
			m := map[string]string{"": sum(out)}
			if name == "gzip" && len(out) > 0 { // of one cut in twenty gzip makes a byte more
				m["less"] = sum(out[:len(out)-1])
			}
			return m
		}
	}
	removes := func(format string) func(t *testing.T, in []byte) map[string]string {
		return func(t *testing.T, in []byte) map[string]string {
			out, ok := tool(t, in, "zstd", "--decompress", "-c", "--format="+format)
			if !ok {
				return map[string]string{}
			}
			return map[string]string{"": sum(out)}
		}
	}
	for _, c := range []struct {
		name, tool string
		args       []string
		want       func(t *testing.T, in []byte) map[string]string
	}{
		{"f.gz", "gzip", []string{"-nc"}, keeps("gzip")},
		{"f.bz2", "bzip2", []string{"-c"}, keeps("bzip2")},
		{"even.bz2", "bzip2", []string{"-c"}, keeps("bzip2")},
		{"f.zst", "zstd", []string{"-c"}, removes("zstd")},
		{"f.lz4", "lz4", []string{"-c"}, removes("lz4")},
		{"f.lzma", "xz", []string{"-c", "-1", "--format=lzma"}, removes("lzma")},
		{"f.xz", "xz", []string{"-c", "-1"}, untarred},
	} {
		in := plain
		switch c.name {
		case "f.xz":
			in = tarOf(t, plain)
		case "even.bz2":
			in = even
		}
		packed, ok := tool(t, in, c.tool, c.args...)
		if !ok {
			t.Fatal(c.tool)
		}
		damages := damages(packed)
		if c.name == "f.bz2" {
			// The library does not say where a stream ends, so the last piece of
			// the first is lost with the second.
			delete(damages, "twice, cut")
		}
		for _, d := range slices.Sorted(maps.Keys(damages)) {
			t.Run(c.name+"/"+d, func(t *testing.T) {
				t.Parallel()
				r := unpackBytes(t, c.name, damages[d], unpack.Options{})
				got, want := leaves(r), c.want(t, damages[d])
				if file, ok := want[""]; ok {
					inner := strings.TrimSuffix(c.name, filepath.Ext(c.name))
					if less := want["less"]; less != "" && got[inner] == less && strings.HasPrefix(d, "cut") {
						file = less
					}
					want = map[string]string{inner: file}
				}
				if c.name == "f.xz" {
					sameButLast(t, got, want)
				} else if !maps.Equal(got, want) {
					t.Errorf("got  %v\nwant %v", got, want)
					for _, s := range r.Skipped {
						t.Log(s.Why)
					}
				}
			})
		}
	}
}

// TestCompressEnds does the same to what compress made; gzip opens that, too.
func TestCompressEnds(t *testing.T) {
	damages := damages(seeds(t)["jsmn.h.Z"])
	for _, d := range slices.Sorted(maps.Keys(damages)) {
		out, _ := tool(t, damages[d], "gzip", "-dc")
		got := leaves(unpackBytes(t, "f.Z", damages[d], unpack.Options{}))
		if len(out) == 0 || got["f"] != sum(out) {
			t.Errorf("%s: got %v, want %d bytes", d, got, len(out))
		}
	}
}

// sameButLast: of a damaged xz xz decodes a little more than the library does, so
// the file that was cut may differ, but only that one.
func sameButLast(t *testing.T, got, want map[string]string) {
	t.Helper()
	last := slices.Max(append(slices.Collect(maps.Keys(want)), ""))
	for path := range got {
		if got[path] != want[path] && path < last {
			t.Errorf("%s: got %s, want %s", path, got[path], want[path])
		}
	}
	for path := range want {
		if got[path] == "" && path < last {
			t.Errorf("%s is missing", path)
		}
	}
}

// tarOf makes a tar of parts of b.
func tarOf(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i, size := range []int{700, 300_000, 0, 12_345, 512_000, 3} {
		w.WriteHeader(&tar.Header{Name: fmt.Sprintf("d/%d", i), Mode: 0o644, Size: int64(size)})
		w.Write(b[i : i+size])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// untarred is what tar makes of a tar.xz.
func untarred(t *testing.T, in []byte) map[string]string {
	dir := t.TempDir()
	tool(t, in, "tar", "-xJf", "-", "-C", dir)
	m := map[string]string{}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Error(err)
			}
			m[strings.TrimPrefix(path, dir+"/")] = sum(b)
		}
		return err
	})
	return m
}
