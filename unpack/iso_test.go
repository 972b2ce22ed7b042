package unpack_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repotool/unpack"
)

const sector = 2048

// isoRecord is a record of a directory.
type isoRecord struct {
	name         string
	extent, size uint32
	flags        byte
	use          string // what Rock Ridge says
}

func (r isoRecord) bytes() []byte {
	b := make([]byte, 33, 256)
	binary.LittleEndian.PutUint32(b[2:], r.extent)
	binary.LittleEndian.PutUint32(b[10:], r.size)
	b[25], b[32] = r.flags, byte(len(r.name))
	b = append(b, r.name...)
	if len(b)%2 == 1 {
		b = append(b, 0)
	}
	b = append(b, r.use...)
	b[0] = byte(len(b))
	return b
}

// nm is a piece of a name in Rock Ridge.
func nm(piece string) string { return "NM" + string([]byte{byte(len(piece) + 5), 1, 0}) + piece }

// The sectors of a test image: its descriptors, its root, and content.
const (
	isoRoot    = 18
	isoContent = 19
)

// isoImage has the records in its root, content from sector 19 on, and nothing else.
func isoImage(content []byte, records ...isoRecord) []byte {
	b := make([]byte, isoContent*sector)
	copy(b[16*sector:], "\x01CD001\x01")
	copy(b[16*sector+156:], isoRecord{name: "\x00", extent: isoRoot, size: sector, flags: 2}.bytes())
	copy(b[17*sector:], "\xffCD001\x01")
	root := b[isoRoot*sector : isoRoot*sector]
	for _, r := range append([]isoRecord{{name: "\x00", extent: isoRoot, size: sector, flags: 2}, {name: "\x01", extent: isoRoot, size: sector, flags: 2}}, records...) {
		root = append(root, r.bytes()...)
	}
	b = append(b, content...)
	return append(b, make([]byte, -len(b)&(sector-1))...)
}

// TestISO looks at what isoinfo makes of unusual and of hostile images.
func TestISO(t *testing.T) {
	content := slices.Concat(bytes.Repeat([]byte("a"), sector), bytes.Repeat([]byte("b"), sector))
	a, b := string(content[:sector]), string(content[sector:])
	for _, c := range []struct {
		name    string
		records []isoRecord
		want    map[string]string
		why     string
	}{
		{"plain", []isoRecord{{name: "F.TXT;1", extent: 19, size: 5}}, map[string]string{"F.TXT;1": a[:5]}, ""},
		{"several extents", []isoRecord{{name: "F", extent: 19, size: sector, flags: 0x80}, {name: "F", extent: 20, size: 3}}, map[string]string{"F": a + b[:3]}, ""},
		{"real name", []isoRecord{{name: "F", extent: 19, size: 1, use: nm("long ") + nm("name")}}, map[string]string{"long name": a[:1]}, ""},
		{"name elsewhere", []isoRecord{{name: "F", extent: 20, size: 1, use: nm("one ") + continued(19, 0, 100)}}, map[string]string{"one ": b[:1]}, ""},
		{"loop of names", []isoRecord{{name: "F", extent: 19, size: 1, use: nm("x") + continued(18, 33+34+34+2, 100)}}, nil, ""},
		{"loop of directories", []isoRecord{{name: "D", extent: 18, size: sector, flags: 2}, {name: "F", extent: 19, size: 1}}, map[string]string{"F": a[:1]}, "was met before"},
		{"directories overlap", []isoRecord{{name: "D", extent: 0, size: 1 << 20, flags: 2}, {name: "E", extent: 1, size: 1 << 20, flags: 2}, {name: "F", extent: 19, size: 1}}, nil, "larger than the image"},
		{"directory outside", []isoRecord{{name: "D", extent: 1 << 31, size: sector, flags: 2}, {name: "F", extent: 19, size: 1}}, map[string]string{"F": a[:1]}, ""},
		{"file outside", []isoRecord{{name: "F", extent: 1 << 20, size: 9}}, map[string]string{"F": ""}, "unexpected EOF"},
		{"lying size", []isoRecord{{name: "F", extent: 20, size: 1 << 30}}, map[string]string{"F": b}, "unexpected EOF"},
		{"negative size", []isoRecord{{name: "F", extent: 19, size: 1 << 31}}, map[string]string{"F": ""}, "2 GiB"},
		{"way out", []isoRecord{{name: "F", extent: 19, size: 1, use: nm("..")}, {name: "G", extent: 19, size: 1, use: nm("../../g")}}, map[string]string{}, "leads out"},
		{"slash", []isoRecord{{name: "G", extent: 19, size: 1, use: nm("a/g")}}, map[string]string{}, "name with a slash"},
		{"bad field", []isoRecord{{name: "F", extent: 19, size: 1, use: "NM\x00\x01\x00abc"}}, map[string]string{"F": a[:1]}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := unpackBytes(t, "f.iso", isoImage(content, c.records...), unpack.Options{})
			want := map[string]string{}
			for name, s := range c.want {
				want[name] = sum([]byte(s))
			}
			if got := leaves(r); c.want != nil && !maps.Equal(got, want) {
				t.Errorf("got %v, want %v, skipped %v", got, want, r.Skipped)
			}
			if c.why != "" {
				wantSkipped(t, r, c.why)
			}
		})
	}
}

