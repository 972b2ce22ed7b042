package unpack

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func BenchmarkHoldsArchive(b *testing.B) {
	noise := make([]byte, maxEmbedded)
	rand.NewChaCha8([32]byte{2}).Read(noise)
	b.SetBytes(int64(len(noise)))
	for b.Loop() {
		if found, err := holdsArchive(b.Context(), bytes.NewReader(noise), int64(len(noise))); found || err != nil {
			b.Fatal(found, err)
		}
	}
}
