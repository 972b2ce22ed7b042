package goldindex

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
)

// publish makes rows and their golds a segment.
func (l *Ledger) publish(family string, r *rows, golds []segmentGold) error {
	if r.Len() == 0 {
		return nil
	}
	w, err := l.newSegment(r.width)
	if err != nil {
		return err
	}
	if err := r.write(w); err != nil {
		return err
	}
	return l.take(family, w, golds)
}

// take completes a segment and opens it.
func (l *Ledger) take(family string, w *segmentWriter, golds []segmentGold) error {
	name := fmt.Sprintf("%s-%d", family, l.set.next)
	path := filepath.Join(l.set.dir, name)
	if err := w.finish(path, golds); err != nil {
		return err
	}
	l.set.next++
	seg, err := openSegment(path, name, w.width)
	if err != nil {
		return err
	}
	l.set.add(family, seg)
	return nil
}

// merge drops segments that prove nothing any more, and merges those that are not
// much larger than all smaller ones together.
func (l *Ledger) merge(ctx context.Context, family string) error {
	of := l.set.family(family)
	if family == madeFamily {
		stale := slices.DeleteFunc(slices.Clone(*of), func(s *segment) bool { return slices.ContainsFunc(s.golds, l.proves) })
		if err := l.set.drop(family, stale); err != nil {
			return err
		}
	}
	first, below := len(*of), int64(0)
	for i := len(*of) - 1; i >= 0; i-- {
		if n := (*of)[i].rows; below > 0 && n < growth*below {
			first = i
		}
		below += (*of)[i].rows
	}
	some := slices.Clone((*of)[first:])
	if len(some) < 2 {
		return nil
	}
	w, err := l.newSegment(widthOf(family))
	if err != nil {
		return err
	}
	golds, err := l.mergeInto(ctx, w, family, some)
	if err != nil {
		w.f.discard()
		return err
	}
	if w.rows == 0 {
		w.f.discard()
	} else if err := l.take(family, w, golds); err != nil {
		return err
	}
	return l.set.drop(family, some)
}

// mergeInto writes the rows of segments into one, each once, without those of golds
// that prove nothing any more.
func (l *Ledger) mergeInto(ctx context.Context, w *segmentWriter, family string, of []*segment) (golds []segmentGold, err error) {
	numbers := l.renumber(of, &golds)
	c, err := newCursor(of)
	if err != nil {
		return nil, err
	}
	group := &rows{width: w.width} // rows of one key; the new numbers of golds change their order
	for n := 0; ; n++ {
		row, h := c.peek()
		if len(group.b) > 0 && (row == nil || !bytes.Equal(row[:keySize], group.b[:keySize])) {
			if err := group.merge(w); err != nil {
				return nil, err
			}
		}
		if row == nil {
			return golds, nil
		}
		if n%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		number := -1
		if family == madeFamily {
			number = numbers[h.s][madeGold(row)]
		}
		if family != madeFamily || number >= 0 {
			group.b = append(group.b, row...)
		}
		if number >= 0 {
			binary.BigEndian.PutUint32(group.b[len(group.b)-w.width+keySize:], uint32(number))
		}
		if err := c.pass(h); err != nil {
			return nil, err
		}
	}
}

// merge writes the rows of one key.
func (r *rows) merge(w *segmentWriter) error {
	var err error
	if r.Len() == 1 {
		err = w.add(r.b)
	} else {
		err = r.write(w)
	}
	r.b = r.b[:0]
	return err
}

// renumber lists the golds of segments that prove something, and says for each
// segment which number each of its golds has in the list; -1: none.
func (l *Ledger) renumber(of []*segment, golds *[]segmentGold) map[*segment][]int {
	known := map[segmentGold]int{}
	numbers := map[*segment][]int{}
	for _, s := range of {
		list := make([]int, max(len(s.golds), 1))
		for i := range list {
			list[i] = -1
		}
		for i, g := range s.golds {
			if !l.proves(g) {
				continue
			}
			n, ok := known[g]
			if !ok {
				n = len(*golds)
				known[g] = n
				*golds = append(*golds, g)
			}
			list[i] = n
		}
		numbers[s] = list
	}
	return numbers
}

// madeGold is the number of the gold of a made row.
func madeGold(row []byte) int { return int(binary.BigEndian.Uint32(row[keySize:])) }
