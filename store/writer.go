package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"

	"github.com/zeebo/blake3"
	"golang.org/x/sys/unix"
)

// Sizes of reading, in bytes.
const (
	smallFile = 1 << 20  // up to this a file is read whole before anything is written
	minClone  = 64 << 10 // below it copying is cheaper than sharing blocks
)

// A Writer puts objects into a store. It has a buffer and belongs to one
// goroutine.
type Writer struct {
	// Aside is the directory below the store that keeps the objects which the
	// writer replaces because they hold other bytes; "" is trash.
	Aside string

	s     *Store
	buf   []byte
	other []byte
	hash  *blake3.Hasher
	isNew bool // the last object was new, so the next one is thought to be
}

// NewWriter returns a writer for one goroutine.
func (s *Store) NewWriter() *Writer { return &Writer{s: s, buf: make([]byte, smallFile+1)} }

// Put says what became of some bytes.
type Put struct {
	Object Hash
	Size   int64 // bytes
	Added  bool  // the object is new; else its bytes were there and are the same
	Healed bool  // an object of that name held other bytes, and was replaced
}

// PutOptions accompany a file on its way in.
type PutOptions struct {
	// Also are fed with the same bytes.
	Also []hash.Hash
	// Accept is asked after all bytes were read and before anything becomes
	// visible. Its error is returned as it is, and nothing was stored.
	Accept func(size int64) error
	// Empty makes a file without bytes no object at all: Put.Object is zero.
	Empty bool
	// Clone allows to share blocks with the source where the file system can.
	Clone bool
	// Size is how many bytes the file is thought to have, 0 if that is not
	// known. No more are read of a small file: Accept sees whether it grew.
	Size int64
}

// PutBytes stores b.
func (w *Writer) PutBytes(_ context.Context, b []byte) (Put, error) { return w.putNamed(Sum(b), b) }

// PutFD stores the bytes of an open file that was not read yet. It does not
// close it.
func (w *Writer) PutFD(ctx context.Context, fd int, o PutOptions) (Put, error) {
	if o.Clone && o.Size >= minClone && !w.s.noClone.Load() {
		return w.putLarge(ctx, fd, o)
	}
	n, err := readFull(fd, expected(w.buf, o.Size))
	if err != nil {
		return Put{}, &SourceError{err}
	}
	if n == len(w.buf) {
		return w.putLarge(ctx, fd, o)
	}
	for _, h := range o.Also {
		h.Write(w.buf[:n])
	}
	if o.Accept != nil {
		if err := o.Accept(int64(n)); err != nil {
			return Put{}, err
		}
	}
	if n == 0 && o.Empty {
		return Put{}, nil
	}
	return w.putNamed(Sum(w.buf[:n]), w.buf[:n])
}

// putNamed stores small bytes whose hash is known. Objects are new in runs (a
// first snapshot) and old in runs (one that goes on after a crash), so whether
// one is there is asked first only if the last one was: to be told by linkat
// saves a look-up for each new object.
func (w *Writer) putNamed(h Hash, b []byte) (Put, error) {
	put := Put{Object: h, Size: int64(len(b))}
	there := false
	if !w.isNew {
		var same bool
		var err error
		if same, there, err = w.holds(h, b); err != nil || same {
			return put, err
		}
	}
	tmp, err := w.stage()
	if err != nil {
		return put, err
	}
	defer tmp.discard()
	if err := writeFull(tmp.fd, b); err != nil {
		return put, fmt.Errorf("write object %s: %w", h, err)
	}
	if !there {
		err := tmp.link(h)
		if w.isNew = err == nil; !errors.Is(err, unix.EEXIST) {
			put.Added = err == nil
			return put, err
		}
		// It was there after all, or another writer was faster.
		if same, _, err := w.holds(h, b); err != nil || same {
			return put, err
		}
	}
	put.Healed = true
	return put, tmp.heal(h, w.Aside)
}

// install gives a complete staged file the name of its object.
func (w *Writer) install(put Put, tmp *staged, there bool) (Put, error) {
	if there {
		put.Healed = true
		return put, tmp.heal(put.Object, w.Aside)
	}
	err := tmp.link(put.Object)
	if errors.Is(err, unix.EEXIST) { // another writer was faster, with the same bytes
		return put, nil
	}
	put.Added = err == nil
	return put, err
}

