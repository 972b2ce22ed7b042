package unpack_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"

	"repotool/unpack"
)

// TestZipLargeDirectory: a zip whose directory is read in pieces gives what it holds,
// also behind something else, with more members than the end record can count, and
// nothing if its directory is damaged.
func TestZipLargeDirectory(t *testing.T) {
	for name, c := range map[string]struct {
		members int
		front   string
	}{"more than the end counts": {70_000, ""}, "behind something": {20_000, "PK\x03\x04" + strings.Repeat("\x00", 5000)}} {
		in, want := largeZip(t, c.members)
		in = append([]byte(c.front), in...)
		r := unpackBytes(t, "x.zip", in, unpack.Options{})
		got := map[string]string{}
		for path, s := range leaves(r) {
			got[strings.ReplaceAll(path, "/artifact.dir", "")] = s
		}
		if !maps.Equal(got, want) || r.Skips > 0 {
			t.Errorf("%s: %d files came out, want %d; %v", name, len(got), len(want), r.Skipped)
		}
		at := bytes.LastIndex(in, []byte("PK\x01\x02"))
		copy(in[at:], "PKxx")
		r = unpackBytes(t, "x.zip", in, unpack.Options{})
		if n := len(leaves(r)); n > 0 {
			t.Errorf("%s: %d files came out of a zip whose directory is damaged", name, n)
		}
		wantSkipped(t, r, "not a valid zip")
	}
}

// largeZip makes a zip, with the files that come out of it by their paths.
func largeZip(t testing.TB, members int) (_ []byte, files map[string]string) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.SetComment("a comment")
	files = map[string]string{}
	inner := zipOf(t, map[string][]byte{"in": []byte("inner")})
	for i := range members {
		name := fmt.Sprintf("d%d/%d", i%7, i)
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: uint16(i%2) * zip.Deflate})
		if err != nil {
			t.Fatal(err)
		}
		content := fmt.Append(nil, i)
		if i%20_000 == 0 {
			content = inner
			files[name+"/in"] = sum([]byte("inner"))
		}
		f.Write(content)
		files[name] = sum(content)
	}
	w.Close()
	return b.Bytes(), files
}
