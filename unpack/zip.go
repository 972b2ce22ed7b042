package unpack

import (
	"archive/zip"
	"compress/bzip2"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"

	"github.com/klauspost/compress/flate"
)

// zipBzip2 is the method number of bzip2 (APPNOTE 4.4.5).
const zipBzip2 = 12

func isZip(_ string, head []byte) bool { return begins("PK\x03\x04")("", head) }

func openZip(_ context.Context, a *archive, r io.ReaderAt, size int64) error {
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return err
	}
	z.RegisterDecompressor(zip.Deflate, func(r io.Reader) io.ReadCloser { return flate.NewReader(r) })
	z.RegisterDecompressor(zipBzip2, func(r io.Reader) io.ReadCloser { return io.NopCloser(bzip2.NewReader(r)) })
	for _, f := range z.File {
		if err := zipMember(a, f); err != nil {
			return err
		}
	}
	return nil
}

// zipEncrypted is the flag of an encrypted member.
const zipEncrypted = 1

func zipMember(a *archive, f *zip.File) error {
	mode := f.Mode()
	switch {
	case strings.HasSuffix(f.Name, "/"):
		return a.Dir(f.Name)
	case f.Flags&zipEncrypted != 0:
		a.Skip(f.Name, "it is encrypted")
		return nil
	case mode&fs.ModeSymlink != 0:
		return a.Symlink(f.Name)
	}
	r, err := f.Open()
	if err != nil {
		a.Skip(f.Name, err.Error())
		return nil
	}
	defer r.Close()
	return a.File(f.Name, int64(f.UncompressedSize64), r)
}
