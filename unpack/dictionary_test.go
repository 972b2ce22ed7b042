package unpack_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"maps"
	"slices"
	"testing"

	"repotool/unpack"
)

// withDictionary makes a xz whose dictionary has that property: 28 is 64 MiB, each
// two more are twice as much.
func withDictionary(t *testing.T, b []byte, property byte) []byte {
	t.Helper()
	x, ok := tool(t, b, "xz", "-c", "-1")
	if !ok || !bytes.HasPrefix(x[12:], []byte("\x02\x00\x21\x01")) {
		t.Fatalf("a xz of an unknown form: %x", x[:24])
	}
	x[16] = property
	binary.LittleEndian.PutUint32(x[20:], crc32.ChecksumIEEE(x[12:20]))
	return x
}

// TestDictionaries: those larger than xz -9 makes are taken, up to a limit for all
// that are needed at once.
func TestDictionaries(t *testing.T) {
	inner := tarOf(t, text(1_000_000))
	want := untarred(t, withDictionary(t, inner, 20))
	for property, ok := range map[byte]bool{28: true, 30: true, 34: true, 35: false, 40: false} {
		r := unpackBytes(t, "f.xz", withDictionary(t, inner, property), unpack.Options{})
		if got := leaves(r); maps.Equal(got, want) != ok {
			t.Errorf("%d: got %v, want that it comes out: %v", property, got, ok)
		}
	}
	four := nested(t, 1, withDictionary(t, inner, 30))
	r := unpackBytes(t, "f.gz", four, unpack.Options{})
	if len(leaves(r)) != 1+6 {
		t.Errorf("one of 128 MiB in a gzip: %v", leaves(r))
	}
	for range 4 {
		four = withDictionary(t, tarFile(t, four), 30)
	}
	wantSkipped(t, unpackBytes(t, "f.xz", four, unpack.Options{}), "more memory")
}

// tarFile is a tar of one file.
func tarFile(t *testing.T, b []byte) []byte {
	out := tarFrom(t)
	head := tarFrom(t, tarHeader("f.xz", len(b)))[:512]
	return slices.Concat(head, b, make([]byte, -len(b)&511), out)
}
