package unpack_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"repotool/unpack"
)

// rpmWith is an rpm without tags around a payload.
func rpmWith(payload []byte) []byte {
	lead := append([]byte("\xed\xab\xee\xdb\x03\x00"), make([]byte, 90)...)
	header := "\x8e\xad\xe8\x01\x00\x00\x00\x00" + strings.Repeat("\x00", 8)
	return slices.Concat(lead, []byte(header+header), payload)
}

// newc is a cpio of files in the form that rpm uses.
func newc(files ...[]byte) []byte {
	var b bytes.Buffer
	member := func(name string, content []byte, mode int) {
		fmt.Fprintf(&b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00", b.Len(), mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name)+1, 0, name)
		b.Write(make([]byte, -b.Len()&3))
		b.Write(content)
		b.Write(make([]byte, -b.Len()&3))
	}
	for i, f := range files {
		member(fmt.Sprint("f", i), f, 0o100644)
	}
	member("TRAILER!!!", nil, 0)
	return b.Bytes()
}

// TestRPMDamaged: rpm2cpio writes pieces of 8192 bytes, and of a payload that is damaged
// whole ones only; what follows it is nobody's. cpio writes blocks of 512 bytes of the
// member that is cut. Both were seen on rpm 4.18 and cpio 2.13.
func TestRPMDamaged(t *testing.T) {
	in := newc(text(100_000), text(150_001), text(30_007))
	for _, c := range []struct {
		name  string
		args  []string
		piece int // that is written at the end of what is cut
	}{{"gzip", []string{"-nc"}, 1}, {"bzip2", []string{"-1c"}, 8192}, {"xz", []string{"-c", "-0"}, 8192}} {
		packed, ok := tool(t, in, c.name, c.args...)
		if !ok {
			t.Fatal(c.name)
		}
		whole := unpackBytes(t, "whole.rpm", rpmWith(packed), unpack.Options{})
		if got := cpioOf(whole); !strings.HasSuffix(got, fmt.Sprint(".", len(in))) || whole.Skips != 0 {
			t.Fatalf("%s: %s, %v", c.name, got, whole.Skipped)
		}
		tail := unpackBytes(t, "tail.rpm", rpmWith(append(slices.Clone(packed), "no stream"...)), unpack.Options{})
		if cpioOf(tail) != cpioOf(whole) {
			t.Errorf("%s: what follows changes it: %s", c.name, cpioOf(tail))
		}
		for eighth := 1; eighth < 8; eighth++ {
			r := unpackBytes(t, "cut.rpm", rpmWith(packed[:len(packed)*eighth/8]), unpack.Options{})
			sizes := map[string]int64{}
			for _, n := range everyRow(t, r) {
				if n.HasContent() {
					sizes[n.Name] = n.Digests.Size
				}
			}
			cpio := sizes["artifact.unpacked"]
			if cpio%int64(c.piece) != 0 || cpio >= int64(len(in)) || r.Skips == 0 {
				t.Errorf("%s cut %d/8: %d bytes of %d, %v", c.name, eighth, cpio, len(in), r.Skipped)
			}
			for name, full := range map[string]int64{"f0": 100_000, "f1": 150_001, "f2": 30_007} {
				if size := sizes[name]; size != full && size%512 != 0 {
					t.Errorf("%s cut %d/8: %s has %d bytes", c.name, eighth, name, size)
				}
			}
		}
	}
}

func cpioOf(r *unpack.Result) (name string) {
	r.Walk(func(n *unpack.Row) error {
		if n.Class == unpack.Cpio && n.Digests != nil {
			name = fmt.Sprintf("%x.%d", n.Digests.SHA1, n.Digests.Size)
		}
		return nil
	})
	return name
}

// TestCpioCutLinks: the names of a file whose content is cut are not made, but the one
// that the content comes with.
func TestCpioCutLinks(t *testing.T) {
	content := text(5000)
	b := newc(nil, content)
	second := bytes.Index(b[1:], []byte("070701")) + 1
	if second == 0 {
		t.Fatal("no second member")
	}
	for _, at := range []int{0, second} { // two names of one inode
		copy(b[at+6:], "00000007")
		copy(b[at+38:], "00000002")
	}
	for cut, want := range map[int]int{0: 2, 3000: 1} {
		r := unpackBytes(t, "l.cpio", b[:len(b)-cut], unpack.Options{})
		files := 0
		for _, n := range everyRow(t, r) {
			if n.Class == unpack.Leaf && n.Depth > 0 {
				files++
			}
		}
		if files != want {
			t.Errorf("cut by %d: %d names", cut, files)
		}
	}
}

func everyRow(t *testing.T, r *unpack.Result) (rows []unpack.Row) {
	t.Helper()
	if err := r.Walk(func(n *unpack.Row) error { rows = append(rows, *n); return nil }); err != nil {
		t.Fatal(err)
	}
	return rows
}
