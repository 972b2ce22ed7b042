package unpack

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// The library keeps the whole directory of a zip in memory, in several times its
// bytes. So a large one is given to it in pieces, each as the directory of a zip of
// its own that has the same content.

const (
	// zipPiece is how many members of a large directory are in memory at once.
	zipPiece = 1024
	// zipLarge is from which size on a directory is cut in pieces.
	zipLarge = 256 << 10

	zipEntryFixed = 46 // bytes of an entry in front of its name
	zipEndFixed   = 22 // bytes of the end record in front of its comment
	zipEnd64Fixed = 56
	zipLocator    = 20
	zipMaxComment = 1<<16 - 1
)

var errZipMany = errors.New("zip: more members than can be listed")

// A zipEnd is what the end of a zip says of its directory.
type zipEnd struct {
	records, size, offset uint64
	base                  int64 // where the offsets in the directory count from
}

// endOfZip reads it, as the library does.
func endOfZip(r io.ReaderAt, size int64) (e zipEnd, ok bool) {
	tail := make([]byte, min(size, zipEndFixed+zipMaxComment))
	if n, _ := r.ReadAt(tail, size-int64(len(tail))); n < len(tail) {
		return e, false
	}
	i := len(tail) - zipEndFixed
	for ; i >= 0; i-- {
		if string(tail[i:i+4]) == "PK\x05\x06" && i+zipEndFixed+int(binary.LittleEndian.Uint16(tail[i+20:])) <= len(tail) {
			break
		}
	}
	if i < 0 {
		return e, false
	}
	b := tail[i:]
	e.records, e.size = uint64(binary.LittleEndian.Uint16(b[10:])), uint64(binary.LittleEndian.Uint32(b[12:]))
	e.offset = uint64(binary.LittleEndian.Uint32(b[16:]))
	end := size - int64(len(tail)) + int64(i)
	if e.records == 0xffff || e.size == 0xffff || e.offset == 0xffffffff {
		if at, ok := e.large(r, end); ok {
			end = at
		}
	}
	e.base = end - int64(e.size) - int64(e.offset)
	at := e.base + int64(e.offset)
	if e.size > 1<<62 || e.offset > 1<<62 || at < 0 || at >= size {
		return e, false
	}
	if first := make([]byte, 4); e.base > 0 { // it may lie
		if _, err := r.ReadAt(first, int64(e.offset)); err == nil && string(first) == "PK\x01\x02" {
			e.base = 0
		}
	}
	return e, true
}

// large reads the end record of zip64, and says where it is.
func (e *zipEnd) large(r io.ReaderAt, end int64) (at int64, ok bool) {
	b := make([]byte, zipEnd64Fixed)
	if n, _ := r.ReadAt(b[:zipLocator], max(0, end-zipLocator)); n < zipLocator || string(b[:4]) != "PK\x06\x07" {
		return 0, false
	}
	at = int64(binary.LittleEndian.Uint64(b[8:]))
	if n, _ := r.ReadAt(b, max(0, at)); at < 0 || n < zipEnd64Fixed || string(b[:4]) != "PK\x06\x06" {
		return 0, false
	}
	e.records, e.size, e.offset = binary.LittleEndian.Uint64(b[32:]), binary.LittleEndian.Uint64(b[40:]), binary.LittleEndian.Uint64(b[48:])
	return at, true
}

// A zipPart is the zip as the library sees it: what it holds, from base on, and one
// piece of its directory behind it.
type zipPart struct {
	r         io.ReaderAt
	base, end int64
	tail      []byte
}

// ReadAt implements [io.ReaderAt].
func (p *zipPart) ReadAt(b []byte, off int64) (int, error) {
	if off >= p.end {
		return bytes.NewReader(p.tail).ReadAt(b, off-p.end)
	}
	if off+p.base < 0 {
		return 0, zip.ErrFormat
	}
	here := min(int64(len(b)), p.end-off)
	n, err := p.r.ReadAt(b[:here], off+p.base)
	if int64(n) < here || here == int64(len(b)) {
		return n, err
	}
	more, err := p.ReadAt(b[n:], p.end)
	return n + more, err
}

// files reads one piece of a directory with the library.
func (p *zipPart) files(directory []byte, records int) ([]*zip.File, error) {
	u64, u32 := binary.LittleEndian.AppendUint64, binary.LittleEndian.AppendUint32
	n := uint64(len(directory))
	b := append(append(make([]byte, 0, n+zipEnd64Fixed+zipLocator+zipEndFixed), directory...), "PK\x06\x06"...)
	b = append(u64(b, zipEnd64Fixed-12), 45, 0, 45, 0)
	b = u64(u64(u32(u32(b, 0), 0), uint64(records)), uint64(records))
	b = u64(u64(b, n), uint64(p.end))
	b = u32(u64(u32(append(b, "PK\x06\x07"...), 0), uint64(p.end)+n), 1)
	b = append(append(b, "PK\x05\x06\x00\x00\x00\x00"...), bytes.Repeat([]byte{0xff}, 12)...)
	p.tail = append(b, 0, 0)
	z, err := zip.NewReader(p, p.end+int64(len(p.tail)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, err
	}
	return z.File, nil
}

// pieces calls f for the members of a large directory, a piece at a time.
func (e zipEnd) pieces(r io.ReaderAt, size int64, f func([]*zip.File) error) error {
	at := e.base + int64(e.offset)
	in := bufio.NewReaderSize(io.NewSectionReader(r, at, size-at), 64<<10)
	var piece []byte
	all, n, records := 0, 0, uint64(0)
	give := func() error {
		files, err := (&zipPart{r: r, base: e.base, end: size - e.base}).files(piece, n)
		if err == nil && n > 0 {
			err = f(files)
		}
		piece, n = piece[:0], 0
		return err
	}
	for {
		head, err := in.Peek(zipEntryFixed)
		if err != nil || string(head[:4]) != "PK\x01\x02" {
			break
		}
		length := zipEntryFixed
		for _, i := range []int{28, 30, 32} { // name, extra, comment
			length += int(binary.LittleEndian.Uint16(head[i:]))
		}
		if all += length; all > maxZipDirectory {
			return errZipMany
		}
		begin := len(piece)
		piece = append(piece, make([]byte, length)...)
		if _, err := io.ReadFull(in, piece[begin:]); err != nil {
			piece = piece[:begin]
			break
		}
		records++
		if n++; n == zipPiece {
			if err := give(); err != nil {
				return err
			}
		}
	}
	if uint16(records) != uint16(e.records) {
		return zip.ErrFormat // as the library has it
	}
	return give()
}

// manyMembers opens a zip whose directory is large. All of it is read before the first
// member comes out: of a zip that is damaged there, nothing does.
func (e zipEnd) manyMembers(a *archive, r io.ReaderAt, size int64) error {
	if err := e.pieces(r, size, func([]*zip.File) error { return a.stop() }); err != nil {
		return err
	}
	return e.pieces(r, size, func(files []*zip.File) error {
		for _, f := range files {
			if err := zipMember(a, f); err != nil {
				return err
			}
		}
		return nil
	})
}
