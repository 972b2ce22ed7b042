package unpack

import (
	"context"
	"io"
	"strings"

	"github.com/ulikunitz/xz/lzma"
)

// Compressors of one stream: what comes out is one file. What was decoded before
// an error is kept: so do the tools that FOSSology uses.

// compressors by what FOSSology makes of them.
var compressors = []struct {
	name   string
	is     func(name string, head []byte) bool
	decode decoder
	rename func(string) string
	meta   bool

	// dictionary is what the decoder takes memory for, by the first bytes; nil if
	// that is never much.
	dictionary func(head []byte) int64
}{
	{"gzip", begins("\x1f\x8b"), gunzip, withoutEnding, false, nil},
	{"bzip2", begins("BZh"), bunzip2, withoutEnding, false, nil},
	{"compress", begins("\x1f\x9d"), uncompress, withoutEnding, false, nil},
	{"zstd", begins("\x28\xb5\x2f\xfd"), unzstd, zstdName, true, zstdDictionary},
	{"lz4", isLZ4, unlz4, zstdName, false, nil},
	{"lzip", begins("LZIP"), unlzip, lzipName, true, lzipDictionary},
	{"lzma", isLZMA, unlzma, zstdName, false, lzmaDictionary},
}

const xzMagic = "\xfd7zXZ\x00"

func compressorFormats() (list []*format) {
	for _, c := range compressors {
		list = append(list, &format{name: c.name, meta: c.meta, is: c.is, stream: oneFile(c.rename, c.decode, c.dictionary)})
	}
	// FOSSology gives every xz to tar, so one that holds no tar comes to nothing.
	return append(list, &format{name: "xz", is: begins(xzMagic), stream: openTarXz})
}

func zstdName(name string) string {
	return cutAt(name, ".zst", ".tzst", ".lzma", ".xz", ".txz", ".lz4", ".tlz4")
}
func lzipName(name string) string { return cutAt(name, ".lz", ".tlz") }
func isLZ4(_ string, head []byte) bool {
	return begins("\x04\x22\x4d\x18")("", head) || begins("\x02\x21\x4c\x18")("", head)
}

// isLZMA: there is no magic; this is what libmagic goes by. Byte 12 is the
// highest of the size, or of -1, which says that there is a mark at the end.
func isLZMA(_ string, head []byte) bool {
	return begins("\x5d\x00\x00")("", head) && len(head) > 13 && (head[12] == 0 || head[12] == 0xff) && lzma.ValidHeader(head[:lzma.HeaderLen])
}

// begins recognises a content by its first bytes.
func begins(magic string) func(string, []byte) bool {
	return func(_ string, head []byte) bool {
		return strings.HasPrefix(string(head[:min(len(head), len(magic))]), magic)
	}
}

// oneFile opens a compressor. A stream that does not even begin gives an empty file.
func oneFile(rename func(string) string, decode decoder, dictionary func([]byte) int64) func(context.Context, *archive, io.Reader) error {
	return func(_ context.Context, a *archive, r io.Reader) error {
		out, err := a.decoded(r, decode, dictionary)
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
	x, err := a.decoded(r, unxz, xzDictionary)
	if err != nil {
		return err
	}
	return a.tarOf(x)
}
