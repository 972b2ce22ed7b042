package snapshot

import (
	"context"

	"repotool/store"
)

// compact merges the newest segments while they are not much smaller than
// their elder, as a log-structured tree does. A snapshot then reads few
// segments, and an entry is written again a logarithmic number of times.
func compact(ctx context.Context, st *store.Store, depth int, segments []Segment) ([]Segment, error) {
	for len(segments) > 1 {
		last, elder := segments[len(segments)-1], segments[len(segments)-2]
		if elder.Entries > 2*last.Entries {
			break
		}
		merged, err := mergeSegments(ctx, st, depth, segments[len(segments)-2:], len(segments) > 2)
		if err != nil {
			return nil, err
		}
		segments = append(segments[:len(segments)-2:len(segments)-2], merged)
	}
	return segments, nil
}

// mergeSegments writes several segments as one. Removals are kept as long as
// there is an elder segment that they speak of.
func mergeSegments(ctx context.Context, st *store.Store, depth int, segments []Segment, keepRemoved bool) (Segment, error) {
	c, err := openCursor(st, segments)
	if err != nil {
		return Segment{}, err
	}
	defer c.close()
	c.removed = keepRemoved
	w, err := newSegmentWriter(st, depth)
	if err != nil {
		return Segment{}, err
	}
	defer w.discard()
	for {
		e, err := c.peek()
		if err != nil {
			return Segment{}, err
		}
		if e == nil {
			return w.close()
		}
		if err := w.add(e); err != nil {
			return Segment{}, err
		}
		if err := c.pass(); err != nil {
			return Segment{}, err
		}
		if err := ctx.Err(); err != nil {
			return Segment{}, err
		}
	}
}
