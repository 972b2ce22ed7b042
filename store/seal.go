package store

import (
	"bytes"
	"encoding/hex"

	"github.com/zeebo/blake3"
)

// What people and programs read as JSON, and nothing else has a checksum of, is sealed:
// its last member is the BLAKE3 of all bytes before it.
const (
	sealBegin = ",\n  \"check\": \""
	sealEnd   = "\"\n}\n"
)

// Seal seals a JSON object as json.MarshalIndent writes it, with two blanks.
func Seal(b []byte) []byte {
	b = bytes.TrimSuffix(b, []byte("\n}"))
	sum := blake3.Sum256(b)
	return append(append(append(bytes.Clone(b), sealBegin...), hex.EncodeToString(sum[:])...), sealEnd...)
}

// Unseal says whether a text has a seal, and whether that is right. Texts of earlier
// versions have none.
func Unseal(b []byte) (sealed, good bool) {
	i := bytes.LastIndex(b, []byte(sealBegin))
	if i < 0 {
		return false, false
	}
	sum := blake3.Sum256(b[:i])
	return true, string(b[i+len(sealBegin):]) == hex.EncodeToString(sum[:])+sealEnd
}
