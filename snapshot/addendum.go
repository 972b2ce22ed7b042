package snapshot

import "context"

// An addendum is a segment of changes that no scan has made.
type addendum struct {
	t *taker
	w *segmentWriter // nil: nothing has changed
}

func (t *taker) addendum() *addendum { return &addendum{t: t} }

// change takes a change up; before is nil if there was nothing.
func (a *addendum) change(before, now *Entry) (err error) {
	if a.w == nil {
		if a.w, err = newSegmentWriter(a.t.Store, a.t.Depth); err != nil {
			return err
		}
	}
	m := a.t.manifest
	typ := typeOf(now.Path)
	t := m.Totals[typ]
	for sign, e := range map[int64]*Entry{-1: before, 1: now} {
		if e == nil || e.Kind != File {
			continue
		}
		t.Files += sign
		t.Bytes += sign * e.Size
		if e.LeftOut() {
			m.LeftOut.Files += sign
			m.LeftOut.Bytes += sign * e.Size
		}
		if e.Gone {
			m.Gone.Files += sign
			m.Gone.Bytes += sign * e.Size
		}
	}
	m.Totals[typ] = t
	return a.w.add(now)
}

func (a *addendum) close(ctx context.Context) error {
	if a.w == nil {
		return nil
	}
	seg, err := a.w.close()
	if err != nil {
		return err
	}
	m := a.t.manifest
	segments := append(append([]Segment(nil), m.Segments...), seg)
	m.Segments, err = compact(ctx, a.t.Store, a.t.Depth, segments)
	return err
}

func (a *addendum) discard() {
	if a.w != nil {
		a.w.discard()
	}
}
