package goldindex

import (
	"bytes"
	"container/heap"
)

// A cursor goes through the rows of several segments, in order.
type cursor struct{ heads heads }

// heads are a heap: the first one has the next row. A first index leaves many segments until
// it has ended.
type heads []*head

type head struct {
	s    *segment
	at   int    // among the segments: of rows with one key, those of the first come first
	page int    // the next one
	buf  []byte // of the present one
	rest []byte
}

func (h heads) Len() int      { return len(h) }
func (h heads) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h heads) Less(i, j int) bool {
	order := bytes.Compare(h[i].rest[:keySize], h[j].rest[:keySize])
	return order < 0 || order == 0 && h[i].at < h[j].at
}
func (h *heads) Push(x any) { *h = append(*h, x.(*head)) }
func (h *heads) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

func newCursor(of []*segment) (*cursor, error) {
	c := &cursor{}
	for i, s := range of {
		h := &head{s: s, at: i}
		if err := h.fill(); err != nil {
			return nil, err
		}
		if len(h.rest) > 0 {
			c.heads = append(c.heads, h)
		}
	}
	heap.Init(&c.heads)
	return c, nil
}

// fill reads the next page when the present one is through.
func (h *head) fill() (err error) {
	if len(h.rest) > 0 || h.page >= len(h.s.fences) {
		return nil
	}
	h.buf, err = h.s.page(h.page, h.buf)
	h.rest = h.buf
	h.page++
	return err
}

// peek returns the next row and whose it is; nil at the end.
func (c *cursor) peek() (row []byte, of *head) {
	if len(c.heads) == 0 {
		return nil, nil
	}
	of = c.heads[0]
	return of.rest[:of.s.width], of
}

// pass goes behind the row that peek returned, which is no longer valid.
func (c *cursor) pass(of *head) error {
	of.rest = of.rest[of.s.width:]
	if err := of.fill(); err != nil {
		return err
	}
	if len(of.rest) == 0 {
		heap.Pop(&c.heads)
	} else {
		heap.Fix(&c.heads, 0)
	}
	return nil
}
