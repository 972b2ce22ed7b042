package unpack_test

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"repotool/unpack"
)

// TestManyReplaced: members that take each other's place cost time in proportion.
func TestManyReplaced(t *testing.T) {
	list := files(30_000, "%d")
	r := unpackBytes(t, "t", tarFrom(t, append(list, list...)...), unpack.Options{})
	if n := len(tree(t, r).children[0].children); n != 30_000 {
		t.Errorf("%d members, want 30000", n)
	}
}

// TestManyLinks: names of a container count what is in it.
func TestManyLinks(t *testing.T) {
	inner := zipOf(t, map[string][]byte{"1": nil, "2": nil, "3": nil})
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	w.WriteHeader(&tar.Header{Name: "zip", Mode: 0o644, Size: int64(len(inner))})
	w.Write(inner)
	for i := range 1000 {
		w.WriteHeader(&tar.Header{Name: fmt.Sprint("l", i), Linkname: "zip", Typeflag: tar.TypeLink})
	}
	w.Close()
	r := unpackBytes(t, "t", b.Bytes(), unpack.Options{Limits: unpack.Limits{Entries: 2000}})
	wantSkipped(t, r, "more entries")
	if r.Rows > 2100 {
		t.Errorf("%d rows", r.Rows)
	}
	all := unpackBytes(t, "t", b.Bytes(), unpack.Options{})
	if n := tree(t, all).children[0].children; len(n) != 1001 || len(n[7].children) != len(n[1000].children) || len(n[7].children) == 0 {
		t.Errorf("%d members, %v", len(n), n[7].children)
	}
}

// TestZipDirectory: a zip that is nothing but members without content.
func TestZipDirectory(t *testing.T) {
	const members = 3_000_000
	one := append([]byte("PK\x01\x02"), make([]byte, 43)...)
	one[28], one[46] = 1, 'x' // a name of one byte
	local := append([]byte("PK\x03\x04"), make([]byte, 27)...)
	b := slices.Concat(local, bytes.Repeat(one, members))
	end := binary.LittleEndian.AppendUint32([]byte("PK\x05\x06\x00\x00\x00\x00\x00\x00\x00\x00"), uint32(len(b)-len(local)))
	end[8], end[9], end[10], end[11] = 0xc0, 0xc6, 0xc0, 0xc6 // the low half of their number
	b = append(binary.LittleEndian.AppendUint32(slices.Concat(b, end), uint32(len(local))), 0, 0)
	r := unpackBytes(t, "x.zip", b, unpack.Options{Limits: unpack.Limits{Entries: 100}})
	wantSkipped(t, r, "more members than can be listed")
}

// TestCpioWaiting: names whose content is announced, again and again, and never comes.
func TestCpioWaiting(t *testing.T) {
	var b bytes.Buffer
	header := func(inode, mode, links int, name string) {
		fmt.Fprintf(&b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00", inode, mode, 0, 0, links, 0, 0, 0, 0, 0, 0, len(name)+1, 0, name)
		b.Write(make([]byte, -b.Len()&3))
	}
	for i := range 100_005 {
		header(i, 0o100644, 2, fmt.Sprint(i))
	}
	header(0, 0, 1, "TRAILER!!!")
	r := unpackBytes(t, "x.cpio", b.Bytes(), unpack.Options{})
	wantSkipped(t, r, "too many names wait")
	if n := len(tree(t, r).children[0].children); r.Skips != 5 || n != 100_000 {
		t.Errorf("%d skipped, %d made", r.Skips, n)
	}
}
