package unpack

import (
	"bufio"
	"compress/bzip2"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz/lzma"
)

// decoder makes a reader of what a compressor was given.
type decoder func(io.Reader) (io.Reader, error)

// gunzip reads members one by one: gzip passes over what follows the last of
// them, zeros in silence.
func gunzip(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &gzipMembers{b, z}, nil
}

type gzipMembers struct {
	b *bufio.Reader // what z reads from; z reads no further than its member
	z *gzip.Reader
}

func (g *gzipMembers) Read(p []byte) (int, error) {
	for {
		n, err := g.z.Read(p)
		if n > 0 || err != io.EOF {
			return n, err
		}
		if next, _ := g.b.Peek(2); string(next) != "\x1f\x8b" {
			return 0, io.EOF
		}
		if err := g.z.Reset(g.b); err != nil {
			return 0, err
		}
		g.z.Multistream(false)
	}
}

// bunzip2 passes over what follows the last stream, as bzip2 does.
func bunzip2(r io.Reader) (io.Reader, error) { return bzip2Streams{bzip2.NewReader(r)}, nil }

type bzip2Streams struct{ r io.Reader }

// errBzip2Tail is how the decoder says that what follows a stream is none.
const errBzip2Tail = bzip2.StructuralError("bad magic value in continuation file")

func (b bzip2Streams) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err == errBzip2Tail {
		err = io.EOF
	}
	return n, err
}

func unxz(r io.Reader) (io.Reader, error)   { return xz.NewReader(r, maxDictionaries) }
func unlz4(r io.Reader) (io.Reader, error)  { return lz4.NewReader(r), nil }
func unlzma(r io.Reader) (io.Reader, error) { return lzma.NewReader(bufio.NewReader(r)) }

// maxWindow is the largest window of a zstd stream that is taken: what
// zstd --ultra --long=27 makes, and what zstd takes when it is not asked for more.
const maxWindow = 128 << 20

func unzstd(r io.Reader) (io.Reader, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return z, nil
}
