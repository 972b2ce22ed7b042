package snapshot

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"repotool/store"
)

// A PieceError says that a piece of a dump is not what the manifest says of it.
type PieceError struct {
	Part   string // DumpPart.Path
	Index  int    // from 0
	Object store.Hash
	Reason string
	Err    error // may be nil
}

func (e *PieceError) Error() string {
	s := fmt.Sprintf("piece %d of %s (object %s): %s", e.Index+1, e.Part, e.Object, e.Reason)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *PieceError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *PieceError) Hint() string {
	return "the object is damaged or gone: 'repotool verify' lists all such objects; an earlier or later snapshot may hold the database whole"
}

// OpenObject opens an object of the store for reading.
type OpenObject func(store.Hash) (io.ReadCloser, error)

// WritePart writes the decompressed bytes of a part to w. Each piece is checked against its hash before
// one byte of it is written; the first that is wrong ends it with a *PieceError.
func WritePart(ctx context.Context, w io.Writer, part DumpPart, open OpenObject) (int64, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return 0, fmt.Errorf("make zstd decoder: %w", err)
	}
	defer dec.Close()
	var n int64
	var frame bytes.Buffer
	var raw []byte
	for i, p := range part.Pieces {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		wrong := func(reason string, err error) error {
			return &PieceError{Part: part.Path, Index: i, Object: p.Object, Reason: reason, Err: err}
		}
		frame.Reset()
		if err := readObject(&frame, p, open); err != nil {
			return n, wrong("not readable", err)
		}
		raw, err = decodeFrame(dec, frame.Bytes(), raw[:0], p.RawLen)
		if err != nil {
			return n, wrong("not decompressible", err)
		}
		if int64(len(raw)) != p.RawLen || store.Sum(raw) != p.Raw {
			return n, wrong(fmt.Sprintf("its %d bytes are not those that were stored", len(raw)), nil)
		}
		m, err := w.Write(raw)
		n += int64(m)
		if err != nil {
			return n, fmt.Errorf("write %s: %w", part.Path, err)
		}
	}
	return n, nil
}

// readObject reads one frame; never more than the manifest says it is long.
func readObject(frame *bytes.Buffer, p DumpPiece, open OpenObject) error {
	f, err := open(p.Object)
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := frame.ReadFrom(io.LimitReader(f, p.Len+1))
	if err == nil && n != p.Len {
		err = fmt.Errorf("length differs from the %d bytes recorded", p.Len)
	}
	return err
}

// decodeFrame decompresses a frame whose header must promise rawLen bytes: a damaged header must not
// make us reserve memory without bound.
func decodeFrame(dec *zstd.Decoder, frame, raw []byte, rawLen int64) ([]byte, error) {
	var h zstd.Header
	if err := h.Decode(frame); err != nil {
		return nil, err
	}
	if rawLen > 0 && (!h.HasFCS || h.FrameContentSize != uint64(rawLen)) {
		return nil, fmt.Errorf("frame holds %d bytes, want %d", h.FrameContentSize, rawLen)
	}
	return dec.DecodeAll(frame, raw)
}
