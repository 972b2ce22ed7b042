package unpack

import (
	"bufio"
	"errors"
	"io"
)

// Deflate64 is method 9 of zip, which Windows makes of what is large: deflate (RFC 1951)
// with a window of 64 KiB, a last length of three and 16 bits more, and two more
// distances. No library of Go has it.

// inflate64 decodes it. What was decoded before an error is read before it.
type inflate64 struct {
	r    *bufio.Reader
	bits uint64
	have uint // of bits

	ring  []byte // what was decoded last; zeros before, as unzip has it
	wrote int    // in all
	read  int    // of it, in all

	state   func(*inflate64) error // what comes next
	last    bool                   // the block is the last one
	stored  int                    // bytes of a stored block that are to come
	lengths huffman
	places  huffman // distances
	err     error
}

const (
	// ring64 is more than a window, what is decoded before it is read, and the
	// longest match.
	ring64 = 1 << 18
	ahead  = 32 << 10
)

var errDeflate64 = errors.New("deflate64: damaged data")

func newInflate64(r io.Reader) io.Reader {
	return &inflate64{r: bufio.NewReader(r), ring: make([]byte, ring64), state: (*inflate64).block}
}

func (d *inflate64) Read(b []byte) (int, error) {
	for d.read == d.wrote {
		if d.err != nil {
			return 0, d.err
		}
		for d.err == nil && d.wrote-d.read < ahead {
			d.err = d.state(d)
		}
	}
	from := d.read % ring64
	n := copy(b, d.ring[from:min(ring64, from+d.wrote-d.read)])
	d.read += n
	return n, nil
}

// want has n bits at hand, or fewer at the end of the input.
func (d *inflate64) want(n uint) error {
	for d.have < n {
		c, err := d.r.ReadByte()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		d.bits |= uint64(c) << d.have
		d.have += 8
	}
	return nil
}

func (d *inflate64) take(n uint) (v int, err error) {
	if err = d.want(n); err == nil {
		v = int(d.bits & (1<<n - 1))
		d.bits >>= n
		d.have -= n
	}
	return v, err
}

func (d *inflate64) put(c byte) {
	d.ring[d.wrote%ring64] = c
	d.wrote++
}

// block begins one.
func (d *inflate64) block() error {
	if d.last {
		return io.EOF
	}
	head, err := d.take(3)
	if err != nil {
		return err
	}
	d.last = head&1 == 1
	switch head >> 1 {
	case 0:
		d.take(d.have % 8)
		size, err := d.take(16)
		if err != nil {
			return err
		}
		not, err := d.take(16)
		if err != nil {
			return err
		}
		if size != ^not&0xffff {
			return errDeflate64
		}
		d.stored, d.state = size, (*inflate64).copyStored
		return nil
	case 1:
		d.lengths, d.places = fixedLengths, fixedPlaces
	case 2:
		if err := d.tables(); err != nil {
			return err
		}
	default:
		return errDeflate64
	}
	d.state = (*inflate64).symbols
	return nil
}

func (d *inflate64) copyStored() error {
	for ; d.stored > 0 && d.wrote-d.read < ahead; d.stored-- {
		c, err := d.take(8)
		if err != nil {
			return err
		}
		d.put(byte(c))
	}
	if d.stored == 0 {
		d.state = (*inflate64).block
	}
	return nil
}

// symbols decodes some of a block.
func (d *inflate64) symbols() error {
	for d.wrote-d.read < ahead {
		s, err := d.symbol(&d.lengths)
		switch {
		case err != nil:
			return err
		case s < 256:
			d.put(byte(s))
			continue
		case s == 256:
			d.state = (*inflate64).block
			return nil
		case s > 285:
			return errDeflate64
		}
		more, err := d.take(uint(lengthBits[s-257]))
		if err != nil {
			return err
		}
		p, err := d.symbol(&d.places)
		if err != nil {
			return err
		}
		far, err := d.take(uint(max(p/2-1, 0)))
		if err != nil {
			return err
		}
		far += placeBase(p)
		for range lengthBase[s-257] + more {
			d.put(d.ring[(d.wrote-far+ring64)%ring64])
		}
	}
	return nil
}

// placeBase is the least distance of a code.
func placeBase(p int) int {
	if p < 2 {
		return p + 1
	}
	return (2+p&1)<<(p/2-1) + 1
}

// Lengths by code, from 257 on.
var (
	lengthBase = [...]int{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 3}
	lengthBits = [...]int{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 16}
)
