package snapshot

import (
	"context"
	"encoding/binary"
	"math"
	"slices"

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
	narrow   int                 // max without a file
	runs     *runs               // nil: there is no file
	failed   error               // why the file is of no use
	broken   func(run int) error // for tests: why a run cannot be written
}

// windowMax are 16 MiB, and narrowMax 64 MiB, for then each window is another reading.
const (
	windowMax = 2 << 20
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

// take fills the window from the file. It ends with a folder of objects where it can, so
// that each is gone through once.
func (w *window) take() error {
	for {
		v, more := w.runs.peek()
		n := len(w.list)
		switch {
		case !more:
			return nil
		case n > 0 && v == w.list[n-1] || n == 0 && v < w.from: // repeated in another run
		case n >= w.max:
			w.to = w.list[n-1]
			return nil
		case n >= w.max/2 && v>>56 > w.list[n-1]>>56:
			w.to = v>>56<<56 - 1
			return nil
		default:
			w.list = append(w.list, v)
		}
		if err := w.runs.pass(); err != nil {
			return err
		}
	}
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
	if w.runs != nil {
		w.list = make([]uint64, 0, w.max) // to grow into it would take the double
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
