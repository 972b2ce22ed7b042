package repotest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"testing"
)

// Tarball is a tar.gz of three files, two of them the same.
func Tarball(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, content := range map[string]string{"a": "some text\n", "b": "some text\n", "c": "another text\n"} {
		if err := w.WriteHeader(&tar.Header{Name: "d/" + name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(content))
	}
	w.Close()
	z.Close()
	return b.Bytes()
}
