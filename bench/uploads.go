package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zip"
)

// An upload is a zip of files whose numbers follow each other. There are 500 of them as
// long as none has more than 2000 files, so that a night adds five and removes one.

// perUpload is how many files an upload has; the last one may have fewer.
func (g *generator) perUpload() int { return min(max(g.Files/500, 10), 2000) }

// uploads is how many there are before the first night.
func (g *generator) uploads() int { return (g.Files + g.perUpload() - 1) / g.perUpload() }

// numbers returns the files of an upload, from first up to last.
func (g *generator) numbers(upload int) (first, last int) {
	first = upload * g.perUpload()
	last = first + g.perUpload()
	if upload < g.uploads() { // nights add whole ones
		last = min(last, g.Files)
	}
	return first, last
}

// A span of uploads, from first up to last.
type span struct{ first, last int }

// night returns the uploads that a night adds and those that it removes.
func (g *generator) night(night int) (added, removed span) {
	n := g.uploads()
	more, fewer := max(n/100, 1), n/500
	added.first = n + (night-1)*more
	added.last = added.first + more
	if fewer > 0 {
		removed.first = (night - 1) % (n / fewer) * fewer
		removed.last = removed.first + fewer
	}
	return added, removed
}

// exchange adds uploads and removes others.
func (g *generator) exchange(ctx context.Context, added, removed span) (Facts, error) {
	err := g.addUploads(ctx, added)
	if err == nil && g.Rows != nil && removed.last > removed.first {
		// The rows first: at no time do they name a file that is not there.
		err = g.Rows.run(ctx, strings.NewReader(g.deletion(removed)))
	}
	if err == nil {
		err = g.each(ctx, removed.first, removed.last, g.removeUpload)
	}
	return g.facts(), err
}

// addUploads makes uploads, and streams their rows into the database meanwhile.
func (g *generator) addUploads(ctx context.Context, s span) error {
	if g.Rows == nil {
		return g.each(ctx, s.first, s.last, g.addUpload)
	}
	return g.into(ctx, func(ctx context.Context) error { return g.each(ctx, s.first, s.last, g.addUpload) })
}

// A member is a content as rows of the database know it.
type member struct {
	number int
	name   string // sha1.md5.size
}

// addUpload writes the files of an upload, its gold, and the copy of that in files.
func (g *generator) addUpload(w *worker, upload int) error {
	files, err := g.contents(w, upload, func(number int) error {
		g.files.Add(1)
		return g.write(w, g.Host, "files", number)
	})
	if err != nil {
		return err
	}
	first, _ := g.numbers(upload)
	w.buf = append(w.buf[:0], w.zip.Bytes()...)
	if err := errors.Join(g.write(w, g.Host, "gold", first), g.write(w, g.Host, "files", first)); err != nil {
		return err
	}
	g.files.Add(1)
	g.gold.Add(1)
	if g.rows == nil {
		return nil
	}
	return g.rows(upload, member{first, string(w.name)}, files)
}

// removeUpload removes what addUpload wrote.
func (g *generator) removeUpload(w *worker, upload int) error {
	if _, err := g.contents(w, upload, func(int) error { return g.unlink(w, "files") }); err != nil {
		return err
	}
	w.buf = append(w.buf[:0], w.zip.Bytes()...)
	return errors.Join(g.unlink(w, "gold"), g.unlink(w, "files"))
}

// contents makes the contents of an upload in w.buf, one after another, hands each to do,
// and leaves the zip of them in w.zip.
func (g *generator) contents(w *worker, upload int, do func(number int) error) (files []member, err error) {
	w.zip.Reset()
	z := newZip(&w.zip)
	first, last := g.numbers(upload)
	for number := first; number < last; number++ {
		w.buf = g.fileContent(w.buf, uint64(number))
		head := &zip.FileHeader{Name: fmt.Sprintf("upload%d/d%d/f%d.c", upload, number%7, number), Method: zip.Deflate,
			Modified: epoch.Add(time.Duration(number) * time.Second)}
		entry, err := z.CreateHeader(head)
		if err != nil {
			return nil, err
		}
		if _, err := entry.Write(w.buf); err != nil {
			return nil, err
		}
		if err := do(number); err != nil {
			return nil, err
		}
		files = append(files, member{number, string(w.name)})
	}
	return files, z.Close()
}

// newZip compresses quickly; by a library whose version is pinned, so that the bytes stay
// the same.
func newZip(to *bytes.Buffer) *zip.Writer {
	z := zip.NewWriter(to)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	return z
}
