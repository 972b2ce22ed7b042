package unpack_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"repotool/repotest"
	"repotool/unpack"
)

// maxSeed is the largest upload that is damaged, or that a fuzzer begins with.
const maxSeed = 64 << 10

// seeds are the small uploads of the real installation, by name.
func seeds(t testing.TB) map[string][]byte {
	t.Helper()
	uploads, names := oracle(t)
	repository := repotest.Repository(t)
	m := map[string][]byte{}
	for upload, rows := range uploads {
		top := rows[0].name
		b, err := os.ReadFile(filepath.Join(repository, "localhost", "gold", top[:2], top[2:4], top[4:6], top))
		if err != nil {
			t.Fatal(err)
		}
		if len(b) <= maxSeed {
			m[names[upload]] = b
		}
	}
	if len(m) < 50 {
		t.Fatalf("only %d uploads", len(m))
	}
	return m
}

// sinks take all contents, and see that each is closed once with what it was given.
type sinks struct {
	mu   sync.Mutex
	open int
	bad  []string
}

type sink struct {
	s    *sinks
	n    int64
	done bool
}

func (s *sinks) content(*unpack.Node) unpack.Content {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	return &sink{s: s}
}

func (k *sink) Write(b []byte) (int, error) {
	k.n += int64(len(b))
	return len(b), nil
}

func (k *sink) Close(d *unpack.Digests) error {
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	if k.s.open--; k.done || d.Size != k.n {
		k.s.bad = append(k.s.bad, fmt.Sprintf("closed with %d bytes of %d, %v", d.Size, k.n, k.done))
	}
	k.done = true
	return nil
}

// check opens what may be damaged in both ways, from a stream and from memory, and
// looks at what must always hold.
func check(t testing.TB, name string, b []byte, bytesOut int64) {
	t.Helper()
	limits := unpack.Limits{Bytes: bytesOut, Entries: 5000, Depth: 8}
	var trees []string
	for _, r := range []io.Reader{io.MultiReader(bytes.NewReader(b)), bytes.NewReader(b)} {
		s := &sinks{}
		res, err := unpack.Unpack(t.Context(), name, r, unpack.Options{Limits: limits, TempDir: t.TempDir(), Content: s.content})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		defer res.Close()
		if s.open != 0 || len(s.bad) > 0 {
			t.Errorf("%s: %d contents are open; %v", name, s.open, s.bad)
		}
		if d := res.Top.Digests; d.Size != int64(len(b)) || fmt.Sprintf("%x", d.SHA1) != sum(b) {
			t.Errorf("%s: the upload's own digests are wrong", name)
		}
		h := fnv.New64()
		res.Walk(func(n *unpack.Row) error {
			if n.HasContent() {
				if n.Digests == nil {
					t.Errorf("%s: %s has no digests", name, n.Path())
					return nil
				}
				fmt.Fprintf(h, "%x ", n.Digests.SHA1)
			}
			fmt.Fprintf(h, "%s %q\n", n.Class, n.Path())
			return nil
		})
		if res.Bytes < limits.Bytes { // else chance decides what comes out
			trees = append(trees, fmt.Sprint(h.Sum64()))
		}
	}
	if len(trees) == 2 && trees[0] != trees[1] {
		t.Errorf("%s: a stream and a file of the same bytes give different trees", name)
	}
}

// TestDamaged cuts, changes and splices real uploads of every format.
func TestDamaged(t *testing.T) {
	defer repotest.NoneLeft(t)
	r := rand.New(rand.NewPCG(3, 4))
	all := seeds(t)
	names := slices.Sorted(maps.Keys(all))
	check := func(t testing.TB, name string, b []byte) { check(t, name, b, 16<<20) }
	for _, name := range names {
		b, other := all[name], all[names[r.IntN(len(names))]]
		check(t, name, b)
		for range 3 {
			at := r.IntN(len(b))
			check(t, name, b[:at])
			check(t, name, slices.Concat(b[:at], other[min(at, len(other)):]))
			changed := slices.Clone(b)
			for range 1 + r.IntN(20) {
				changed[r.IntN(len(b))] = byte(r.Uint32())
			}
			check(t, name, changed)
			head := slices.Clone(b)
			head[r.IntN(min(len(b), 600))] ^= 1 << r.IntN(8)
			check(t, name, head)
		}
	}
}

// fullSink takes all of a content but its end.
type fullSink struct {
	left   int
	closed []unpack.Digests
}

func (s *fullSink) Write(b []byte) (int, error) {
	if s.left -= len(b); s.left <= 0 {
		return 0, errors.New("full")
	}
	return len(b), nil
}

func (s *fullSink) Close(d *unpack.Digests) error { s.closed = append(s.closed, *d); return nil }

// TestSinkFails: who could not take the last bytes of a content is told of no content.
func TestSinkFails(t *testing.T) {
	content := text(300_000)
	s := &fullSink{left: len(content)}
	_, err := unpack.Unpack(t.Context(), "t.tar", bytes.NewReader(append(tarFile(t, content), 0)), unpack.Options{TempDir: t.TempDir(),
		Content: func(n *unpack.Node) unpack.Content {
			if n.Name == "f.xz" {
				return s
			}
			return nil
		}})
	if err == nil || len(s.closed) != 1 || s.closed[0] != (unpack.Digests{}) {
		t.Errorf("%v, %v", s.closed, err)
	}
}
