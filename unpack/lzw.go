package unpack

import (
	"bufio"
	"errors"
	"io"
)

// uncompress decodes what compress(1) made (.Z): LZW with codes of 9 bits and
// more, low bits first. After a change of the code's length, and after a clear,
// the rest of the group of eight codes is padding (compress42.c).
func uncompress(r io.Reader) (io.Reader, error) {
	z := &lzwReader{r: bufio.NewReader(r)}
	var head [3]byte
	if _, err := io.ReadFull(z.r, head[:]); err != nil {
		return nil, err
	}
	z.maxBits, z.block = uint(head[2]&0x1f), head[2]&0x80 != 0
	if z.maxBits < 9 || z.maxBits > 16 {
		return nil, errors.New("compress: codes of an impossible length")
	}
	z.prefix, z.suffix = make([]uint16, 1<<z.maxBits), make([]byte, 1<<z.maxBits)
	z.reset()
	return z, nil
}

const lzwClear = 256

type lzwReader struct {
	r       *bufio.Reader
	maxBits uint
	block   bool // code 256 clears the table
	prefix  []uint16
	suffix  []byte
	next    int
	width   uint
	last    int // the code before; -1: none
	first   byte
	group   []byte // of eight codes
	at      uint   // bit in the group
	out     []byte
	err     error
}

func (z *lzwReader) reset() {
	z.width, z.last, z.next = 9, -1, lzwClear
	if z.block {
		z.next++
	}
	z.group, z.at = nil, 0
}

func (z *lzwReader) Read(b []byte) (int, error) {
	for len(z.out) == 0 {
		if z.err != nil {
			return 0, z.err
		}
		z.decode()
	}
	n := copy(b, z.out)
	z.out = z.out[n:]
	return n, nil
}

// code reads the next code.
func (z *lzwReader) code() (int, error) {
	if z.at+z.width > uint(len(z.group))*8 {
		group := make([]byte, z.width)
		n, err := io.ReadFull(z.r, group)
		if z.group, z.at = group[:n], 0; uint(n)*8 < z.width {
			if err == io.ErrUnexpectedEOF {
				err = io.EOF // compress fills the last byte up, no more
			}
			return 0, err
		}
	}
	v := uint(0)
	for i := range z.width {
		bit := z.at + i
		v |= uint(z.group[bit/8]>>(bit%8)&1) << i
	}
	z.at += z.width
	return int(v), nil
}

func (z *lzwReader) decode() {
	code, err := z.code()
	if err != nil {
		z.err = err
		return
	}
	if code == lzwClear && z.block {
		z.reset()
		return
	}
	known := code
	var tail []byte
	if code >= z.next {
		if code > z.next || z.last < 0 {
			z.err = errors.New("compress: a code that stands for nothing")
			return
		}
		known, tail = z.last, []byte{z.first}
	}
	n := len(tail)
	for c := known; ; c = int(z.prefix[c]) {
		n++
		if c < 256 {
			break
		}
	}
	out := make([]byte, n)
	i := n - len(tail)
	copy(out[i:], tail)
	for c := known; ; c = int(z.prefix[c]) {
		i--
		if c < 256 {
			out[i] = byte(c)
			break
		}
		out[i] = z.suffix[c]
	}
	z.first, z.out = out[0], out
	if z.last >= 0 && z.next < 1<<z.maxBits {
		z.prefix[z.next], z.suffix[z.next] = uint16(z.last), z.first
		z.next++
		if z.next == 1<<z.width && z.width < z.maxBits {
			z.width++
			z.group, z.at = nil, 0
		}
	}
	z.last = code
}
