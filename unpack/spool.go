package unpack

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// A spool holds a content that must be read more than once: in memory while it
// is small, then in a file that has no name.
type spool struct {
	mem  []byte
	file *os.File
	size int64
}

// spooled reads all of r, as far as it can be read. The error is that of the file.
func (u *run) spooled(r io.Reader) (*spool, error) {
	s := &spool{}
	var b bytes.Buffer
	n, err := u.fill(&b, io.LimitReader(r, u.limits.SpoolMemory+1))
	if n <= u.limits.SpoolMemory || err != nil {
		s.mem, s.size = b.Bytes(), n
		return s, nil
	}
	f, err := u.unnamed()
	if err != nil {
		return nil, err
	}
	s.file = f
	w := &spoolWriter{f: f}
	s.size, _ = io.Copy(w, io.MultiReader(&b, r))
	if w.err != nil {
		return nil, errors.Join(w.err, f.Close())
	}
	return s, nil
}

// spoolWriter tells a full disk from an input that is damaged.
type spoolWriter struct {
	f   *os.File
	err error
}

func (w *spoolWriter) Write(b []byte) (int, error) {
	n, err := w.f.Write(b)
	if err != nil {
		w.err = err
	}
	return n, err
}

// unnamed makes a file that is gone when it is closed.
func (u *run) unnamed() (*os.File, error) {
	f, err := os.CreateTemp(u.o.TempDir, "repotool-unpack-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (s *spool) ReadAt(b []byte, off int64) (int, error) {
	if s.file != nil {
		return s.file.ReadAt(b, off)
	}
	return bytes.NewReader(s.mem).ReadAt(b, off)
}

func (s *spool) close() {
	if s.file != nil {
		s.file.Close()
	}
	s.mem = nil
}

// anywhere gives what r has yet to read in a form that can be read anywhere; nil
// if r can be read only once.
func anywhere(r io.Reader) *io.SectionReader {
	at, ok := r.(interface {
		io.ReaderAt
		io.Seeker
	})
	if !ok {
		return nil
	}
	if f, ok := r.(*os.File); ok {
		if i, err := f.Stat(); err != nil || !i.Mode().IsRegular() {
			return nil // a pipe, or a disk, whose size is not known
		}
	}
	from, err := at.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil
	}
	to, err := at.Seek(0, io.SeekEnd)
	if err != nil || to < from {
		return nil
	}
	if _, err := at.Seek(from, io.SeekStart); err != nil {
		return nil
	}
	return io.NewSectionReader(at, from, to-from)
}
