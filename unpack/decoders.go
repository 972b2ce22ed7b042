package unpack

import (
	"bufio"
	"compress/bzip2"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz/lzma"
)

// decoder makes a reader of what a compressor was given.
type decoder func(io.Reader) (io.Reader, error)

// ending ends with an error that comes again: what is asked after its end may be
// in no state to answer.
type ending struct {
	r   io.Reader
	err error
}

func (e *ending) Read(b []byte) (n int, err error) {
	if e.err == nil {
		n, e.err = e.r.Read(b)
	}
	return n, e.err
}

// gunzip reads members one by one: gzip passes over what follows the last of
// them, zeros in silence. The standard library's decoder is slower than others,
// but decodes a member that is cut to its last bit, as gzip does.
func gunzip(r io.Reader) (io.Reader, error) {
	return gunzipBy(r, gzipWindow, func(err error) bool {
		var damage flate.CorruptInputError
		return !errors.As(err, &damage)
	})
}

// gunzipBy does it for a tool that writes pieces of unit bytes, and what is left at an end
// that is clean.
func gunzipBy(r io.Reader, unit int, clean func(error) bool) (io.Reader, error) {
	b := bufio.NewReader(r)
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	g := &gzipMembers{b: b, z: z}
	g.out = pieces{r: z, unit: unit, buf: make([]byte, unit), clean: clean}
	return &ending{r: g}, nil
}

// gzipWindow is how much gzip decodes before it writes. What it has when the input
// ends it writes, too, but not what it has when it meets what is no deflate.
const gzipWindow = 32 << 10

type gzipMembers struct {
	b   *bufio.Reader // what z reads from; z reads no further than its member
	z   *gzip.Reader
	out pieces
}

func (g *gzipMembers) Read(p []byte) (int, error) {
	for {
		n, err := g.out.Read(p)
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
		g.out.err = nil
	}
}

// bunzip2 passes over what follows the last stream, as bzip2 does.
func bunzip2(r io.Reader) (io.Reader, error) {
	return &pieces{r: bzip2Streams{bzip2.NewReader(r)}, unit: bzip2Piece, buf: make([]byte, 8*bzip2Piece), held: true,
		clean: func(err error) bool { return err == io.EOF }}, nil
}

// bzip2Piece is how much bzip2 decodes before it writes.
const bzip2Piece = 5000

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

func unxz(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	head, _ := b.Peek(64)
	return xz.NewReader(b, uint32(mostDictionary(xzDictionary(head))))
}

// unxzOne ends with the first stream, whatever follows.
func unxzOne(r io.Reader) (io.Reader, error) {
	z, err := unxz(r)
	if x, ok := z.(*xz.Reader); ok {
		x.Multistream(false)
	}
	return z, err
}

func unlz4(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	if head, err := b.Peek(len(lz4Magic)); err != nil || string(head) != lz4Magic {
		return nil, errors.New("lz4: a format that zstd does not decode")
	}
	return lz4.NewReader(b), nil
}

// unlzma decodes streams one after another, as zstd does.
func unlzma(r io.Reader) (io.Reader, error) {
	z := &lzmaStreams{b: bufio.NewReader(r)}
	head, _ := z.b.Peek(lzma.HeaderLen)
	z.most = mostDictionary(lzmaDictionary(head))
	return &ending{r: z}, z.next()
}

type lzmaStreams struct {
	b    *bufio.Reader
	z    io.Reader
	most int64 // that a dictionary may have
}

func (z *lzmaStreams) next() (err error) {
	head, _ := z.b.Peek(lzma.HeaderLen)
	if lzmaDictionary(head) > z.most {
		return errDictionary
	}
	z.z, err = lzma.NewReader(z.b)
	return err
}

func (z *lzmaStreams) Read(p []byte) (int, error) {
	for {
		n, err := z.z.Read(p)
		if err == io.EOF && n > 0 {
			return n, nil
		}
		if n > 0 || err != io.EOF {
			return n, err
		}
		next, err := z.b.Peek(2)
		if len(next) == 0 {
			return 0, io.EOF
		}
		if err != nil || string(next) != "\x5d\x00" {
			return 0, errors.New("lzma: something else follows the stream")
		}
		if err := z.next(); err != nil {
			return 0, err
		}
	}
}

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
