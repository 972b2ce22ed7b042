package goldindex

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"

	"repotool/fossology"
)

// Proof returns the golds of which each makes a content that is confirmed, and its
// BLAKE3. There are none if it is not confirmed.
func (l *Ledger) Proof(n fossology.Name) (sum [32]byte, golds []fossology.Name, err error) {
	return l.Proofs().Proof(n)
}

// Proofs answers the same for many contents, soonest if they come in the order of their
// Names: then each page of the segments is read once. It belongs to one goroutine.
type Proofs struct {
	l          *Ledger
	made, read []*pageReader
	key        []byte
}

// Proofs makes one; it is of no use any more when the ledger is updated or closed.
func (l *Ledger) Proofs() *Proofs {
	p := &Proofs{l: l}
	for _, s := range l.set.made {
		p.made = append(p.made, &pageReader{s: s, at: -1})
	}
	for _, s := range l.set.read {
		p.read = append(p.read, &pageReader{s: s, at: -1})
	}
	return p
}

// Proof is [Ledger.Proof].
func (p *Proofs) Proof(n fossology.Name) (sum [32]byte, golds []fossology.Name, err error) {
	p.key = appendKey(p.key[:0], n)
	known := false
	for _, r := range p.read {
		err := r.with(p.key, func(row []byte) bool {
			copy(sum[:], row[keySize:])
			known = true
			return false
		})
		if err != nil {
			return sum, nil, err
		}
		if known {
			break
		}
	}
	if !known {
		return sum, nil, nil
	}
	var makers distinct[fossology.Name]
	for _, r := range p.made {
		err := r.with(p.key, func(row []byte) bool {
			m, ok := p.l.maker(r.s, row)
			if ok && m.half == [16]byte(sum[:16]) {
				makers.add(m.gold)
			}
			return true
		})
		if err != nil {
			return sum, nil, err
		}
	}
	return sum, makers.list, nil
}

// A pageReader keeps the last page that was read of a segment.
type pageReader struct {
	s    *segment
	at   int // -1: none
	body []byte
	buf  []byte
}

func (r *pageReader) page(i int) (err error) {
	if r.at == i {
		return nil
	}
	r.at = -1
	if r.body, err = r.s.page(i, r.buf); err != nil {
		return err
	}
	r.at, r.buf = i, r.body
	return nil
}

// with calls each for the rows of a key, until it says that there is enough.
func (r *pageReader) with(key []byte, each func(row []byte) bool) error {
	first, _ := slices.BinarySearch(r.s.fences, binary.BigEndian.Uint64(key))
	width := r.s.width
	for i := max(first-1, 0); i < len(r.s.fences); i++ {
		if err := r.page(i); err != nil {
			return err
		}
		rows := len(r.body) / width
		at := sort.Search(rows, func(k int) bool { return bytes.Compare(r.body[k*width:k*width+keySize], key) >= 0 })
		for ; at < rows; at++ {
			row := r.body[at*width : (at+1)*width]
			if !bytes.Equal(row[:keySize], key) || !each(row) {
				return nil
			}
		}
	}
	return nil
}

// Upload is the file name with which a gold was unpacked: that of its upload.
func (l *Ledger) Upload(gold fossology.Name) (string, error) {
	h, err := l.header(gold)
	if err != nil {
		return "", fmt.Errorf("look up gold %s: %w", gold, err)
	}
	return h.Upload, nil
}
