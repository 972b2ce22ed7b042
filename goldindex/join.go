package goldindex

import (
	"bytes"
	"iter"

	"repotool/fossology"
)

// A join goes through the segments beside something that is in the order of Names.
type join struct {
	l     *Ledger
	made  *cursor
	read  *cursor
	key   []byte
	halfs []byte
	sum   [32]byte
	sums  bool
	golds []maker
}

func (l *Ledger) join() (*join, error) {
	made, err := newCursor(l.set.made)
	if err != nil {
		return nil, err
	}
	read, err := newCursor(l.set.read)
	return &join{l: l, made: made, read: read}, err
}

// at goes on to a file and returns what golds make of its Name (halves of BLAKE3),
// and what was read there; nil: nothing. Both are valid until the next call.
func (j *join) at(f found) (makers []byte, read *[32]byte, err error) {
	j.key = appendKey(j.key[:0], f.name)
	j.halfs, j.golds, j.sums = j.halfs[:0], j.golds[:0], false
	err = j.made.through(j.key, func(row []byte, s *segment) {
		if m, ok := j.l.maker(s, row); ok {
			j.golds = append(j.golds, m)
			j.halfs = append(j.halfs, m.half[:]...)
		}
	})
	if err == nil {
		err = j.read.through(j.key, func(row []byte, _ *segment) {
			j.sum, j.sums = [32]byte(row[keySize:]), true
		})
	}
	if !j.sums {
		return j.halfs, nil, err
	}
	return j.halfs, &j.sum, err
}

// through passes all rows up to a key and calls each for those that have it.
func (c *cursor) through(key []byte, each func(row []byte, s *segment)) error {
	for {
		row, h := c.peek()
		if row == nil {
			return nil
		}
		order := bytes.Compare(row[:keySize], key)
		if order > 0 {
			return nil
		}
		if order == 0 {
			each(row, h.s)
		}
		if err := c.pass(h); err != nil {
			return err
		}
	}
}

// A content is one that a gold makes.
type content struct {
	name fossology.Name
	read bool // a file of it was read and compared
}

// made yields the contents that golds make, in the order of their Names, from the segments
// alone.
func (l *Ledger) made() iter.Seq2[content, error] {
	return func(yield func(content, error) bool) {
		j, err := l.join()
		for err == nil {
			row, _ := j.made.peek()
			if row == nil {
				return
			}
			n := keyName(row)
			var makers []byte
			var read *[32]byte
			if makers, read, err = j.at(found{name: n}); err == nil && len(makers) > 0 && !yield(content{n, read != nil}, nil) {
				return
			}
		}
		yield(content{}, err)
	}
}
