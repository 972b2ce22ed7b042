package unpack_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"repotool/repotest"
	"repotool/unpack"
)

// TestEveryLength cuts small uploads of the real installation after each byte. No
// tools are there, for they would take hours.
func TestEveryLength(t *testing.T) {
	defer repotest.NoneLeft(t)
	all := seeds(t)
	t.Setenv("PATH", "")
	const small = 800
	n := 0
	for name, b := range all {
		if len(b) > small {
			continue
		}
		n++
		for at := range b {
			check(t, name, b[:at], 1<<20)
		}
	}
	if n < 5 {
		t.Errorf("only %d uploads are small", n)
	}
}

// sevenZipOf makes a 7z of nothing but a header.
func sevenZipOf(header []byte) []byte {
	b := []byte("7z\xbc\xaf\x27\x1c\x00\x04\x00\x00\x00\x00")
	b = binary.LittleEndian.AppendUint64(b, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(header)))
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(header))
	binary.LittleEndian.PutUint32(b[8:], crc32.ChecksumIEEE(b[12:32]))
	return append(b, header...)
}

// overlapping is a zip of n members that are all the same bytes.
func overlapping(t testing.TB, n int, content []byte) []byte {
	b := zipOf(t, map[string][]byte{"member": content})
	end := len(b) - 22
	from := int(binary.LittleEndian.Uint32(b[end+16:]))
	record := b[from:end]
	out := slices.Clone(b[:from])
	for range n {
		out = append(out, record...)
	}
	last := slices.Clone(b[end:])
	binary.LittleEndian.PutUint16(last[8:], uint16(n))
	binary.LittleEndian.PutUint16(last[10:], uint16(n))
	binary.LittleEndian.PutUint32(last[12:], uint32(n*len(record)))
	return append(out, last...)
}

// lying is a tar whose only header claims a size.
func lying(t testing.TB, size int64) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	must2(t, w.WriteHeader(&tar.Header{Name: "a", Size: size, Format: tar.FormatGNU}))
	return b.Bytes()
}

func must2(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// zipClaiming is a zip whose member says that it is of a size.
func zipClaiming(t testing.TB, size uint64) []byte {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f, err := w.CreateRaw(&zip.FileHeader{Name: "a", Method: zip.Store, CompressedSize64: size, UncompressedSize64: size})
	must2(t, err)
	io.WriteString(f, "few bytes")
	must2(t, w.Close())
	return out.Bytes()
}

// TestClaims: what an archive says of sizes and counts costs neither memory nor time.
func TestClaims(t *testing.T) {
	defer repotest.NoneLeft(t)
	t.Setenv("PATH", "")
	cpio := "070701" + strings.Repeat("0", 8) + "000081a4" + strings.Repeat("0", 16) + "00000001" + "00000000" + "ffffffff" + strings.Repeat("0", 32) + "00000002" + "00000000a\x00"
	ar := "!<arch>\n" + fmt.Sprintf("%-16s%-12d%-6d%-6d%-8s%-10d`\n", "a/", 0, 0, 0, "644", 9999999999)
	for name, b := range map[string][]byte{
		"tar":                   lying(t, 1<<62),
		"cpio":                  []byte(cpio),
		"ar":                    []byte(ar),
		"zip":                   zipClaiming(t, 1<<60),
		"7z of empty files":     sevenZipOf([]byte{0x01, 0x05, 0xf0, 0xff, 0xff, 0xff, 0x7f, 0x0e, 0x01, 0x80, 0x00, 0x00}),
		"7z of many files":      sevenZipOf([]byte{0x01, 0x05, 0xf0, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x00}),
		"7z of many folders":    sevenZipOf([]byte{0x01, 0x04, 0x07, 0x0b, 0xf0, 0xff, 0xff, 0xff, 0x7f, 0x00}),
		"7z of many streams":    sevenZipOf([]byte{0x01, 0x04, 0x06, 0x00, 0xf0, 0xff, 0xff, 0xff, 0x7f, 0x09}),
		"rpm":                   []byte("\xed\xab\xee\xdb" + strings.Repeat("\x00", 92) + "\x8e\xad\xe8\x01\x00\x00\x00\x00\x7f\xff\xff\xff\x7f\xff\xff\xff"),
		"zstd of a 2 GB window": []byte("\x28\xb5\x2f\xfd\x00\xa8" + strings.Repeat("\x00", 40)),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begin := time.Now()
			r := unpackBytes(t, "upload", b, unpack.Options{})
			runtime.ReadMemStats(&after)
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 300<<20 {
				t.Errorf("it took %d MB", took>>20)
			}
			if len(r.Skipped) == 0 {
				t.Error("nothing is in the report")
			}
		})
	}
}

// TestBombs: members that are the same bytes, and archives that hold themselves.
func TestBombs(t *testing.T) {
	defer repotest.NoneLeft(t)
	r := unpackBytes(t, "upload", overlapping(t, 5000, make([]byte, 1<<20)), unpack.Options{Limits: unpack.Limits{Free: 8 << 20}})
	if r.Bytes > 1<<30 {
		t.Errorf("%d bytes came out", r.Bytes)
	}
	b, err := os.ReadFile(filepath.Join("testdata", "quine.gz"))
	if err != nil {
		t.Fatal(err)
	}
	r = unpackBytes(t, "quine.gz", b, unpack.Options{})
	wantSkipped(t, r, "archives within archives, 64 deep")
}

// TestHostileNames: names that no file can have, or that lead elsewhere.
func TestHostileNames(t *testing.T) {
	deep := strings.Repeat("d/", 10_000)
	var headers []tar.Header
	for _, name := range []string{"nul\x00x", "new\nline", `back\slash`, `..\up`, "..", "../../../../etc/passwd", deep + "f", strings.Repeat("n", 100_000), "/", "//", "./", "a/./b//c"} {
		headers = append(headers, tar.Header{Name: name, Size: 1, Format: tar.FormatPAX, PAXRecords: map[string]string{"comment": "x"}})
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if w.WriteHeader(&h) == nil { // what the library does not write it does not read
			w.Write([]byte("x"))
		}
	}
	must2(t, w.Close())
	r := unpackBytes(t, "t", b.Bytes(), unpack.Options{})
	r.Walk(func(n *unpack.Row) error {
		if strings.Contains(n.Name, "/") || n.Name == ".." || strings.Contains(n.Name, "\x00") || len(n.Name) > 255 {
			t.Errorf("a node is called %q", n.Name[:min(len(n.Name), 300)])
		}
		return nil
	})
	wantSkipped(t, r, "longer than paths may be")
	wantSkipped(t, r, "leads out of the archive")
}