func continued(extent, offset, size uint32) string {
	b := append([]byte("CE\x1c\x01"), make([]byte, 24)...)
	for i, v := range []uint32{extent, offset, size} {
		binary.LittleEndian.PutUint32(b[4+8*i:], v)
	}
	return string(b)
}

// TestISODamagedDirectory has records that are shorter than they say.
func TestISODamagedDirectory(t *testing.T) {
	for _, length := range []byte{1, 33, 34, 255} {
		b := isoImage(make([]byte, sector), isoRecord{name: "GOOD", extent: 19, size: 1}, isoRecord{name: "BAD", extent: 19, size: 1})
		at := bytes.Index(b, []byte("BAD")) - 33
		b[at], b[at+32] = length, 200
		r := unpackBytes(t, "f.iso", b, unpack.Options{})
		if got := leaves(r); got["GOOD"] == "" {
			t.Errorf("length %d: %v", length, got)
		}
	}
}

// TestNothingIsCopied: an image in which zips lie stored, in a file that can be
// read anywhere, needs no room anywhere else.
func TestNothingIsCopied(t *testing.T) {
	var inner bytes.Buffer
	w := zip.NewWriter(&inner)
	for i := range 3 {
		f, err := w.CreateHeader(&zip.FileHeader{Name: fmt.Sprintf("%d.zip", i), Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		f.Write(zipOf(t, map[string][]byte{"deep": []byte(fmt.Sprint("deep ", i))}))
	}
	w.Close()
	image := isoImage(inner.Bytes(), isoRecord{name: "Z.ZIP", extent: isoContent, size: uint32(inner.Len())})
	o := unpack.Options{TempDir: filepath.Join(t.TempDir(), "there is none"), Limits: unpack.Limits{SpoolMemory: 1}}
	r, err := closing(t)(unpack.Unpack(t.Context(), "f.iso", bytes.NewReader(image), o))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for path := range leaves(r) {
		if strings.HasSuffix(path, "/deep") {
			n++
		}
	}
	if n != 3 {
		t.Errorf("%d files came out of the innermost zips, want 3: %v", n, r.Skipped)
	}
	if _, err := unpack.Unpack(t.Context(), "f.iso", io.MultiReader(bytes.NewReader(image)), o); err == nil {
		t.Error("a stream was opened without a place for its copy")
	}
	late := bytes.NewReader(append([]byte("in front"), image...))
	late.Seek(8, io.SeekStart)
	if again, err := unpack.Unpack(t.Context(), "f.iso", late, o); err != nil || *again.Top.Digests != *r.Top.Digests {
		t.Errorf("a reader that was read from: %v", err)
	}
}
