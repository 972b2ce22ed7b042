package unpack_test

import "testing"

// FuzzUnpack opens anything, with all that must hold whatever comes in.
func FuzzUnpack(f *testing.F) {
	for name, b := range seeds(f) {
		f.Add(name, b)
	}
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		if len(name) < 300 {
			check(t, name, b, 1<<20)
		}
	})
}
