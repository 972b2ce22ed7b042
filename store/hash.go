package store

import (
	"encoding/hex"
	"fmt"

	"github.com/zeebo/blake3"
)

// Hash is the BLAKE3-256 of an object's bytes, and the object's name.
type Hash [32]byte

// Sum returns the hash of b.
func Sum(b []byte) Hash { return blake3.Sum256(b) }

// ParseHash reads the 64 lower-case hex digits that String writes.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != 64 {
		return h, fmt.Errorf("object name %q: want 64 hex digits", s)
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil || h.String() != s {
		return Hash{}, fmt.Errorf("object name %q: want lower-case hex digits", s)
	}
	return h, nil
}

// String returns the hash as 64 lower-case hex digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero says whether h is the zero value, which names no object.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText writes the hash as hex, for JSON.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *Hash) UnmarshalText(b []byte) error {
	p, err := ParseHash(string(b))
	*h = p
	return err
}

// path is the object's place below objects/: "ab/ab…". It allocates once.
func (h Hash) path() string {
	var b [67]byte
	hex.Encode(b[3:], h[:])
	b[0], b[1], b[2] = b[3], b[4], '/'
	return string(b[:])
}
