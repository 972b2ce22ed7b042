package unpack

import (
	"compress/bzip2"
	"context"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// Compressors of one stream: what comes out is one file.

func init() {
	formats = append(formats,
		&format{name: "gzip", is: begins("\x1f\x8b"), stream: oneFile(withoutEnding, func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) })},
		&format{name: "bzip2", is: begins("BZh"), stream: oneFile(withoutEnding, func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil })},
	)
}

// begins recognises a content by its first bytes.
func begins(magic string) func(string, []byte) bool {
	return func(_ string, head []byte) bool {
		return strings.HasPrefix(string(head[:min(len(head), len(magic))]), magic)
	}
}

// oneFile opens a compressor. What was decoded before an error is kept: so do the
// tools that FOSSology uses. A stream that does not even begin gives an empty file.
func oneFile(rename func(string) string, decode func(io.Reader) (io.Reader, error)) func(context.Context, *archive, io.Reader) error {
	return func(_ context.Context, a *archive, r io.Reader) error {
		out, err := decode(r)
		if err != nil {
			out = again{err}
		}
		return a.File(rename(a.node.Name), -1, out)
	}
}
