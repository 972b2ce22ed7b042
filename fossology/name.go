package fossology

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"strconv"
)

// Lengths of the parts of a Name in text: 40 hex digits, a dot, 32 hex digits,
// a dot, and at least one decimal digit.
const (
	sha1Digits    = 40
	md5Digits     = 32
	namePrefixLen = sha1Digits + 1 + md5Digits + 1
	maxSizeDigits = 19 // the digits of the largest int64
)

// A Name is FOSSology's own name of a content: its SHA-1, its MD5 and its size.
// Names are comparable with == and can be keys of maps.
type Name struct {
	SHA1 [20]byte
	MD5  [16]byte
	Size int64
}

// ParseName reads a Name in the one form that FOSSology writes: lower-case
// SHA-1, lower-case MD5 and decimal size, joined by dots, nothing before or
// after, no leading zero. It reports whether s is one. It does not allocate.
func ParseName[T ~string | ~[]byte](s T) (Name, bool) {
	var n Name
	if len(s) <= namePrefixLen || len(s) > namePrefixLen+maxSizeDigits {
		return Name{}, false
	}
	if s[sha1Digits] != '.' || s[namePrefixLen-1] != '.' {
		return Name{}, false
	}
	for i := range n.SHA1 {
		b, ok := hexByte(s[2*i], s[2*i+1])
		if !ok {
			return Name{}, false
		}
		n.SHA1[i] = b
	}
	for i := range n.MD5 {
		at := sha1Digits + 1 + 2*i
		b, ok := hexByte(s[at], s[at+1])
		if !ok {
			return Name{}, false
		}
		n.MD5[i] = b
	}
	if s[namePrefixLen] == '0' && len(s) > namePrefixLen+1 {
		return Name{}, false
	}
	var size uint64
	for i := namePrefixLen; i < len(s); i++ {
		d := s[i] - '0'
		if d > 9 {
			return Name{}, false
		}
		size = size*10 + uint64(d)
	}
	// 19 digits always fit in a uint64, not always in an int64.
	if size > 1<<63-1 {
		return Name{}, false
	}
	n.Size = int64(size)
	return n, true
}

// hexByte reads two lower-case hex digits.
func hexByte(hi, lo byte) (byte, bool) {
	h, l := hexDigit[hi], hexDigit[lo]
	return h<<4 | l, h|l < 16
}

// hexDigit maps a lower-case hex digit to its value and every other byte to 255.
var hexDigit = func() (t [256]byte) {
	for i := range t {
		t[i] = 255
	}
	for i, c := range []byte("0123456789abcdef") {
		t[c] = byte(i)
	}
	return t
}()

// String returns the name as FOSSology writes it.
func (n Name) String() string {
	var buf [namePrefixLen + maxSizeDigits]byte
	return string(n.Append(buf[:0]))
}

// Append appends the text of the name to b. It does not allocate if b has room.
func (n Name) Append(b []byte) []byte {
	b = hex.AppendEncode(b, n.SHA1[:])
	b = append(b, '.')
	b = hex.AppendEncode(b, n.MD5[:])
	b = append(b, '.')
	return strconv.AppendInt(b, n.Size, 10)
}

// Compare orders names as the bytes of their texts are ordered, which is the
// order of a sorted directory; so sizes compare as decimal text.
func (n Name) Compare(m Name) int {
	if c := bytes.Compare(n.SHA1[:], m.SHA1[:]); c != 0 {
		return c
	}
	if c := bytes.Compare(n.MD5[:], m.MD5[:]); c != 0 {
		return c
	}
	if n.Size == m.Size {
		return 0
	}
	var bn, bm [maxSizeDigits + 1]byte
	return cmp.Compare(
		string(strconv.AppendInt(bn[:0], n.Size, 10)),
		string(strconv.AppendInt(bm[:0], m.Size, 10)))
}

// IsZero reports whether n is the zero value, which names no content: even the
// empty file has checksums.
func (n Name) IsZero() bool { return n == Name{} }
