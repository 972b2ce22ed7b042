package snapshot

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"

	chunkers "github.com/PlakarKorp/go-cdc-chunkers"
	_ "github.com/PlakarKorp/go-cdc-chunkers/chunkers/fastcdc" // registers the algorithm
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"repotool/store"
)

// How streams are cut. To change any of these, or the algorithm, stores the next dump anew; older dumps
// stay readable, for a piece carries its own length and hash.
const (
	pieceMin       = 256 << 10
	pieceNormal    = 1 << 20
	pieceMax       = 4 << 20
	pieceAlgorithm = "fastcdc-v1.0.0" // masks made for pieceNormal; "fastcdc" would use those of 8 KiB
	pieceLevel     = zstd.SpeedDefault
)

// pipe is what a stream is read from; closing it makes its writer stop.
type pipe interface {
	io.Reader
	io.Closer
}

func readerOf(s string) pipe { return io.NopCloser(strings.NewReader(s)) }

// pieceSink cuts streams into pieces, compresses those that are new, and puts them. Memory is bounded:
// one window of two pieces, and two pieces with their frames for each worker.
type pieceSink struct {
	put     PutPiece
	known   KnownPiece
	workers int
	enc     *zstd.Encoder
	window  []byte
	buffers sync.Pool // *[]byte, raw bytes and frames
	stats   DumpStats
}

func newPieceSink(put PutPiece, known KnownPiece, workers int) (*pieceSink, error) {
	if workers <= 0 {
		workers = min(runtime.GOMAXPROCS(0), 4)
	}
	// An empty stream is a frame too, so that every part has a piece and every file of it a name. In a single
	// segment the frame's header tells its length, so a reader knows how much memory it needs.
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(pieceLevel), zstd.WithEncoderConcurrency(workers),
		zstd.WithWindowSize(pieceMax), zstd.WithSingleSegment(true), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(true), zstd.WithZeroFrames(true))
	if err != nil {
		return nil, fmt.Errorf("make zstd encoder: %w", err)
	}
	if known == nil {
		known = func(store.Hash) (DumpPiece, bool) { return DumpPiece{}, false }
	}
	return &pieceSink{put: put, known: known, workers: workers, enc: enc, window: make([]byte, 2*pieceMax),
		buffers: sync.Pool{New: func() any { return new([]byte) }}}, nil
}

func (s *pieceSink) close() { s.enc.Close() }

// pendingPiece is a piece on its way from the cutter over a worker to the collector.
type pendingPiece struct {
	DumpPiece
	raw, frame *[]byte       // nil when the piece is known
	done       chan struct{} // closed when frame is there
}

// cut reads r to its end and returns its pieces in order. When storing fails, r is closed, so that who
// writes to it does not wait for ever.
func (s *pieceSink) cut(ctx context.Context, r pipe) ([]DumpPiece, error) {
	g, ctx := errgroup.WithContext(ctx)
	defer context.AfterFunc(ctx, func() { r.Close() })()
	jobs := make(chan *pendingPiece)
	ordered := make(chan *pendingPiece, s.workers) // bounds what is in flight
	g.Go(func() error {
		defer close(jobs)
		defer close(ordered)
		return s.split(ctx, r, jobs, ordered)
	})
	for range s.workers {
		g.Go(func() error {
			for p := range jobs {
				*p.frame = s.enc.EncodeAll(*p.raw, (*p.frame)[:0])
				close(p.done)
			}
			return nil
		})
	}
	var pieces []DumpPiece
	g.Go(func() (err error) {
		pieces, err = s.collect(ctx, ordered)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return pieces, nil
}

// split cuts the stream and hands each piece to the collector and, when it is new, to a worker.
func (s *pieceSink) split(ctx context.Context, r io.Reader, jobs, ordered chan<- *pendingPiece) error {
	c, err := chunkers.NewChunkerBuffer(pieceAlgorithm, r, &chunkers.ChunkerOpts{
		MinSize: pieceMin, NormalSize: pieceNormal, MaxSize: pieceMax}, s.window)
	if err != nil {
		return fmt.Errorf("cut stream: %w", err)
	}
	for first := true; ; first = false {
		chunk, err := c.Next() // the last one may come together with io.EOF
		if err != nil && err != io.EOF {
			return fmt.Errorf("read stream: %w", err)
		}
		if len(chunk) > 0 || first {
			p := s.pending(chunk)
			select {
			case ordered <- p:
			case <-ctx.Done():
				return ctx.Err()
			}
			if p.raw != nil {
				select {
				case jobs <- p:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

// pending looks the bytes up and copies them if they are new: chunk lies in the cutter's window.
func (s *pieceSink) pending(chunk []byte) *pendingPiece {
	raw := store.Sum(chunk)
	if known, ok := s.known(raw); ok && known.Raw == raw && known.RawLen == int64(len(chunk)) {
		return &pendingPiece{DumpPiece: known}
	}
	p := &pendingPiece{DumpPiece: DumpPiece{Raw: raw, RawLen: int64(len(chunk))}, done: make(chan struct{})}
	p.raw, p.frame = s.buffers.Get().(*[]byte), s.buffers.Get().(*[]byte)
	*p.raw = append((*p.raw)[:0], chunk...)
	return p
}

// collect puts the pieces in their order.
func (s *pieceSink) collect(ctx context.Context, ordered <-chan *pendingPiece) ([]DumpPiece, error) {
	var pieces []DumpPiece
	for p := range ordered {
		if p.raw != nil {
			select {
			case <-p.done:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			object, err := s.put(ctx, *p.frame, p.Raw, int(p.RawLen))
			if err != nil {
				return nil, fmt.Errorf("store piece: %w", err)
			}
			p.Object, p.Len = object, int64(len(*p.frame))
			s.stats.NewPieces++
			s.stats.NewRaw += p.RawLen
			s.stats.NewBytes += p.Len
			s.buffers.Put(p.raw)
			s.buffers.Put(p.frame)
		}
		s.stats.Pieces++
		s.stats.RawBytes += p.RawLen
		pieces = append(pieces, p.DumpPiece)
	}
	return pieces, nil
}
