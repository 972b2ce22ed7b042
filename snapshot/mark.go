package snapshot

import (
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"

	"repotool/fossology"
	"repotool/store"
)

// Which objects are alive is asked of the manifests alone. A window holds the answer
// for one stretch of the hashes: the first eight bytes of each object that is needed,
// sorted. What it has no room for goes into a file in the meantime, in sorted runs, and
// comes back for the windows behind it: memory has a bound that the number of objects does
// not touch, and the manifests are read once.
//
// But garbage is collected when the disk is full. If the file cannot be written, the
// window gets narrower instead, and the manifests are read once more for what is behind it.
// That takes no room, and more time for each further eight million objects.
//
// Two objects with the same first eight bytes keep each other alive; with a hundred
// million objects that is to happen once in four thousand stores.
type window struct {
	from, to uint64 // both belong to it
	max      int    // entries of list
	list     []uint64
	narrow   int   // max without a file
	runs     *runs // nil: there is no file
	failed   error // why the file is of no use
	last     uint64
	broken   func(run int) error // for tests: why a run cannot be written
}

// windowMax are 8 MiB, and narrowMax 64 MiB, for then each window is another reading.
const (
	windowMax = 1 << 20
	narrowMax = 8 << 20
)

func prefix(h store.Hash) uint64 { return binary.BigEndian.Uint64(h[:]) }

// firstWindow is one over all hashes. most and narrow are how many objects it may hold, with
// a file and without.
func firstWindow(most, narrow int) *window {
	return &window{to: math.MaxUint64, max: max(2, most), narrow: max(2, narrow)}
}

// next moves the window on; false at the end.
func (w *window) next() bool {
	if w.to == math.MaxUint64 {
		return false
	}
	w.from, w.to, w.list = w.to+1, math.MaxUint64, w.list[:0]
	return true
}

func (w *window) close() {
	if w.runs != nil {
		w.runs.close()
		w.runs = nil
	}
}

func (w *window) covers(h store.Hash) bool { p := prefix(h); return w.from <= p && p <= w.to }

// add notes that an object is needed.
func (w *window) add(h store.Hash) {
	if !w.covers(h) {
		return
	}
	if w.list = append(w.list, prefix(h)); len(w.list) < w.max {
		return
	}
	w.sort()
	half := w.max / 2
	switch {
	case len(w.list) <= half: // there were many repetitions
	case w.runs != nil:
		w.spill()
	default:
		w.to = w.list[half-1]
		w.list = w.list[:half]
	}
}

func (w *window) sort() {
	slices.Sort(w.list)
	w.list = slices.Compact(w.list)
}

// has says whether an object that the window covers is needed. The window is sorted.
func (w *window) has(h store.Hash) bool {
	_, found := slices.BinarySearch(w.list, prefix(h))
	return found
}

// spill writes the list into the file.
func (w *window) spill() {
	if w.failed == nil && w.broken != nil {
		w.failed = w.broken(len(w.runs.ends))
	}
	if w.failed == nil {
		w.failed = w.runs.write(w.list)
	}
	w.list = w.list[:0]
}

// take fills the window from the file.
func (w *window) take() error {
	for len(w.list) < w.max {
		v, more, err := w.runs.next()
		if err != nil || !more {
			return err
		}
		if v != w.last || v == 0 {
			w.list = append(w.list, v)
		}
		w.last = v
	}
	w.to = w.last
	return nil
}

// fill fills the window with what the manifests need. The first one reads them.
func (w *window) fill(ctx context.Context, st *store.Store, manifests []*Manifest, progress *Progress) error {
	if w.runs != nil {
		return w.take()
	}
	if n := objectsOf(manifests); w.from == 0 && w.failed == nil && n > int64(w.max) {
		w.runs, w.failed = newRuns(st, n)
	}
	if w.failed != nil {
		w.max = w.narrow
	}
	for batch := range slices.Chunk(manifests, markBatch) {
		if err := markNeeded(ctx, st, batch, w.add); err != nil {
			return err
		}
		progress.Files.Add(int64(len(batch)))
	}
	w.sort()
	if w.runs == nil {
		return nil
	}
	if w.spill(); w.failed == nil {
		if err := w.runs.merge(); err != nil {
			return err
		}
		return w.take()
	}
	w.close()
	return w.fill(ctx, st, manifests, progress)
}

