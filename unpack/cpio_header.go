package unpack

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
)

func readCpio(b *bufio.Reader) (e cpioEntry, err error) {
	magic, err := b.Peek(6)
	if err != nil {
		return e, io.ErrUnexpectedEOF
	}
	switch {
	case string(magic) == "070707":
		return readODC(b)
	case begins(cpioLittle)("", magic):
		return readBinary(b, binary.LittleEndian)
	case begins(cpioBig)("", magic):
		return readBinary(b, binary.BigEndian)
	case !isCpio("", magic):
		return e, errCpio
	}
	head := make([]byte, 110)
	if _, err := io.ReadFull(b, head); err != nil {
		return e, io.ErrUnexpectedEOF
	}
	var f [13]uint64
	for i := range f {
		if f[i], err = strconv.ParseUint(string(head[6+8*i:14+8*i]), 16, 64); err != nil {
			return e, errCpio
		}
	}
	nameSize := int(f[11])
	if nameSize > maxCpioName {
		return e, errCpio
	}
	e = cpioEntry{mode: f[1], links: f[4], size: int64(f[6]), pad: int64(-f[6] & 3),
		inode: fmt.Sprint(f[7], f[8], f[0])}
	e.name, err = cpioName(b, nameSize, int(-(110+uint(nameSize))&3))
	return e, err
}

func readODC(b *bufio.Reader) (e cpioEntry, err error) {
	head := make([]byte, 76)
	if _, err := io.ReadFull(b, head); err != nil {
		return e, io.ErrUnexpectedEOF
	}
	octal := func(from, to int) (v uint64) {
		if err == nil {
			v, err = strconv.ParseUint(string(head[from:to]), 8, 64)
		}
		return v
	}
	e = cpioEntry{inode: string(head[6:18]), mode: octal(18, 24), links: octal(36, 42), size: int64(octal(65, 76))}
	nameSize := octal(59, 65)
	if err != nil || nameSize > maxCpioName {
		return e, errCpio
	}
	e.name, err = cpioName(b, int(nameSize), 0)
	return e, err
}

// readBinary reads a header of 13 numbers of 16 bits. Name and content begin at
// even places.
func readBinary(b *bufio.Reader, order binary.ByteOrder) (e cpioEntry, err error) {
	head := make([]byte, 26)
	if _, err := io.ReadFull(b, head); err != nil {
		return e, io.ErrUnexpectedEOF
	}
	number := func(i int) uint64 { return uint64(order.Uint16(head[2*i:])) }
	size := int64(number(11)<<16 | number(12))
	e = cpioEntry{mode: number(3), links: number(6), size: size, pad: size & 1, inode: fmt.Sprint(number(1), number(2))}
	nameSize := int(number(10))
	e.name, err = cpioName(b, nameSize, nameSize&1)
	return e, err
}

func cpioName(b *bufio.Reader, size, pad int) (string, error) {
	name := make([]byte, size+pad)
	if _, err := io.ReadFull(b, name); err != nil {
		return "", io.ErrUnexpectedEOF
	}
	s, _, _ := strings.Cut(string(name[:size]), "\x00")
	return s, nil
}
