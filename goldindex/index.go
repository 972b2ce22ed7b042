package goldindex

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// batchRows is how many rows are sorted in memory before they become a segment,
// some 8 MB. A gold is never split, so that one segment says all about it.
const batchRows = 1 << 17

// index makes segments of the records that no segment speaks of: new ones, or all if
// the segments are lost. A record that is damaged goes, and is counted.
func (l *Ledger) index(ctx context.Context) (lost int, err error) {
	covered := map[segmentGold]bool{}
	for _, s := range l.set.made {
		for _, g := range s.golds {
			covered[g] = true
		}
	}
	batch, golds := &rows{width: madeWidth}, []segmentGold(nil)
	flush := func() error {
		err := l.publish(madeFamily, batch, golds)
		batch.b, golds = batch.b[:0], nil
		return errors.Join(err, l.merge(ctx, madeFamily))
	}
	for _, e := range l.entries() {
		if err := ctx.Err(); err != nil {
			return lost, err
		}
		g := segmentGold{e.gold, e.sum}
		if !e.isPresent(l) || covered[g] {
			continue
		}
		h, err := l.read(e, nil)
		if err == nil && h.Cost.Files > int64(batchRows-batch.Len()) {
			if err := flush(); err != nil {
				return lost, err
			}
		}
		before := len(batch.b)
		switch {
		case err != nil:
		case h.Cost.Files > batchRows:
			err = l.large(e, batch, h.Cost.Files, batchRows)
			batch.b = batch.b[:0]
		default:
			_, err = l.read(e, func(r *Row) error { return batch.made(r, len(golds)) })
			golds = append(golds, g)
		}
		if err != nil {
			if batch.b = batch.b[:before]; len(golds) > 0 && golds[len(golds)-1] == g {
				golds = golds[:len(golds)-1]
			}
			if err := l.lose(e, err, &lost); err != nil {
				return lost, err
			}
		}
		if batch.Len() >= batchRows {
			if err := flush(); err != nil {
				return lost, err
			}
		}
	}
	return lost, flush()
}

// made appends the row that says which gold makes a content.
func (r *rows) made(x *Row, gold int) error {
	if !x.Held {
		return nil
	}
	if gold > math.MaxUint32 {
		return fmt.Errorf("index: more golds than a segment can number")
	}
	r.b = appendKey(r.b, x.Of)
	r.b = append(r.b, byte(gold>>24), byte(gold>>16), byte(gold>>8), byte(gold))
	r.b = append(r.b, x.BLAKE3[:madeWidth-keySize-4]...)
	return nil
}
