package unpack

import (
	"bufio"
	"compress/bzip2"
	"context"
	"encoding/binary"
	"errors"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// An rpm is a lead of 96 bytes, a header of signatures that is filled up to a
// multiple of eight, a header, and a compressed cpio (rpm's file format, V4).
// FOSSology keeps the cpio, as rpm2cpio gives it, as a file of its own.

const rpmLead = 96

// maxRPMHeader bounds a header: rpm itself refuses more than 256 MiB.
const maxRPMHeader = 256 << 20

func openRPM(ctx context.Context, a *archive, r io.Reader) error {
	b := bufio.NewReader(r)
	if _, err := b.Discard(rpmLead); err != nil {
		return io.ErrUnexpectedEOF
	}
	for _, fill := range []int64{8, 1} {
		if err := skipRPMHeader(b, fill); err != nil {
			return err
		}
	}
	payload, err := a.rpmPayload(b)
	if err != nil {
		return err
	}
	if c, ok := payload.(interface{ Close() }); ok {
		defer c.Close()
	}
	n := a.node.add(&Node{Name: artifactUnpacked})
	a.out = n // so that there is no artifact.dir beside it
	a.u.content(ctx, n, a.depth, source{Reader: payload, size: -1})
	n.Class = Cpio
	return nil
}

// What rpm2cpio writes at once; of a payload that is damaged what is left over is lost.
// zlib decodes twice as much at once.
const (
	rpmPiece     = 8 << 10
	rpmGzipPiece = 2 * rpmPiece
)

// rpmPayload decodes what follows the headers; a payload may be plain.
func (a *archive) rpmPayload(b *bufio.Reader) (io.Reader, error) {
	head, _ := b.Peek(16)
	if begins(xzMagic)("", head) {
		return a.rpmDecoded(b, unxzOne, xzDictionary)
	}
	for _, c := range compressors {
		switch {
		case !c.is("", head):
		case c.name == "gzip":
			return gunzipBy(b, rpmGzipPiece, func(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF })
		case c.name == "bzip2":
			return a.rpmDecoded(b, func(r io.Reader) (io.Reader, error) { return bzip2Streams{bzip2.NewReader(r)}, nil }, nil)
		case c.name == "lzma":
			return a.rpmDecoded(b, func(r io.Reader) (io.Reader, error) { return lzma.NewReader(r) }, c.dictionary)
		default:
			return a.rpmDecoded(b, c.decode, c.dictionary)
		}
	}
	return b, nil
}

func (a *archive) rpmDecoded(r io.Reader, decode decoder, dictionary func([]byte) int64) (io.Reader, error) {
	z, err := a.decoded(r, decode, dictionary)
	if err != nil {
		return nil, err
	}
	return &rpmStream{pieces{r: z, unit: rpmPiece, buf: make([]byte, 4*rpmPiece), clean: func(err error) bool { return err == io.EOF }}, z}, nil
}

// rpmStream closes its decoder, if that wants to be closed.
type rpmStream struct {
	pieces
	decoder io.Reader
}

func (r *rpmStream) Close() {
	if c, ok := r.decoder.(interface{ Close() }); ok {
		c.Close()
	}
}

func skipRPMHeader(b *bufio.Reader, fill int64) error {
	var head [16]byte
	if _, err := io.ReadFull(b, head[:]); err != nil {
		return io.ErrUnexpectedEOF
	}
	entries, bytes := int64(binary.BigEndian.Uint32(head[8:])), int64(binary.BigEndian.Uint32(head[12:]))
	size := entries*16 + bytes
	if string(head[:3]) != "\x8e\xad\xe8" || size > maxRPMHeader {
		return errors.New("rpm: damaged header")
	}
	size += (fill - size%fill) % fill
	if _, err := b.Discard(int(size)); err != nil {
		return io.ErrUnexpectedEOF
	}
	return nil
}
