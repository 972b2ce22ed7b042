package unpack

import (
	"archive/zip"
	"bytes"
	"compress/bzip2"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/klauspost/compress/flate"
)

// Method numbers that the library has no name for (APPNOTE 4.4.5).
const (
	zipDeflate64 = 9
	zipBzip2     = 12
)

// isStub is an executable of DOS with a zip behind it, which libmagic calls a zip
// and unzip does not open.
func isStub(_ string, head []byte) bool {
	if !begins("MZ")("", head) || len(head) < 64 {
		return false
	}
	at := int(binary.LittleEndian.Uint32(head[60:]))
	if at+4 <= len(head) && at > 0 && string(head[at:at+2]) == "PE" {
		return false
	}
	return bytes.Contains(head[:min(len(head), 512)], []byte("PK\x03\x04"))
}

// openStub opens it all the same: what is in it is extra.
func openStub(_ context.Context, a *archive, r io.ReaderAt, size int64) error {
	a.extra = true
	return unzip(a, r, size)
}

// zeros is the window that unzip begins with: it does not refuse a distance that
// leads in front of the first byte.
var zeros [32 << 10]byte

// unzip opens a zip as unzip does.
func unzip(a *archive, r io.ReaderAt, size int64) error {
	if e, ok := endOfZip(r, size); ok && size-e.base-int64(e.offset) > zipLarge {
		return e.manyMembers(a, r, size)
	}
	d := &zipDirectory{r: r, left: maxZipDirectory}
	z, err := zip.NewReader(d, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return err
	}
	d.read = true
	for _, f := range z.File {
		if err := zipMember(a, f); err != nil {
			return err
		}
	}
	return nil
}

// maxZipDirectory bounds the list of members, of a million and more.
const maxZipDirectory = 128 << 20

// zipDirectory reads a zip, up to that limit until its directory is read.
type zipDirectory struct {
	r    io.ReaderAt
	left int
	read bool
}

func (d *zipDirectory) ReadAt(b []byte, off int64) (int, error) {
	if d.read {
		return d.r.ReadAt(b, off)
	}
	if d.left -= len(b); d.left < 0 {
		return 0, errZipMany
	}
	return d.r.ReadAt(b, off)
}

// zipEncrypted is the flag of an encrypted member.
const zipEncrypted = 1

func zipMember(a *archive, f *zip.File) error {
	mode := f.Mode()
	name := zipPath(f)
	switch {
	case !zipKnows(f.Method): // of a directory, too
		a.Skip(name, fmt.Sprintf("unzip knows no method %d", f.Method))
		return nil
	case strings.HasSuffix(name, "/"):
		return a.Dir(name)
	case f.Flags&zipEncrypted != 0:
		a.Skip(name, "it is encrypted")
		return nil
	case mode&fs.ModeSymlink != 0:
		return a.Symlink(name)
	}
	r, err := zipContent(f)
	if err != nil {
		a.Skip(name, err.Error())
		return nil
	}
	a.blind = f.CreatorVersion>>8 == zipUnix && f.ExternalAttrs>>16&ownerReads == 0
	defer func() { a.blind = false }()
	return a.File(name, int64(f.UncompressedSize64), r)
}

// placed is a content where it lies in the zip, whatever piece of the directory
// told of it.
func placed(raw io.Reader) io.Reader {
	s, ok := raw.(*io.SectionReader)
	if !ok {
		return raw
	}
	outer, off, n := s.Outer()
	p, ok := outer.(*zipPart)
	if !ok {
		return raw
	}
	return io.NewSectionReader(p.r, off+p.base, n)
}

func zipKnows(method uint16) bool {
	return method == zip.Store || method == zip.Deflate || method == zipBzip2 || method == zipDeflate64
}

// zipContent reads a member as unzip does, which keeps what it decoded whatever
// the checksum and the size say.
func zipContent(f *zip.File) (io.Reader, error) {
	raw, err := f.OpenRaw()
	if err != nil {
		return nil, err
	}
	raw = placed(raw)
	switch f.Method {
	case zip.Store:
		return raw, nil
	case zipBzip2:
		return bzip2.NewReader(raw), nil
	case zipDeflate64:
		return newInflate64(raw), nil
	}
	return flate.NewReaderDict(raw, zeros[:]), nil
}
