package unpack

import (
	"bufio"
	"compress/bzip2"
	"context"
	"encoding/binary"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz/lzma"
)

// Compressors of one stream: what comes out is one file. What was decoded before
// an error is kept: so do the tools that FOSSology uses.

// decoder makes a reader of what a compressor was given.
type decoder func(io.Reader) (io.Reader, error)

// compressors by what FOSSology makes of them.
var compressors = []struct {
	name   string
	is     func(name string, head []byte) bool
	decode decoder
	rename func(string) string
	meta   bool
}{
	{"gzip", begins("\x1f\x8b"), gunzip, withoutEnding, false},
	{"bzip2", begins("BZh"), bunzip2, withoutEnding, false},
	{"compress", begins("\x1f\x9d"), uncompress, withoutEnding, false},
	{"zstd", begins("\x28\xb5\x2f\xfd"), unzstd, zstdName, true},
	{"lz4", isLZ4, unlz4, zstdName, false},
	{"lzip", begins("LZIP"), unlzip, lzipName, true},
	{"lzma", isLZMA, unlzma, zstdName, false},
}

func compressorFormats() (list []*format) {
	for _, c := range compressors {
		list = append(list, &format{name: c.name, meta: c.meta, is: c.is, stream: oneFile(c.rename, c.decode)})
	}
	// FOSSology gives every xz to tar, so one that holds no tar comes to nothing.
	return append(list, &format{name: "xz", is: begins("\xfd7zXZ\x00"), stream: openTarXz})
}

func gunzip(r io.Reader) (io.Reader, error)  { return gzip.NewReader(r) }
func bunzip2(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }
func unxz(r io.Reader) (io.Reader, error)    { return xz.NewReader(r, 0) }
func unlz4(r io.Reader) (io.Reader, error)   { return lz4.NewReader(r), nil }
func unlzma(r io.Reader) (io.Reader, error)  { return lzma.NewReader(bufio.NewReader(r)) }
func zstdName(name string) string {
	return cutAt(name, ".zst", ".tzst", ".lzma", ".xz", ".txz", ".lz4", ".tlz4")
}
func lzipName(name string) string { return cutAt(name, ".lz", ".tlz") }
func isLZ4(_ string, head []byte) bool {
	return begins("\x04\x22\x4d\x18")("", head) || begins("\x02\x21\x4c\x18")("", head)
}

// maxWindow is the largest window of a zstd stream that is taken: what
// zstd --ultra --long=27 makes.
const maxWindow = 128 << 20

func unzstd(r io.Reader) (io.Reader, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return z, nil
}

// isLZMA: there is no magic; this is what libmagic goes by. Byte 12 is the
// highest of the size, or of -1, which says that there is a mark at the end.
func isLZMA(_ string, head []byte) bool {
	return begins("\x5d\x00\x00")("", head) && len(head) > 13 && (head[12] == 0 || head[12] == 0xff) && lzma.ValidHeader(head[:lzma.HeaderLen])
}

// unlzip decodes lzip members: each is a LZMA stream with an end mark between a
// header of 6 bytes and a trailer of 20 (RFC draft-diaz-lzip).
func unlzip(r io.Reader) (io.Reader, error) { return &lzipReader{r: bufio.NewReader(r)}, nil }

type lzipReader struct {
	r      *bufio.Reader
	member io.Reader
	some   bool // a member was read
}

func (z *lzipReader) Read(b []byte) (int, error) {
	for {
		if z.member == nil {
			if err := z.next(); err != nil {
				return 0, err
			}
		}
		n, err := z.member.Read(b)
		if err == io.EOF {
			z.member = nil
			if _, err := z.r.Discard(20); err != nil {
				return n, io.ErrUnexpectedEOF
			}
			err = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (z *lzipReader) next() error {
	head, err := z.r.Peek(6)
	if z.some && (err != nil || string(head[:4]) != "LZIP") {
		return io.EOF // whatever follows the last member is passed over
	}
	if err != nil {
		return io.ErrUnexpectedEOF
	}
	z.some = true
	size := uint32(1) << (head[5] & 0x1f)
	size -= size / 16 * uint32(head[5]>>5)
	z.r.Discard(6)
	classic := append(binary.LittleEndian.AppendUint32([]byte{0x5d}, size), "\xff\xff\xff\xff\xff\xff\xff\xff"...)
	z.member, err = lzma.NewReader(&behind{head: classic, Reader: z.r})
	return err
}

// behind reads head first. It is an io.ByteReader, so that the decoder reads no
// further than it needs.
type behind struct {
	head []byte
	*bufio.Reader
}

func (r *behind) Read(b []byte) (int, error) {
	if len(r.head) > 0 {
		n := copy(b, r.head)
		r.head = r.head[n:]
		return n, nil
	}
	return r.Reader.Read(b)
}

func (r *behind) ReadByte() (byte, error) {
	if len(r.head) > 0 {
		c := r.head[0]
		r.head = r.head[1:]
		return c, nil
	}
	return r.Reader.ReadByte()
}

// begins recognises a content by its first bytes.
func begins(magic string) func(string, []byte) bool {
	return func(_ string, head []byte) bool {
		return strings.HasPrefix(string(head[:min(len(head), len(magic))]), magic)
	}
}

// oneFile opens a compressor. A stream that does not even begin gives an empty file.
func oneFile(rename func(string) string, decode decoder) func(context.Context, *archive, io.Reader) error {
	return func(_ context.Context, a *archive, r io.Reader) error {
		out, err := decode(r)
		if err != nil {
			out = again{err}
		}
		if c, ok := out.(interface{ Close() }); ok {
			defer c.Close()
		}
		return a.File(rename(a.node.Name), -1, out)
	}
}

func openTarXz(_ context.Context, a *archive, r io.Reader) error {
	x, err := unxz(r)
	if err != nil {
		return err
	}
	return tarMembers(a, x)
}
