package goldindex

import (
	"encoding/binary"
	"errors"
	"slices"
	"sort"
)

// large makes the segment of one gold of more rows than memory should hold. Its
// record is read several times, each time for a further part of the keys, which
// spread evenly: so the rows come in order, some at a time.
func (l *Ledger) large(e entry, batch *rows, files int64, some int) error {
	w, err := l.newSegment(madeWidth)
	if err != nil {
		return err
	}
	passes := uint64(files)*2/uint64(some) + 1
	for pass := range passes {
		batch.b = batch.b[:0]
		_, err := l.read(e, func(r *Row) error {
			if uint64(binary.BigEndian.Uint32(r.Of.SHA1[:]))*passes>>32 != pass {
				return nil
			}
			if batch.Len() >= some { // the same content again and again
				batch.compact()
			}
			return batch.made(r, 0)
		})
		if err != nil {
			w.f.discard()
			return err
		}
		if err := batch.write(w); err != nil {
			return err // which has discarded it
		}
	}
	if w.rows == 0 {
		w.f.discard()
		return nil
	}
	return l.take(madeFamily, w, []segmentGold{{e.gold, e.sum}})
}

// compact drops rows that are there more than once.
func (r *rows) compact() {
	sort.Sort(r)
	n := 0
	for i := range r.Len() {
		if n == 0 || !slices.Equal(r.row(i), r.row(n-1)) {
			copy(r.row(n), r.row(i))
			n++
		}
	}
	r.b = r.b[:n*r.width]
}

// lose forgets a gold whose record is damaged: it is unpacked anew.
func (l *Ledger) lose(e entry, err error, lost *int) error {
	if !errors.Is(err, ErrDamaged) {
		return err
	}
	*lost++
	return l.forget(e.gold)
}
