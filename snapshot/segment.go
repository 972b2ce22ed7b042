package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
	"repotool/fossology"
	"repotool/store"
)

// Format of a segment (version 3). Segments are objects, so their name is a
// checksum of the whole; each block carries one of its own (zstd's).
//
//	magic  "repotool segment 3\n"
//	blocks zstd frames, each of up to blockEntries rows in order
//	index  a zstd frame of JSON: segmentIndex
//	tail   8 bytes: offset of the index, big endian
//
// A row: flags byte; path (canonical: [dir when it changed] sha1 md5 uvarint
// size; else uvarint shared prefix, uvarint length, rest); then, unless
// removed, [uvarint mode uid gid when changed], varint mtime difference,
// [uvarint size when the Name does not say it], [32 bytes object],
// [uvarint inode], [uvarint length, target]. Each block starts afresh.
//
// A file that is left out has the kind of a removed path, and an object, which
// such a path has not; behind the row stands the number of its gold in the index:
// uvarint. In version 1 there was no such row, and in version 2 no modeGone; all else was
// the same.
const (
	segmentName  = "repotool segment "
	segmentMagic = segmentName + "3\n"
	blockEntries = 1024
	maxBlock     = 16 << 20 // bytes of a decoded block: a path has at most 4096, a row not much more
)

// A segmentWriter writes entries, which must come in order, into an object.
type segmentWriter struct {
	out   *store.ObjectWriter
	depth int
	index *indexWriter
	all   int64 // entries
	enc   *zstd.Encoder
	rows  []byte
	n     int // of them in the block
	first string
	at    int64
	last  string
	state rowState
	golds *goldTable
	frame []byte
}

func newSegmentWriter(st *store.Store, depth int) (*segmentWriter, error) {
	out, err := st.Create()
	if err != nil {
		return nil, err
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		out.Discard()
		return nil, err
	}
	index, err := newIndexWriter(depth)
	if err != nil {
		out.Discard()
		return nil, err
	}
	w := &segmentWriter{out: out, depth: depth, index: index, enc: enc, golds: new(goldTable)}
	return w, w.write([]byte(segmentMagic))
}

func (w *segmentWriter) write(b []byte) error {
	n, err := w.out.Write(b)
	w.at += int64(n)
	return err
}

// add appends an entry.
func (w *segmentWriter) add(e *Entry) error {
	if w.all > 0 && fossology.ComparePaths(w.last, e.Path) >= 0 {
		return fmt.Errorf("manifest entry %q does not follow %q", e.Path, w.last)
	}
	if w.n == 0 {
		w.first, w.state = separator(w.last, e.Path), rowState{golds: w.golds}
	}
	w.last = e.Path
	w.rows = w.state.appendRow(w.rows, e, w.depth)
	w.n++
	w.all++
	if w.n == blockEntries || len(w.rows) >= maxBlock/4 {
		return w.flush()
	}
	return nil
}

func (w *segmentWriter) flush() error {
	if w.n == 0 {
		return nil
	}
	w.frame = w.enc.EncodeAll(w.rows, w.frame[:0])
	if err := w.index.block(blockIndex{First: w.first, Offset: w.at, Length: len(w.frame)}); err != nil {
		return err
	}
	w.rows, w.n = w.rows[:0], 0
	return w.write(w.frame)
}

// close completes the segment and returns what a manifest says of it.
func (w *segmentWriter) close() (Segment, error) {
	if err := w.flush(); err != nil {
		return Segment{}, err
	}
	index, err := w.index.close(w.all, w.golds.index())
	if err != nil {
		return Segment{}, err
	}
	at := w.at
	if err := w.write(index); err != nil {
		return Segment{}, err
	}
	if err := w.write(binary.BigEndian.AppendUint64(nil, uint64(at))); err != nil {
		return Segment{}, err
	}
	put, err := w.out.Commit()
	return Segment{Object: put.Object, Entries: w.all, Bytes: put.Size}, err
}

// discard gives up a segment that is not complete.
func (w *segmentWriter) discard() { w.out.Discard() }

