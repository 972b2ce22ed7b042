package store

import (
	"context"

	"github.com/zeebo/blake3"
	"golang.org/x/sys/unix"
)

// An ObjectWriter takes the bytes of one object whose size is not known
// beforehand. Nothing is visible before Commit.
type ObjectWriter struct {
	w    *Writer
	tmp  *staged
	hash *blake3.Hasher
	buf  []byte
	size int64
	err  error
}

// Create starts an object. The caller calls Commit or Discard.
func (s *Store) Create() (*ObjectWriter, error) {
	w := &Writer{s: s, buf: make([]byte, 0)}
	tmp, err := w.stage()
	if err != nil {
		return nil, err
	}
	return &ObjectWriter{w: w, tmp: tmp, hash: blake3.New(), buf: make([]byte, 0, 256<<10)}, nil
}

// Write implements io.Writer.
func (o *ObjectWriter) Write(b []byte) (int, error) {
	o.buf = append(o.buf, b...)
	if len(o.buf) >= 256<<10 {
		o.flush()
	}
	return len(b), o.err
}

func (o *ObjectWriter) flush() {
	if o.err == nil {
		o.hash.Write(o.buf)
		o.size += int64(len(o.buf))
		o.err = writeFull(o.tmp.fd, o.buf)
	}
	o.buf = o.buf[:0]
}

// Commit makes the object visible.
func (o *ObjectWriter) Commit() (Put, error) {
	defer o.Discard()
	o.flush()
	if o.err != nil {
		return Put{}, o.err
	}
	put := Put{Size: o.size}
	o.hash.Sum(put.Object[:0])
	o.w.buf = make([]byte, smallFile)
	there, good, err := o.w.s.state(context.Background(), put.Object, o.w.buf)
	if err != nil || good {
		return put, err
	}
	return o.w.install(put, o.tmp, there)
}

// Discard gives up what was not committed. It may be called again.
func (o *ObjectWriter) Discard() {
	if o.tmp != nil {
		o.tmp.discard()
		o.tmp = nil
	}
	if o.err == nil {
		o.err = unix.EBADF
	}
}
