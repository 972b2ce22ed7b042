package snapshot

import (
	"context"
	"errors"
	"io"
	"iter"

	"repotool/fossology"
	"repotool/store"
)

// A cursor goes forward through the entries that a list of segments amounts
// to: the newest segment that speaks of a path is right, and a removed path
// is not shown. Memory: one block for each segment.
type cursor struct {
	readers []*segmentReader // oldest first
	heads   []Entry
	live    []bool
	removed bool // show removed entries, for merging differences
}

// openCursor opens all segments at their beginning.
func openCursor(st *store.Store, segments []Segment) (*cursor, error) {
	c := &cursor{heads: make([]Entry, len(segments)), live: make([]bool, len(segments))}
	for _, seg := range segments {
		r, err := openSegment(st, seg)
		if err != nil {
			c.close()
			return nil, err
		}
		c.readers = append(c.readers, r)
	}
	for i := range c.readers {
		if err := c.pull(i); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

func (c *cursor) close() {
	for _, r := range c.readers {
		r.close()
	}
}

func (c *cursor) pull(i int) error {
	err := c.readers[i].next(&c.heads[i])
	c.live[i] = err == nil
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// peek returns the next entry without passing it; nil at the end. It is valid
// until the next call of pass or seek.
func (c *cursor) peek() (*Entry, error) {
	for {
		best := -1
		for i := range c.heads {
			if !c.live[i] {
				continue
			}
			if best < 0 || fossology.ComparePaths(c.heads[i].Path, c.heads[best].Path) <= 0 {
				best = i
			}
		}
		if best < 0 {
			return nil, nil
		}
		if c.heads[best].Kind != removed || c.removed {
			return &c.heads[best], nil
		}
		if err := c.pass(); err != nil {
			return nil, err
		}
	}
}

// pass goes behind the smallest path.
func (c *cursor) pass() error {
	first := -1
	for i := range c.heads {
		if c.live[i] && (first < 0 || fossology.ComparePaths(c.heads[i].Path, c.heads[first].Path) < 0) {
			first = i
		}
	}
	if first < 0 {
		return nil
	}
	path := c.heads[first].Path
	for i := range c.heads {
		if c.live[i] && c.heads[i].Path == path {
			if err := c.pull(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// seek goes forward to the first entry at or behind path.
func (c *cursor) seek(path string) error {
	for i, r := range c.readers {
		if !c.live[i] || fossology.ComparePaths(c.heads[i].Path, path) >= 0 {
			continue
		}
		r.skipTo(path)
		for c.live[i] && fossology.ComparePaths(c.heads[i].Path, path) < 0 {
			if err := c.pull(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// entries yields everything at and below prefix ("" for all).
func entries(ctx context.Context, st *store.Store, segments []Segment, prefix string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		c, err := openCursor(st, segments)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		defer c.close()
		if prefix != "" {
			err = c.seek(prefix)
		}
		for n := 0; err == nil; n++ {
			var e *Entry
			if e, err = c.peek(); err != nil || e == nil || !fossology.Within(e.Path, prefix) {
				break
			}
			if n%1024 == 0 && ctx.Err() != nil {
				err = ctx.Err()
				break
			}
			if !yield(*e, nil) {
				return
			}
			err = c.pass()
		}
		if err != nil {
			yield(Entry{}, err)
		}
	}
}