// A segmentReader reads a segment's entries in order, from any place on.
type segmentReader struct {
	f     *os.File
	name  store.Hash
	index segmentIndex
	dec   *zstd.Decoder
	block int    // the next block to read
	rows  []byte // what is left of the present one
	raw   []byte
	frame []byte
	state rowState
	golds *goldTable
}

func openSegment(st *store.Store, seg Segment) (*segmentReader, error) {
	f, err := st.Open(seg.Object)
	if errors.Is(err, store.ErrNoObject) {
		return nil, fmt.Errorf("manifest segment: %w: %w", ErrDamagedManifest, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open manifest segment: %w", err)
	}
	r := &segmentReader{f: f, name: seg.Object}
	if err := r.open(); err != nil {
		f.Close()
		return nil, fmt.Errorf("manifest segment %s: %w", seg.Object, err)
	}
	return r, nil
}

func (r *segmentReader) open() (err error) {
	if r.dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30)); err != nil {
		return err
	}
	info, err := r.f.Stat()
	if err != nil {
		return err
	}
	magic, tail := make([]byte, len(segmentMagic)), make([]byte, 8)
	if _, err := r.f.ReadAt(magic, 0); err != nil {
		return ErrDamagedManifest
	}
	if err := checkMagic(string(magic)); err != nil {
		return err
	}
	if _, err := r.f.ReadAt(tail, info.Size()-8); err != nil {
		return ErrDamagedManifest
	}
	at := int64(binary.BigEndian.Uint64(tail))
	if at < int64(len(segmentMagic)) || at > info.Size()-8 {
		return ErrDamagedManifest
	}
	if r.index, err = readIndex(io.NewSectionReader(r.f, at, info.Size()-8-at)); err != nil {
		return ErrDamagedManifest
	}
	r.golds, err = readGolds(r.index.Golds)
	return err
}

// checkMagic tells a segment of a later repotool from a damaged one.
func checkMagic(magic string) error {
	rest, ok := strings.CutPrefix(magic, segmentName)
	version, err := strconv.Atoi(strings.TrimSuffix(rest, "\n"))
	if ok && err == nil && version >= 1 && version <= Version && len(magic) == len(segmentMagic) {
		return nil
	}
	if ok && err == nil && version > Version {
		return fmt.Errorf("version %d or later, this repotool knows %d: %w", version, Version, store.ErrNewerFormat)
	}
	return ErrDamagedManifest
}

func (r *segmentReader) close() { r.f.Close(); r.dec.Close() }

// skipTo makes next return the first entry at or behind path, or one before
// it in the same block: whole blocks are passed over unread.
func (r *segmentReader) skipTo(path string) {
	i, found := slices.BinarySearchFunc(r.index.Blocks, path, func(b blockIndex, p string) int {
		return fossology.ComparePaths(b.First, p)
	})
	if !found {
		i--
	}
	if i >= r.block {
		r.block, r.rows = i, nil
	}
}

// next reads the next entry into e. io.EOF ends the segment.
func (r *segmentReader) next(e *Entry) error {
	for len(r.rows) == 0 {
		if r.block >= len(r.index.Blocks) {
			return io.EOF
		}
		b := r.index.Blocks[r.block]
		r.block++
		if b.Length < 0 || b.Length > maxBlock {
			return fmt.Errorf("manifest segment %s: %w", r.name, ErrDamagedManifest)
		}
		r.frame = slices.Grow(r.frame[:0], b.Length)[:b.Length]
		if _, err := r.f.ReadAt(r.frame, b.Offset); err != nil {
			// Not wrapped: io.EOF would be taken for the end of the segment.
			return fmt.Errorf("manifest segment %s: %w: %v", r.name, ErrDamagedManifest, err)
		}
		rows, err := r.dec.DecodeAll(r.frame, r.raw[:0])
		if err != nil {
			return fmt.Errorf("manifest segment %s: %w: %w", r.name, ErrDamagedManifest, err)
		}
		r.raw, r.rows, r.state = rows, rows, rowState{golds: r.golds}
	}
	rest, err := r.state.readRow(r.rows, e, r.index.Depth)
	if err != nil {
		return fmt.Errorf("manifest segment %s: %w", r.name, err)
	}
	r.rows = rest
	return nil
}
