package unpack_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repotool/repotest"
	"repotool/unpack"
)

// lines are the rows of a result, with all that is in them.
func lines(t testing.TB, r *unpack.Result) (list []string) {
	t.Helper()
	err := r.Walk(func(n *unpack.Row) error {
		line := fmt.Sprintf("%d %v %q %s %s %v", n.Depth, n.Class, n.Name, n.Path(), n.Format, n.Extra)
		if n.Digests != nil {
			line += fmt.Sprintf(" %x", *n.Digests)
		}
		list = append(list, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// sameSpilled unpacks a content with all rows in memory, and with as few as can be.
func sameSpilled(t *testing.T, name string, open func() (*unpack.Result, *unpack.Result)) {
	t.Helper()
	all, few := open()
	want, got := lines(t, all), lines(t, few)
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			t.Errorf("%s: row %d of %d and %d:\n%s\n%s", name, i, len(want), len(got), strings.Join(want[min(i, len(want)):min(i+3, len(want))], "\n"), strings.Join(got[min(i, len(got)):min(i+3, len(got))], "\n"))
			break
		}
	}
	// With several at work the order of reports, and which are the first, is chance's.
	a, b := fmt.Sprint(sorted(all.Skipped)), fmt.Sprint(sorted(few.Skipped))
	if all.Skips != few.Skips || all.Skips <= unpack.MaxSkipped && a != b {
		t.Errorf("%s: skipped\n%s\n%s", name, a, b)
	}
	if all.Rows != few.Rows {
		t.Errorf("%s: %d rows were made, and %d", name, all.Rows, few.Rows)
	}
}

func sorted(s []unpack.Skipped) []unpack.Skipped {
	slices.SortFunc(s, func(a, b unpack.Skipped) int { return strings.Compare(a.Path+a.Why, b.Path+b.Why) })
	return s
}

// spillAll are limits by which nothing stays in memory that need not.
var spillAll = unpack.Limits{RowsInMemory: 1}

// TestSpilledFossology: that rows leave memory changes nothing of any real upload.
func TestSpilledFossology(t *testing.T) {
	want, names := oracle(t)
	repository := repotest.Repository(t)
	for upload := range keys(want) {
		top := want[upload][0].name
		path := filepath.Join(repository, "localhost", "gold", top[:2], top[2:4], top[4:6], top)
		if i, err := os.Stat(path); err != nil || i.Size() > 8<<20 && testing.Short() {
			continue
		}
		sameSpilled(t, upload+" "+names[upload], func() (*unpack.Result, *unpack.Result) {
			var rs [2]*unpack.Result
			for i, l := range []unpack.Limits{{}, spillAll} {
				f, err := os.Open(path)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				if rs[i], err = closing(t)(unpack.Unpack(t.Context(), names[upload], f, unpack.Options{TempDir: t.TempDir(), Prefix: prefix, Limits: l})); err != nil {
					t.Fatal(err)
				}
			}
			return rs[0], rs[1]
		})
	}
}

// TestSpilledReplaced makes archives in which names are used again and again: by
// files, archives, directories, links.
func TestSpilledReplaced(t *testing.T) {
	packed := gz(t, []byte("packed"))
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 7))
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		name := func() string {
			parts := make([]string, 1+r.IntN(3))
			for i := range parts {
				parts[i] = string(rune('a' + r.IntN(5)))
			}
			return strings.Join(parts, "/")
		}
		for range 150 {
			h := &tar.Header{Name: name(), Mode: 0o644}
			var content []byte
			switch r.IntN(8) {
			case 0:
				h.Typeflag = tar.TypeDir
			case 1:
				h.Typeflag, h.Linkname = tar.TypeSymlink, "x"
			case 2, 3:
				h.Typeflag, h.Linkname = tar.TypeLink, name()
			case 4:
				content = packed
			case 5:
				content = packed[:len(packed)/2]
			default:
				content = fmt.Append(nil, r.Uint32())
			}
			if h.Size = int64(len(content)); h.Name == "a" && h.Typeflag == 0 {
				h.Name = "a.gz"
			}
			if err := w.WriteHeader(h); err != nil {
				t.Fatal(err)
			}
			w.Write(content)
		}
		w.Close()
		for _, limits := range []unpack.Limits{spillAll, {RowsInMemory: 7}} {
			sameSpilled(t, fmt.Sprint("seed ", seed), func() (*unpack.Result, *unpack.Result) {
				return unpackBytes(t, "t", b.Bytes(), unpack.Options{}), unpackBytes(t, "t", b.Bytes(), unpack.Options{Limits: limits})
			})
		}
	}
}

// TestRowsInMemory counts the nodes that are in memory at once: they do not grow
// with the archive, nor with the number of archives in it.
func TestRowsInMemory(t *testing.T) {
	const limit = 2000
	nest := func(n int) []byte {
		inner := tarFrom(t, files(500, "%d")...)
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for i := range n / 500 {
			w.WriteHeader(&tar.Header{Name: fmt.Sprint("t", i), Mode: 0o644, Size: int64(len(inner))})
			w.Write(inner)
		}
		w.Close()
		return b.Bytes()
	}
	for name, make := range map[string]func(n int) []byte{
		"flat":        func(n int) []byte { return tarFrom(t, files(n, "%d")...) },
		"directories": func(n int) []byte { return tarFrom(t, files(n/2, "d%d/f")...) },
		"nest":        nest,
	} {
		for _, n := range []int{10_000, 40_000} {
			b := make(n)
			r := unpackBytes(t, "t", b, unpack.Options{Parallel: 2, Limits: unpack.Limits{RowsInMemory: limit}})
			// Three archives at work may have the fewest that one gives back.
			if most := unpack.MostRows(r); most > limit+3*unpack.Fewest || r.Rows < int64(n) {
				t.Errorf("%s of %d: %d rows were in memory at once, %d in all", name, n, most, r.Rows)
			}
		}
	}
}
