package unpack

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxDictionaries bounds the memory that the decoders of archives within archives
// take for their dictionaries: one of 512 MiB, eight times what xz -9 makes, or
// several that are smaller.
const maxDictionaries = 512 << 20

var errDictionary = errors.New("its decoder needs more memory than it may have")

// decoded makes a decoder for the archive's content, if its dictionary and those
// of the archives around it are not too large together.
func (a *archive) decoded(r io.Reader, decode decoder, dictionary func([]byte) int64) (io.Reader, error) {
	if dictionary == nil {
		return decode(r)
	}
	b := bufio.NewReader(r)
	head, _ := b.Peek(64) // no header is longer that matters
	a.node.dictionary += dictionary(head)
	if a.dictionaries() > maxDictionaries {
		return nil, errDictionary
	}
	return decode(b)
}

// dictionaries is the memory for the archive and those around it.
func (a *archive) dictionaries() (all int64) {
	for n := a.node; n != nil; n = n.parent {
		all += n.dictionary
	}
	return all
}

// xzDictionary reads the header of the first block: LZMA2 is the last of its
// filters, and has one byte of properties (xz file format, 3.1 and 5.3.1).
func xzDictionary(head []byte) int64 {
	const streamHeader = 12
	if len(head) < streamHeader+2 {
		return 0
	}
	b := head[streamHeader:]
	b = b[:min(len(b), (int(b[0])+1)*4)]
	if len(b) < 2 {
		return 0
	}
	flags, b := b[1], b[2:]
	number := func() (v uint64) {
		v, n := binary.Uvarint(b)
		b = b[max(0, n):]
		return v
	}
	for _, given := range []byte{0x40, 0x80} { // sizes of the block
		if flags&given != 0 {
			number()
		}
	}
	for range flags&3 + 1 {
		id, size := number(), number()
		if size > uint64(len(b)) {
			return 0
		}
		if id == 0x21 && size == 1 && b[0] <= 40 {
			return int64(2|b[0]&1) << (b[0]/2 + 11)
		}
		b = b[size:]
	}
	return 0
}

func lzmaDictionary(head []byte) int64 {
	if len(head) < 5 {
		return 0
	}
	return int64(binary.LittleEndian.Uint32(head[1:]))
}

func zstdDictionary(head []byte) int64 {
	var h zstd.Header
	if h.Decode(head) != nil {
		return 0
	}
	return int64(min(h.WindowSize, maxWindow))
}
