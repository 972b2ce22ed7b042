package reunpack_test

import (
	"archive/tar"
	"bytes"
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
	"repotool/reunpack"
)

// A hoard is an installation that a test makes up, without a PostgreSQL: golds, of which
// nothing is unpacked in files, and the database's words about that.
type hoard struct {
	repo    fossology.Repository
	ledger  string
	uploads []fossology.Upload
	uses    []fossology.Use
}

// newHoard is the one in a directory; what is there already is not read.
func newHoard(t testing.TB, dir string) *hoard {
	t.Helper()
	h := &hoard{ledger: filepath.Join(dir, "ledger"), repo: fossology.Repository{Path: filepath.Join(dir, "repository"), Depth: 3,
		Routes: []fossology.Route{{Host: "localhost", Type: "*", Start: "00", End: "ff"}}}}
	if err := os.MkdirAll(filepath.Join(h.repo.Path, "localhost", "gold"), 0o755); err != nil {
		t.Fatal(err)
	}
	return h
}

// add uploads a tar of members. It returns the gold's path.
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
	return h.upload(t, b, members...)
}

// upload uploads a gold of which FOSSology has stored some contents.
func (h *hoard) upload(t testing.TB, b bytes.Buffer, members ...[]byte) string {
	t.Helper()
	pk := int64(len(h.uploads) + 1)
	h.uploads = append(h.uploads, fossology.Upload{PK: pk, Filename: "upload.tar", Pfile: pk, Name: nameOf(b.Bytes())})
	for _, m := range members {
		h.uses = append(h.uses, fossology.Use{Name: nameOf(m), Upload: pk})
	}
	slices.SortFunc(h.uses, func(a, b fossology.Use) int { return a.Name.Compare(b.Name) })
	path, err := h.repo.Find("gold", nameOf(b.Bytes()).String())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func nameOf(content []byte) fossology.Name {
	return fossology.Name{SHA1: sha1.Sum(content), MD5: md5.Sum(content), Size: int64(len(content))}
}

// random is a content that nothing compresses.
func random(seed byte, size int) []byte {
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// index brings the ledger up to date.
func (h *hoard) index(t testing.TB) {
	t.Helper()
	l := h.open(t)
	if _, err := l.Update(t.Context(), goldindex.UpdateOptions{Repository: h.repo, Database: h, TempDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
}

func (h *hoard) open(t testing.TB) *goldindex.Ledger {
	t.Helper()
	l, err := goldindex.Open(h.ledger, goldindex.Unpacker{Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// some plans to bring back some contents, or, without any, all that is missing.
func (h *hoard) some(t testing.TB, contents ...[]byte) *reunpack.Plan {
	t.Helper()
	source, o := reunpack.Source{Repository: h.repo, Ledger: h.open(t)}, reunpack.PlanOptions{TempDir: t.TempDir()}
	var p *reunpack.Plan
	var err error
	if len(contents) == 0 {
		p, err = reunpack.All(t.Context(), source, h, o)
	} else {
		p, err = reunpack.Some(t.Context(), source, h, func(yield func(fossology.Use, error) bool) {
			for _, u := range h.uses {
				wanted := slices.ContainsFunc(contents, func(c []byte) bool { return nameOf(c) == u.Name })
				if wanted && !yield(u, nil) {
					return
				}
			}
		}, o)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
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
