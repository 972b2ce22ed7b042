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

	off    int64 // of its beginning in the file
	shared bool  // the file holds more, and is closed by its owner
}

// spooled reads all of r. The error is that of r, with what was read before it
// kept, or that of the file.
func (u *run) spooled(r io.Reader) (*spool, error) {
	s := &spool{}
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(r, u.limits.SpoolMemory+1))
	if n <= u.limits.SpoolMemory || err != nil {
		s.mem, s.size = b.Bytes(), n
		return s, err
	}
	f, err := u.unnamed()
	if err != nil {
		return nil, err
	}
	s.file = f
	if _, err := f.Write(b.Bytes()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	m, err := io.Copy(f, r)
	s.size = n + m
	return s, err
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
		return s.file.ReadAt(b, s.off+off)
	}
	return bytes.NewReader(s.mem).ReadAt(b, off)
}

// reader reads it from its beginning.
func (s *spool) reader() *io.SectionReader { return io.NewSectionReader(s, 0, s.size) }

func (s *spool) close() {
	if s.file != nil && !s.shared {
		s.file.Close()
	}
	s.mem = nil
}
