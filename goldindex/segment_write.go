package goldindex

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"sort"

	"github.com/klauspost/compress/zstd"
)

// A segmentWriter writes rows, which must come in order, into a new file.
type segmentWriter struct {
	f      *newFile
	width  int
	page   []byte
	rows   int64
	last   []byte
	fences []byte
}

func (l *Ledger) newSegment(width int) (*segmentWriter, error) {
	f, err := l.create()
	if err != nil {
		return nil, err
	}
	_, err = f.Write([]byte(segmentMagic))
	return &segmentWriter{f: f, width: width}, err
}

// add appends a row.
func (w *segmentWriter) add(row []byte) error {
	if bytes.Compare(w.last, row) > 0 {
		return fmt.Errorf("write segment: row %x does not follow %x", row[:keySize], w.last[:keySize])
	}
	w.last = append(w.last[:0], row...)
	if len(w.page) == 0 {
		w.fences = append(w.fences, row[:fenceSize]...)
	}
	w.page = append(w.page, row...)
	w.rows++
	if len(w.page) == pageRows*w.width {
		return w.flush()
	}
	return nil
}

func (w *segmentWriter) flush() error {
	if len(w.page) == 0 {
		return nil
	}
	w.page = binary.BigEndian.AppendUint32(w.page, crc32.Checksum(w.page, castagnoli))
	_, err := w.f.Write(w.page)
	w.page = w.page[:0]
	return err
}

// finish completes the segment under a name.
func (w *segmentWriter) finish(path string, golds []segmentGold) (err error) {
	defer func() {
		if err != nil {
			w.f.discard()
		}
	}()
	if err := w.flush(); err != nil {
		return err
	}
	t := segmentTail{Width: w.width, Rows: w.rows}
	for _, g := range golds {
		t.Golds = append(t.Golds, entry{gold: g.name, kind: Unpacked, sum: g.sum}.file())
	}
	j, err := json.Marshal(t)
	if err != nil {
		return err
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	fences := w.f.n
	b := z.EncodeAll(j, w.fences)
	b = binary.BigEndian.AppendUint64(b, uint64(fences))
	b = binary.BigEndian.AppendUint64(b, uint64(fences)+uint64(len(w.fences)))
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	if _, err := w.f.Write(b); err != nil {
		return err
	}
	return w.f.publish(path)
}

// rows sorts rows that lie one behind the other.
type rows struct {
	b     []byte
	width int
	spare []byte
}

func (r *rows) row(i int) []byte { return r.b[i*r.width : (i+1)*r.width] }
func (r *rows) Len() int         { return len(r.b) / r.width }
func (r *rows) Less(i, j int) bool {
	return bytes.Compare(r.row(i), r.row(j)) < 0
}
func (r *rows) Swap(i, j int) {
	r.spare = append(r.spare[:0], r.row(i)...)
	copy(r.row(i), r.row(j))
	copy(r.row(j), r.spare)
}

// write sorts the rows and writes each that differs from the one before.
func (r *rows) write(w *segmentWriter) error {
	sort.Sort(r)
	var last []byte
	for i := range r.Len() {
		if row := r.row(i); !bytes.Equal(row, last) {
			if err := w.add(row); err != nil {
				w.f.discard()
				return err
			}
			last = row
		}
	}
	return nil
}
