package snapshot

import (
	"bufio"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"repotool/store"
)

// runs keep what a window has no room for, as an external sort does: each is a sorted
// piece of one file, and together they yield all that was written, sorted. The file has no
// name, so nothing is left of it when the process ends.
type runs struct {
	f      *os.File
	ends   []int64 // where each run ends in the file
	buf    []byte
	merged runHeap
}

// runBuffer is what is read of a run at a time. There is a run for every two million objects.
const runBuffer = 16 << 10

// freeRuns is how many times the file must have room on the disk: it is not to take the
// last of it from a run that takes a snapshot.
const freeRuns = 10

// newRuns makes a file for so many objects, in the room that this process has in the store.
func newRuns(st *store.Store, objects int64) (*runs, error) {
	if free, _, err := store.Free(st.Dir()); err != nil || free/freeRuns < 8*objects {
		return nil, errors.Join(err, errFull)
	}
	dir, err := st.TempDir()
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "needed-")
	if err != nil {
		return nil, err
	}
	return &runs{f: f}, os.Remove(f.Name())
}

func (r *runs) close() { r.f.Close() }

// write adds a run, which is sorted.
func (r *runs) write(list []uint64) error {
	for part := range slices.Chunk(list, 8<<10) {
		r.buf = r.buf[:0]
		for _, v := range part {
			r.buf = binary.BigEndian.AppendUint64(r.buf, v)
		}
		if _, err := r.f.Write(r.buf); err != nil {
			return err
		}
	}
	r.ends = append(r.ends, r.begin(len(r.ends))+8*int64(len(list)))
	return nil
}

// begin is where a run begins.
func (r *runs) begin(n int) int64 {
	if n == 0 {
		return 0
	}
	return r.ends[n-1]
}

// merge begins to read all runs together.
func (r *runs) merge() error {
	for n, end := range r.ends {
		at := r.begin(n)
		one := &oneRun{in: bufio.NewReaderSize(io.NewSectionReader(r.f, at, end-at), runBuffer), left: (end - at) / 8}
		if err := one.next(); err != nil {
			return err
		}
		if one.there {
			r.merged = append(r.merged, one)
		}
	}
	heap.Init(&r.merged)
	return nil
}

// peek is the smallest that was not passed yet; false at the end. What stands in several
// runs comes several times.
func (r *runs) peek() (uint64, bool) {
	if len(r.merged) == 0 {
		return 0, false
	}
	return r.merged[0].head, true
}

// pass goes behind it.
func (r *runs) pass() error {
	first := r.merged[0]
	err := first.next()
	if first.there {
		heap.Fix(&r.merged, 0)
	} else {
		heap.Pop(&r.merged)
	}
	return err
}

// oneRun is read from its beginning to its end.
type oneRun struct {
	in    *bufio.Reader
	head  uint64
	there bool  // head is one
	left  int64 // behind it
}

var (
	errFull = errors.New("the disk is full")
	errRun  = errors.New("what the manifests need was not read as it was written")
)

func (o *oneRun) next() error {
	before, behind := o.head, o.there
	if o.there = o.left > 0; !o.there {
		return nil
	}
	o.left--
	b, err := o.in.Peek(8)
	if err != nil {
		return fmt.Errorf("%w: %w", errRun, err)
	}
	o.head = binary.BigEndian.Uint64(b)
	if behind && o.head <= before {
		return errRun
	}
	_, err = o.in.Discard(8)
	return err
}

// runHeap has the run with the smallest head first.
type runHeap []*oneRun

func (h runHeap) Len() int           { return len(h) }
func (h runHeap) Less(i, j int) bool { return h[i].head < h[j].head }
func (h runHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *runHeap) Push(any) {} // all are there from the beginning

// Pop implements heap.Interface.
func (h *runHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
