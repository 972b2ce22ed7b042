package unpack

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// unlzip decodes lzip members: each is a LZMA stream with an end mark between a
// header of 6 bytes and a trailer of 20 (RFC draft-diaz-lzip).
func unlzip(r io.Reader) (io.Reader, error) {
	z := &lzipReader{r: bufio.NewReader(r)}
	head, _ := z.r.Peek(lzipHeader)
	z.most = mostDictionary(lzipDictionary(head))
	return &ending{r: z}, nil
}

type lzipReader struct {
	r      *bufio.Reader
	member io.Reader
	from   *behind
	some   bool  // a member was read
	most   int64 // that a dictionary may have
	sum    uint32
	size   uint64
}

func (z *lzipReader) Read(b []byte) (int, error) {
	for {
		if z.member == nil {
			if err := z.next(); err != nil {
				return 0, err
			}
		}
		n, err := z.member.Read(b)
		z.sum, z.size = crc32.Update(z.sum, crc32.IEEETable, b[:n]), z.size+uint64(n)
		if err == io.EOF {
			z.member, err = nil, z.trailer()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// trailer reads the sum and the size of a member, and checks them.
func (z *lzipReader) trailer() error {
	var t [20]byte
	if _, err := io.ReadFull(z.r, t[:]); err != nil {
		return io.ErrUnexpectedEOF
	}
	if binary.LittleEndian.Uint32(t[:]) != z.sum || binary.LittleEndian.Uint64(t[4:]) != z.size ||
		binary.LittleEndian.Uint64(t[12:]) != uint64(z.from.n+lzipHeader+len(t)) {
		return errors.New("lzip: a member with a wrong checksum or size")
	}
	return nil
}

// Parts of the format.
const (
	lzipMagic                            = "LZIP"
	lzipHeader                           = 6
	minLzipDictionary, maxLzipDictionary = 4 << 10, 512 << 20
)

// lzipTail is what follows the last member. lzip passes over it, unless it looks like
// a header that was cut or damaged.
func lzipTail(b []byte, err error) error {
	same := 0
	for i := range min(len(b), len(lzipMagic)) {
		if b[i] == lzipMagic[i] {
			same++
		}
	}
	if err != nil && same > 0 && same == min(len(b), len(lzipMagic)) || err == nil && same > 1 {
		return errors.New("lzip: a damaged header between members")
	}
	return io.EOF
}

func (z *lzipReader) next() error {
	head, err := z.r.Peek(lzipHeader)
	if z.some && (err != nil || string(head[:4]) != lzipMagic) {
		return lzipTail(head, err)
	}
	if err != nil {
		return io.ErrUnexpectedEOF
	}
	z.some, z.sum, z.size = true, 0, 0
	size := lzipDictionary(head)
	switch {
	case head[4] != 1:
		return errors.New("lzip: a version that is not known")
	case size < minLzipDictionary || size > maxLzipDictionary:
		return errors.New("lzip: a dictionary of an impossible size")
	case size > z.most:
		return errDictionary
	}
	z.r.Discard(lzipHeader)
	classic := append(binary.LittleEndian.AppendUint32([]byte{0x5d}, uint32(size)), "\xff\xff\xff\xff\xff\xff\xff\xff"...)
	z.from = &behind{head: classic, Reader: z.r}
	z.member, err = lzma.NewReader(z.from)
	return err
}

// behind reads head first. It is an io.ByteReader, so that the decoder reads no
// further than it needs.
type behind struct {
	head []byte
	*bufio.Reader
	n int // bytes that were read behind head
}

func (r *behind) Read(b []byte) (int, error) {
	if len(r.head) > 0 {
		n := copy(b, r.head)
		r.head = r.head[n:]
		return n, nil
	}
	n, err := r.Reader.Read(b)
	r.n += n
	return n, err
}

func (r *behind) ReadByte() (byte, error) {
	if len(r.head) > 0 {
		c := r.head[0]
		r.head = r.head[1:]
		return c, nil
	}
	c, err := r.Reader.ReadByte()
	if err == nil {
		r.n++
	}
	return c, err
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
