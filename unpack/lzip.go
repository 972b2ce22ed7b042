package unpack

import (
	"bufio"
	"encoding/binary"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// unlzip decodes lzip members: each is a LZMA stream with an end mark between a
// header of 6 bytes and a trailer of 20 (RFC draft-diaz-lzip).
func unlzip(r io.Reader) (io.Reader, error) { return &lzipReader{r: bufio.NewReader(r)}, nil }

type lzipReader struct {
	r      *bufio.Reader
	member io.Reader
	some   bool // a member was read
}

func (z *lzipReader) Read(b []byte) (int, error) {
	for {
		if z.member == nil {
			if err := z.next(); err != nil {
				return 0, err
			}
		}
		n, err := z.member.Read(b)
		if err == io.EOF {
			z.member = nil
			if _, err := z.r.Discard(20); err != nil {
				return n, io.ErrUnexpectedEOF
			}
			err = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (z *lzipReader) next() error {
	head, err := z.r.Peek(6)
	if z.some && (err != nil || string(head[:4]) != "LZIP") {
		return io.EOF // whatever follows the last member is passed over
	}
	if err != nil {
		return io.ErrUnexpectedEOF
	}
	z.some = true
	size := lzipDictionary(head)
	if size > maxDictionaries {
		return errDictionary
	}
	z.r.Discard(6)
	classic := append(binary.LittleEndian.AppendUint32([]byte{0x5d}, uint32(size)), "\xff\xff\xff\xff\xff\xff\xff\xff"...)
	z.member, err = lzma.NewReader(&behind{head: classic, Reader: z.r})
	return err
}

// behind reads head first. It is an io.ByteReader, so that the decoder reads no
// further than it needs.
type behind struct {
	head []byte
	*bufio.Reader
}

func (r *behind) Read(b []byte) (int, error) {
	if len(r.head) > 0 {
		n := copy(b, r.head)
		r.head = r.head[n:]
		return n, nil
	}
	return r.Reader.Read(b)
}

func (r *behind) ReadByte() (byte, error) {
	if len(r.head) > 0 {
		c := r.head[0]
		r.head = r.head[1:]
		return c, nil
	}
	return r.Reader.ReadByte()
}

// lzipDictionary: the last byte of the header is a power of two, and sixteenths of
// it that are to be taken away.
func lzipDictionary(head []byte) int64 {
	if len(head) < 6 {
		return 0
	}
	size := int64(1) << (head[5] & 0x1f)
	return size - size/16*int64(head[5]>>5)
}
