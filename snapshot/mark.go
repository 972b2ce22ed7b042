package snapshot

import (
	"container/heap"
	"context"
	"errors"
	"io"
	"slices"

	"repotool/fossology"
	"repotool/store"
)

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
