package goldindex

import (
	"encoding/binary"

	"repotool/fossology"
)

// keySize is the length of a Name as a key: SHA-1, MD5, size.
const keySize = 20 + 16 + 8 + 1

// sizeDigits are the digits of the largest size.
const sizeDigits = 19

// appendKey appends a Name so that keys as bytes are in the order of
// [fossology.Name.Compare], in which sizes compare as decimal text: the digits of
// the size are put to the left of 19, their number follows.
func appendKey(b []byte, n fossology.Name) []byte {
	b = append(b, n.SHA1[:]...)
	b = append(b, n.MD5[:]...)
	digits := 1
	for rest := n.Size / 10; rest > 0; rest /= 10 {
		digits++
	}
	return append(binary.BigEndian.AppendUint64(b, uint64(n.Size)*pow10(sizeDigits-digits)), byte(digits))
}

// keyName is the Name of a key.
func keyName(key []byte) (n fossology.Name) {
	copy(n.SHA1[:], key)
	copy(n.MD5[:], key[20:])
	digits := min(max(int(key[keySize-1]), 1), sizeDigits)
	n.Size = int64(binary.BigEndian.Uint64(key[36:]) / pow10(sizeDigits-digits))
	return n
}

func pow10(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}
