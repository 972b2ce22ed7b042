package unpack

import (
	"context"
	"encoding/binary"
	"io"
	"strings"
)

// Compressors of one stream: what comes out is one file. What was decoded before
// an error is kept by gzip and bzip2, and removed by zstd and lzip.

// A compressor is a way to open a content of one file.
type compressor struct {
	name   string
	is     func(name string, head []byte) bool
	decode decoder
	rename func(string) string
	meta   bool
	strict bool // the tool removes what it wrote when it meets an error

	// dictionary is what the decoder takes memory for, by the first bytes; nil if
	// that is never much.
	dictionary func(head []byte) int64
}

// compressors by what FOSSology makes of them.
var compressors = []compressor{
	{"gzip", begins("\x1f\x8b"), gunzip, withoutEnding, false, false, nil},
	{"bzip2", begins("BZh"), bunzip2, withoutEnding, false, false, nil},
	{"compress", begins("\x1f\x9d"), uncompress, withoutEnding, false, false, nil},
	{"zstd", isZstd, unzstd, zstdName, true, true, zstdDictionary},
	{"lz4", isLZ4, unlz4, zstdName, false, true, nil},
	{"lzip", begins("LZIP"), unlzip, lzipName, true, true, lzipDictionary},
	{"lzma", isLZMA, unlzma, zstdName, false, true, lzmaDictionary},
}

const xzMagic = "\xfd7zXZ\x00"

func compressorFormats() (list []*format) {
	for _, c := range compressors {
		list = append(list, &format{name: c.name, meta: c.meta, is: c.is, stream: c.open})
	}
	// FOSSology gives every xz to tar, so one that holds no tar comes to nothing.
	return append(list, &format{name: "xz", is: begins(xzMagic), stream: openTarXz})
}

func zstdName(name string) string {
	return cutAt(name, ".zst", ".tzst", ".lzma", ".xz", ".txz", ".lz4", ".tlz4")
}
func lzipName(name string) string { return cutAt(name, ".lz", ".tlz") }

// lz4Magic begins a frame; zstd decodes no older format, though libmagic knows it.
const lz4Magic = "\x04\x22\x4d\x18"

func isLZ4(_ string, head []byte) bool {
	return begins(lz4Magic)("", head) || begins("\x02\x21\x4c\x18")("", head) || begins("\x03\x21\x4c\x18")("", head)
}

// isZstd: a frame of any version, also behind one that is to be passed over.
func isZstd(_ string, head []byte) bool {
	if len(head) >= 8 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18" {
		behind := int64(binary.LittleEndian.Uint32(head[4:])) + 8
		return isZstd("", head[min(behind, int64(len(head))):])
	}
	return len(head) >= 4 && head[0] >= 0x22 && head[0] <= 0x28 && string(head[1:4]) == "\xb5\x2f\xfd"
}

// isLZMA: there is no magic; this is what libmagic goes by. Byte 12 is the
// highest of the size, or of -1, which says that there is a mark at the end; the
// first of the data is always zero.
func isLZMA(_ string, head []byte) bool {
	return begins("\x5d\x00\x00")("", head) && len(head) > 13 && (head[12] == 0 || head[12] == 0xff) && head[13] == 0
}

// begins recognises a content by its first bytes.
func begins(magic string) func(string, []byte) bool {
	return func(_ string, head []byte) bool {
		return strings.HasPrefix(string(head[:min(len(head), len(magic))]), magic)
	}
}

// open opens a compressor. For the tools that are not strict, a stream that does
// not even begin is an empty file.
func (c compressor) open(_ context.Context, a *archive, r io.Reader) error {
	out, err := a.decoded(r, c.decode, c.dictionary)
	if err != nil {
		if c.strict {
			return err
		}
		out = again{err}
	}
	if c, ok := out.(interface{ Close() }); ok {
		defer c.Close()
	}
	last := &lastError{r: out}
	n, err := a.member(c.rename(a.node.Name), Leaf)
	if n == nil || err != nil {
		return err
	}
	a.read(n, -1, last)
	if last.err != io.EOF && c.strict {
		a.wait.Wait() // for who may drop it, too
		n.dropped = true
	}
	return a.stop()
}

// lastError remembers how a reader ended.
type lastError struct {
	r   io.Reader
	err error
}

func (l *lastError) Read(b []byte) (n int, err error) {
	n, err = l.r.Read(b)
	if err != nil {
		l.err = err
	}
	return n, err
}

func openTarXz(_ context.Context, a *archive, r io.Reader) error {
	x, err := a.decoded(r, unxz, xzDictionary)
	if err != nil {
		return err
	}
	return a.tarOf(x)
}
