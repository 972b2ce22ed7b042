package unpack_test

import (
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"repotool/repotest"
	"repotool/unpack"
)

func noise(n int) string {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return "\xf3\xa7\x02\x9e" + string(b) // libmagic knows nothing that begins so
}

// TestEmbedded: 7z finds archives within blobs, wherever they begin, and so do we.
func TestEmbedded(t *testing.T) {
	want, _ := oracle(t)
	repository := repotest.Repository(t)
	for _, c := range []struct {
		upload, what string
		tail         bool
	}{
		{"11", "deb", true}, {"16", "rpm", true}, {"20", "tar", true}, {"21", "gzip", false}, {"24", "xz", false}, {"25", "zstd", false},
		{"30", "zip", true}, {"33", "7z", true}, {"34", "cab", true}, {"35", "cpio", true}, {"39", "iso", true}, {"43", "ext2", true},
		{"46", "fat", true}, {"48", "fat32", true}, {"51", "squashfs", true},
	} {
		t.Run(c.what, func(t *testing.T) {
			b, err := io.ReadAll(gold(t, repository, want[c.upload][0].name))
			if err != nil {
				t.Fatal(err)
			}
			// The step at which blobs are read lies within the beginning.
			for _, place := range []int{64, 256<<10 - 6, 3 << 20} {
				blob := noise(place-4) + string(b)
				if c.tail {
					blob += noise(3000)
				}
				r, err := open(t, t.Context(), blob, unpack.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if r.Top.Class != unpack.Container || r.Top.Format != "blob" {
					t.Errorf("at %d: %v %v %v", place, r.Top.Class, r.Top.Format, r.Skipped)
				}
			}
		})
	}
}

// TestNothingEmbedded: nobody is asked about a blob without archives; what looks
// like one is left as it is; so is what libmagic knows.
func TestNothingEmbedded(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	r, err := open(t, t.Context(), strings.ReplaceAll(noise(1<<20), "\x1f\x8b\x08", "..."), unpack.Options{})
	if err != nil || r.Top.Class != unpack.Leaf || len(r.Skipped) > 0 {
		t.Errorf("%v %+v", err, r)
	}
	r, err = open(t, t.Context(), noise(1000)+"hsqs"+noise(1000), unpack.Options{})
	if err != nil || r.Top.Class != unpack.Leaf || !skipped(r, "thing", "tool missing: file") {
		t.Errorf("%v %+v", err, r)
	}
	repotest.Fake(t, "file", "echo application/x-something")
	r, err = open(t, t.Context(), noise(1000)+"hsqs"+noise(1000), unpack.Options{})
	if err != nil || r.Top.Class != unpack.Leaf || len(r.Skipped) > 0 {
		t.Errorf("%v %+v", err, r)
	}
	repotest.Fake(t, "file", "echo application/octet-stream")
	repotest.Fake(t, "7z", "exit 2")
	r, err = open(t, t.Context(), noise(1000)+"hsqs"+noise(1000), unpack.Options{})
	if err != nil || r.Top.Class != unpack.Leaf || len(r.Skipped) > 0 || len(tree(t, r).children) > 0 {
		t.Errorf("%v %+v", err, r)
	}
}
