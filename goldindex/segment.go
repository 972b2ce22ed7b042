package goldindex

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"

	"repotool/fossology"
)

// Format of a segment (version 1): rows of one width, sorted, each key once.
//
//	magic   "repotool ledger segment 1\n"
//	pages   each 64 rows (the last one fewer), CRC-32C of them
//	fences  the first 8 bytes of each page's first key
//	tail    a zstd frame of JSON: segmentTail
//	end     8 bytes: offset of the fences, 8: offset of the tail, CRC-32C of fences, tail and these
//
// The fences are in memory while it is open, 8 bytes for 64 rows, so that a lookup
// reads one page.
const (
	segmentName  = "repotool ledger segment "
	segmentMagic = segmentName + "1\n"
	pageRows     = 64
	crcSize      = 4
	fenceSize    = 8
	endSize      = 8 + 8 + crcSize
	maxTail      = 256 << 20 // bytes of the JSON: a million golds have half of it
)

// Widths of rows behind the key. A made row says which gold makes a content: its
// number in the segment's list, and the first half of the BLAKE3, which is enough to
// compare. A read row holds the BLAKE3 of what stands in files.
const (
	madeWidth = keySize + 4 + 16
	readWidth = keySize + 32
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A segmentGold is a gold that a segment has rows of.
type segmentGold struct {
	name fossology.Name
	sum  uint64 // of its record
}

type segmentTail struct {
	Width int      `json:"width"`
	Rows  int64    `json:"rows"`
	Golds []string `json:"golds,omitempty"` // Name.checksum of the record
}

// A segment is an open one.
type segment struct {
	f      *os.File
	name   string // its file's
	width  int
	rows   int64
	golds  []segmentGold
	fences []uint64
	size   int64
}

// openSegment opens a segment and checks all of it but the pages, which are checked
// when they are read.
func openSegment(path, name string, width int) (s *segment, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s = &segment{f: f, name: name, width: width}
	defer func() {
		if err != nil {
			f.Close()
			err = fmt.Errorf("segment %s: %w", name, err)
		}
	}()
	return s, s.open()
}

func (s *segment) open() error {
	info, err := s.f.Stat()
	if err != nil {
		return err
	}
	s.size = info.Size()
	head, end := make([]byte, len(segmentMagic)), make([]byte, endSize)
	if _, err := s.f.ReadAt(head, 0); err != nil {
		return damaged("%d bytes", uint64(s.size), nil)
	}
	if err := checkMagic(string(head), segmentName, segmentMagic); err != nil {
		return err
	}
	if _, err := s.f.ReadAt(end, s.size-endSize); err != nil {
		return damaged("%d bytes", uint64(s.size), nil)
	}
	fences, tail := int64(binary.BigEndian.Uint64(end)), int64(binary.BigEndian.Uint64(end[8:]))
	if fences < int64(len(segmentMagic)) || tail < fences || tail > s.size-endSize || (tail-fences)%fenceSize != 0 {
		return damaged("fences at %d", uint64(fences), nil)
	}
	b := make([]byte, s.size-crcSize-fences)
	if _, err := s.f.ReadAt(b, fences); err != nil {
		return damaged("fences at %d", uint64(fences), err)
	}
	if crc32.Checksum(b, castagnoli) != binary.BigEndian.Uint32(end[16:]) {
		return damaged("fences at %d, which have another checksum", uint64(fences), nil)
	}
	for at := int64(0); at < tail-fences; at += fenceSize {
		s.fences = append(s.fences, binary.BigEndian.Uint64(b[at:]))
	}
	return s.readTail(b[tail-fences:int64(len(b))-16], fences)
}

func (s *segment) readTail(b []byte, fences int64) error {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxTail))
	if err != nil {
		return err
	}
	defer z.Close()
	var t segmentTail
	j, err := z.DecodeAll(b, nil)
	if err != nil || json.Unmarshal(j, &t) != nil || t.Width != s.width || t.Rows < 0 {
		return damaged("a tail of %d bytes", uint64(len(b)), err)
	}
	pages := (t.Rows + pageRows - 1) / pageRows
	if int64(len(s.fences)) != pages || fences != int64(len(segmentMagic))+t.Rows*int64(s.width)+pages*crcSize {
		return damaged("%d rows", uint64(t.Rows), nil)
	}
	s.rows = t.Rows
	for _, g := range t.Golds {
		e, ok := parseEntry(g)
		if !ok {
			return damaged("%d golds, one of them without a name", uint64(len(t.Golds)), nil)
		}
		s.golds = append(s.golds, segmentGold{e.gold, e.sum})
	}
	return nil
}

// pages are buffers for lookups.
var pages = sync.Pool{New: func() any { return new([]byte) }}

// page reads a page into b, which it makes if need be.
func (s *segment) page(i int, b []byte) ([]byte, error) {
	rows := min(pageRows, int(s.rows-int64(i)*pageRows))
	b = slices.Grow(b[:0], pageRows*s.width+crcSize)[:rows*s.width+crcSize]
	at := int64(len(segmentMagic)) + int64(i)*int64(pageRows*s.width+crcSize)
	if _, err := s.f.ReadAt(b, at); err != nil && err != io.EOF {
		return nil, fmt.Errorf("read segment %s: %w", s.name, err)
	}
	body := b[:rows*s.width]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(b[len(body):]) {
		return nil, fmt.Errorf("segment %s: %w", s.name, damaged("page %d, which has another checksum", uint64(i), nil))
	}
	return body, nil
}

// from calls each for the rows whose keys are not below a key, in order, until it
// says that there is enough.
func (s *segment) from(key []byte, each func(row []byte) bool) error {
	var wide [fenceSize]byte
	copy(wide[:], key)
	fence := binary.BigEndian.Uint64(wide[:])
	first, _ := slices.BinarySearch(s.fences, fence)
	b := pages.Get().(*[]byte)
	defer pages.Put(b)
	for i := max(first-1, 0); i < len(s.fences); i++ {
		body, err := s.page(i, *b)
		if err != nil {
			return err
		}
		*b = body
		for at := 0; at < len(body); at += s.width {
			row := body[at : at+s.width]
			if bytes.Compare(row[:min(keySize, len(key))], key) >= 0 && !each(row) {
				return nil
			}
		}
	}
	return nil
}
