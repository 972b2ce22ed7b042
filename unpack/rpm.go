package unpack

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
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

// rpmPayload decodes what follows the headers; a payload may be plain.
func (a *archive) rpmPayload(b *bufio.Reader) (io.Reader, error) {
	head, _ := b.Peek(16)
	for _, c := range compressors {
		if c.is("", head) {
			return a.decoded(b, c.decode, c.dictionary)
		}
	}
	if begins(xzMagic)("", head) {
		return a.decoded(b, unxz, xzDictionary)
	}
	return b, nil
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