// objectsOf is how many objects some manifests need at most, but for those of databases,
// which are few.
func objectsOf(manifests []*Manifest) (n int64) {
	counted := map[store.Hash]bool{}
	for _, m := range manifests {
		for _, seg := range m.Segments {
			if !counted[seg.Object] {
				counted[seg.Object] = true
				n += seg.Entries
			}
		}
	}
	return n
}

// markBatch is how many manifests are read together. They share most of their segments,
// which are then read once; each has a block in memory.
const markBatch = 32

// markNeeded calls need for every object that one of the manifests needs.
func markNeeded(ctx context.Context, st *store.Store, manifests []*Manifest, need func(store.Hash)) error {
	m := &marking{lists: make([][]int, len(manifests))}
	defer m.close()
	at := map[store.Hash]int{}
	for i, manifest := range manifests {
		for _, seg := range manifest.Segments {
			n, known := at[seg.Object]
			if !known {
				r, err := openSegment(st, seg)
				if err != nil {
					return err
				}
				n = len(m.readers)
				at[seg.Object] = n
				m.readers = append(m.readers, r)
				need(seg.Object)
			}
			m.lists[i] = append(m.lists[i], n)
		}
		for _, object := range manifest.databaseFiles() {
			need(object)
		}
	}
	return m.run(ctx, need)
}

// marking goes through the segments of several manifests together, by path. What a
// segment says of a path counts if for one of the manifests no later one overrules it.
type marking struct {
	readers []*segmentReader
	heads   []Entry
	order   []int   // a heap of the readers that have a head, by its path
	lists   [][]int // for each manifest its readers, oldest first
	here    []bool  // readers whose head has the path that is looked at
}

func (m *marking) close() {
	for _, r := range m.readers {
		r.close()
	}
}

func (m *marking) Len() int           { return len(m.order) }
func (m *marking) Swap(i, j int)      { m.order[i], m.order[j] = m.order[j], m.order[i] }
func (m *marking) Push(any)           {} // all are there from the beginning
func (m *marking) Less(i, j int) bool { return m.compare(m.order[i], m.order[j]) < 0 }
func (m *marking) compare(a, b int) int {
	return fossology.ComparePaths(m.heads[a].Path, m.heads[b].Path)
}

// Pop implements heap.Interface.
func (m *marking) Pop() any {
	last := m.order[len(m.order)-1]
	m.order = m.order[:len(m.order)-1]
	return last
}

func (m *marking) run(ctx context.Context, need func(store.Hash)) error {
	m.heads, m.here = make([]Entry, len(m.readers)), make([]bool, len(m.readers))
	for i, r := range m.readers {
		switch err := r.next(&m.heads[i]); {
		case err == nil:
			m.order = append(m.order, i)
		case !errors.Is(err, io.EOF):
			return err
		}
	}
	heap.Init(m)
	var group []int
	for n := 0; len(m.order) > 0; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		group = group[:0]
		for len(m.order) > 0 && (len(group) == 0 || m.compare(m.order[0], group[0]) == 0) {
			group = append(group, heap.Pop(m).(int))
		}
		m.judge(group, need)
		for _, i := range group {
			switch err := m.readers[i].next(&m.heads[i]); {
			case err == nil:
				m.order = append(m.order, i)
				heap.Fix(m, len(m.order)-1)
			case !errors.Is(err, io.EOF):
				return err
			}
		}
	}
	return nil
}

// judge looks at all that is said of one path.
func (m *marking) judge(group []int, need func(store.Hash)) {
	if len(group) == 1 { // some manifest has the segment, and nothing overrules it
		needEntry(&m.heads[group[0]], need)
		return
	}
	for _, i := range group {
		m.here[i] = true
	}
	for _, list := range m.lists {
		for _, i := range slices.Backward(list) {
			if m.here[i] {
				needEntry(&m.heads[i], need)
				break
			}
		}
	}
	for _, i := range group {
		m.here[i] = false
	}
}

func needEntry(e *Entry, need func(store.Hash)) {
	if e.Kind == File && !e.Object.IsZero() && !e.LeftOut() {
		need(e.Object)
	}
}
