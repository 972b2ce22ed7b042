package goldindex_test

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"repotool/fossology"
	"repotool/goldindex"
)

// A hoard is an installation that a test makes up, without a PostgreSQL: golds, what
// FOSSology unpacked from them, and the database's words about that.
type hoard struct {
	dir     string
	uploads []fossology.Upload
	uses    []fossology.Use
}

func (h *hoard) repository() fossology.Repository {
	return fossology.Repository{Path: h.dir, Depth: 3, Routes: []fossology.Route{{Host: "localhost", Type: "*", Start: "00", End: "ff"}}}
}

// nameOf is the Name of a content.
func nameOf(content []byte) fossology.Name {
	return fossology.Name{SHA1: sha1.Sum(content), MD5: md5.Sum(content), Size: int64(len(content))}
}

func (h *hoard) write(t testing.TB, typ string, content []byte) string {
	t.Helper()
	name := nameOf(content).String()
	path := filepath.Join(h.dir, "localhost", typ, fossology.FanOut(name, 3), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// add uploads a tar of some members, which FOSSology unpacks. It returns the gold's path.
func (h *hoard) add(t testing.TB, members ...[]byte) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, m := range members {
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("member-%d", i), Mode: 0o644, Size: int64(len(m))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	pk := int64(len(h.uploads) + 1)
	h.uploads = append(h.uploads, fossology.Upload{PK: pk, Filename: fmt.Sprintf("upload-%d.tar", pk), Pfile: pk, Name: nameOf(b.Bytes())})
	for _, content := range append([][]byte{b.Bytes()}, members...) {
		h.write(t, "files", content)
		h.uses = append(h.uses, fossology.Use{Name: nameOf(content), Upload: pk})
	}
	slices.SortFunc(h.uses, func(a, b fossology.Use) int {
		return cmp.Or(a.Name.Compare(b.Name), cmp.Compare(a.Upload, b.Upload))
	})
	return h.write(t, "gold", b.Bytes())
}

// random is a content that nothing compresses.
func random(seed uint64, size int) []byte {
	b := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})
	r.Read(b)
	return b
}

// Uploads implements [goldindex.Database].
func (h *hoard) Uploads(context.Context) iter.Seq2[fossology.Upload, error] { return each(h.uploads) }

// Uses implements [goldindex.Database].
func (h *hoard) Uses(context.Context) iter.Seq2[fossology.Use, error] { return each(h.uses) }

// CutShort implements [goldindex.Database].
func (h *hoard) CutShort(context.Context) iter.Seq2[int64, error] { return each[int64](nil) }

// PfileNames implements [goldindex.Contents].
func (h *hoard) PfileNames(context.Context) iter.Seq2[fossology.Name, error] {
	var names []fossology.Name
	for _, u := range h.uses {
		names = append(names, u.Name)
	}
	return each(slices.Compact(names))
}

func each[T any](list []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, x := range list {
			if !yield(x, nil) {
				return
			}
		}
	}
}

// tools is an unpacker that needs no program.
var tools = goldindex.Unpacker{Version: 1}

func openHoard(t testing.TB, ledger string) *goldindex.Ledger {
	t.Helper()
	l, err := goldindex.Open(ledger, tools)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// said is what a ledger says of every content of the hoard.
func (h *hoard) said(t testing.TB, ledger string) map[string]string {
	t.Helper()
	l := openHoard(t, ledger)
	defer l.Close()
	says := map[string]string{}
	for f, err := range l.Files(t.Context(), h.repository(), h, func(err error) { t.Error(err) }) {
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("%s %s %x", f.Class, f.Reason, f.BLAKE3)
		if f.Class == goldindex.Confirmed {
			places, err := l.Which(f.Name)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range places {
				text += fmt.Sprint(p.Gold, p.Paths)
			}
		}
		says[f.Name.String()] = text
	}
	return says
}