// holds says whether the object is there, and whether its bytes are b.
func (w *Writer) holds(h Hash, b []byte) (same, there bool, err error) {
	fd, err := w.s.openNeeded(h)
	if errors.Is(err, ErrNoObject) {
		return false, false, nil
	}
	if IsDiskFault(err) {
		return false, true, nil
	}
	if err != nil {
		return false, false, err
	}
	defer unix.Close(fd)
	if w.other == nil {
		w.other = make([]byte, smallFile+1)
	}
	// An object that cannot be read is as bad as one with other bytes.
	for {
		n, err := readFull(fd, w.other)
		if err != nil || n > len(b) || !bytes.Equal(w.other[:n], b[:n]) {
			return false, true, nil
		}
		if b = b[n:]; n < len(w.other) {
			return len(b) == 0, true, nil
		}
	}
}

// putLarge stores a file that does not fit the buffer, or whose blocks may be
// shared. The staged copy is what is hashed, so what is stored is what was
// checked even if the source changes meanwhile.
func (w *Writer) putLarge(ctx context.Context, fd int, o PutOptions) (Put, error) {
	tmp, err := w.stage()
	if err != nil {
		return Put{}, err
	}
	defer tmp.discard()
	var put Put
	if o.Clone && w.clone(tmp.fd, fd) {
		if _, err := unix.Seek(tmp.fd, 0, 0); err != nil {
			return put, err
		}
		put.Object, put.Size, err = w.copyTo(ctx, -1, tmp.fd, o.Also)
	} else {
		if _, err := unix.Seek(fd, 0, 0); err != nil {
			return put, err
		}
		put.Object, put.Size, err = w.copyTo(ctx, tmp.fd, fd, o.Also)
	}
	if err != nil {
		return put, err
	}
	if o.Accept != nil {
		if err := o.Accept(put.Size); err != nil {
			return put, err
		}
	}
	there, good, err := w.s.state(ctx, put.Object, w.buf)
	if err != nil || good {
		return put, err
	}
	return w.install(put, tmp, there)
}

// clone shares the source's blocks if it can.
func (w *Writer) clone(dst, src int) bool {
	if w.s.noClone.Load() {
		return false
	}
	err := unix.IoctlFileClone(dst, src)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EXDEV) || errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL) {
		w.s.noClone.Store(true)
	}
	return err == nil
}

// copyTo copies src to dst (-1: nowhere) and hashes what it copies. Runs of
// zeros become holes, so that a sparse file stays one.
func (w *Writer) copyTo(ctx context.Context, dst, src int, also []hash.Hash) (Hash, int64, error) {
	if w.hash == nil {
		w.hash = blake3.New()
	}
	w.hash.Reset()
	size, hole := int64(0), false
	for {
		n, err := readFull(src, w.buf[:smallFile])
		if err != nil {
			return Hash{}, size, &SourceError{err}
		}
		if n == 0 {
			break
		}
		b := w.buf[:n]
		w.hash.Write(b)
		for _, h := range also {
			h.Write(b)
		}
		if dst >= 0 {
			if hole, err = writeOrSkip(dst, b); err != nil {
				return Hash{}, size, err
			}
		}
		size += int64(n)
		if err := ctx.Err(); err != nil {
			return Hash{}, size, err
		}
	}
	if hole {
		if err := unix.Ftruncate(dst, size); err != nil {
			return Hash{}, size, err
		}
	}
	var h Hash
	w.hash.Sum(h[:0])
	return h, size, nil
}

// writeOrSkip writes b, or moves over it if it is all zeros.
func writeOrSkip(fd int, b []byte) (skipped bool, err error) {
	if len(b) == smallFile && allZero(b) {
		_, err := unix.Seek(fd, int64(len(b)), 1)
		return true, err
	}
	return false, writeFull(fd, b)
}

func allZero(b []byte) bool { return b[0] == 0 && bytes.Equal(b[1:], b[:len(b)-1]) }
