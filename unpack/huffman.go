package unpack

import "math/bits"

// longestCode is that of deflate.
const longestCode = 15

// A huffman code: by the next bits of the input, the symbol and, in the lowest four bits,
// how many bits it took; 0 for no symbol.
type huffman []uint16

// makeHuffman makes the canonical code of symbols with these lengths; 0 is no symbol.
func makeHuffman(lengths []byte) (huffman, error) {
	var count, next [longestCode + 1]int
	for _, n := range lengths {
		count[n]++
	}
	count[0] = 0
	code := 0
	for n := 1; n <= longestCode; n++ {
		code = (code + count[n-1]) << 1
		next[n] = code
		if code+count[n] > 1<<n {
			return nil, errDeflate64
		}
	}
	table := make(huffman, 1<<longestCode)
	for symbol, n := range lengths {
		if n == 0 {
			continue
		}
		reversed := bits.Reverse16(uint16(next[n])) >> (16 - n)
		next[n]++
		for at := int(reversed); at < len(table); at += 1 << n {
			table[at] = uint16(symbol)<<4 | uint16(n)
		}
	}
	return table, nil
}

// symbol decodes one. At the end of the input there may be fewer bits than the longest
// code has.
func (d *inflate64) symbol(h *huffman) (int, error) {
	err := d.want(longestCode)
	e := (*h)[d.bits&(1<<longestCode-1)]
	n := uint(e & 15)
	if n == 0 {
		if err == nil {
			err = errDeflate64
		}
		return 0, err
	}
	if n > d.have {
		return 0, err
	}
	d.bits >>= n
	d.have -= n
	return int(e >> 4), nil
}

// codeOrder is that in which the lengths of the code of the lengths come.
var codeOrder = [19]byte{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// tables reads the codes of a block.
func (d *inflate64) tables() error {
	sizes, err := d.take(14)
	if err != nil {
		return err
	}
	literals, places, codes := sizes&31+257, sizes>>5&31+1, sizes>>10+4
	var lengths [288 + 32]byte
	for _, at := range codeOrder[:codes] {
		n, err := d.take(3)
		if err != nil {
			return err
		}
		lengths[at] = byte(n)
	}
	code, err := makeHuffman(lengths[:19])
	if err != nil {
		return err
	}
	clear(lengths[:])
	for at := 0; at < literals+places; {
		s, err := d.symbol(&code)
		if err != nil {
			return err
		}
		if s < 16 {
			lengths[at] = byte(s)
			at++
			continue
		}
		times, err := d.repeat(s)
		switch {
		case err != nil:
			return err
		case at+times > literals+places, s == 16 && at == 0:
			return errDeflate64
		}
		n := byte(0)
		if s == 16 {
			n = lengths[at-1]
		}
		for range times {
			lengths[at] = n
			at++
		}
	}
	if d.lengths, err = makeHuffman(lengths[:literals]); err != nil {
		return err
	}
	d.places, err = makeHuffman(lengths[literals : literals+places])
	return err
}

// repeat is how often the last length (16), or zero, is repeated.
func (d *inflate64) repeat(symbol int) (int, error) {
	bits, least := uint(2), 3
	switch symbol {
	case 17:
		bits = 3
	case 18:
		bits, least = 7, 11
	}
	n, err := d.take(bits)
	return n + least, err
}

// The codes of a block that brings none.
var fixedLengths, fixedPlaces = fixedCodes()

func fixedCodes() (lengths, places huffman) {
	var n [288]byte
	for i := range n {
		switch {
		case i < 144, i >= 280:
			n[i] = 8
		case i < 256:
			n[i] = 9
		default:
			n[i] = 7
		}
	}
	lengths, _ = makeHuffman(n[:])
	for i := range 32 {
		n[i] = 5
	}
	places, _ = makeHuffman(n[:32])
	return lengths, places
}
