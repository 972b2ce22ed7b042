package unpack

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"hash/maphash"
	"io"
	"os"
	"slices"
	"sort"
)

// A sheaf is members that left memory together: their records, and their index,
// which is ordered by hash.
type sheaf struct {
	from   int64 // where the records begin
	index  int64 // where they end, and the index begins
	rows   int   // in the index
	filter []uint64
	starts []uint64 // the first hash of each page of the index
}

// An indexed is an entry of an index.
type indexed struct {
	hash uint64
	at   int64
}

const (
	indexEntry = 16
	indexPage  = 256 // entries
	// filterBits for each row, filterProbes of which are looked at: one look-up in a
	// hundred goes to the disk for nothing.
	filterBits   = 10
	filterProbes = 5
)

var hashSeed = maphash.MakeSeed()

// hashKey is a hash of a key whatever the order of its last name, which begins at last.
func hashKey(key []byte, last int) uint64 {
	order := key[last]
	key[last] = 0
	h := maphash.Bytes(hashSeed, key)
	key[last] = order
	return h
}

// indexed puts an index into order and remembers what is needed of it.
func (s *sheaf) indexed(index []indexed) {
	slices.SortFunc(index, func(a, b indexed) int { return cmp.Compare(a.hash, b.hash) })
	s.rows = len(index)
	s.filter = make([]uint64, len(index)*filterBits/64+1)
	for i, x := range index {
		if i%indexPage == 0 {
			s.starts = append(s.starts, x.hash)
		}
		for p := range uint64(filterProbes) {
			bit := s.bit(x.hash, p)
			s.filter[bit/64] |= 1 << (bit % 64)
		}
	}
}

func (s *sheaf) bit(hash, probe uint64) uint64 {
	return (hash + probe*(hash>>32|1)) % uint64(64*len(s.filter))
}

// may says whether a hash may be in the index.
func (s *sheaf) may(hash uint64) bool {
	for p := range uint64(filterProbes) {
		if bit := s.bit(hash, p); s.filter[bit/64]>>(bit%64)&1 == 0 {
			return false
		}
	}
	return true
}

// find calls f for the records of a hash until it says that it has what it wants.
func (s *sheaf) find(file *os.File, hash uint64, f func(*record) (bool, error)) error {
	if !s.may(hash) {
		return nil
	}
	page := max(0, sort.Search(len(s.starts), func(i int) bool { return s.starts[i] >= hash })-1)
	b := make([]byte, indexPage*indexEntry)
	for ; page < len(s.starts) && s.starts[page] <= hash; page++ {
		b := b[:min(indexPage, s.rows-page*indexPage)*indexEntry]
		if _, err := file.ReadAt(b, s.index+int64(page)*indexPage*indexEntry); err != nil {
			return err
		}
		for ; len(b) > 0; b = b[indexEntry:] {
			if binary.LittleEndian.Uint64(b) != hash {
				continue
			}
			at := int64(binary.LittleEndian.Uint64(b[8:]))
			var r record
			if err := r.read(bufio.NewReaderSize(io.NewSectionReader(file, at, s.index-at), 512)); err != nil {
				return err
			}
			if done, err := f(&r); done || err != nil {
				return err
			}
		}
	}
	return nil
}

// mergeMemory is shared by the sheaves of a merge, in buffers of reasonable size.
const (
	mergeMemory    = 8 << 20
	mergeBufferMin = 512
	mergeBufferMax = 64 << 10
)

// unspill writes all members of the archive in the order of the result.
func (a *archive) unspill(w *rollWriter) error {
	a.pinned = 0
	if err := a.spillOut(); err != nil {
		return err
	}
	m := &merge{}
	buffer := min(max(mergeMemory/len(a.spill.sheaves), mergeBufferMin), mergeBufferMax)
	for i, s := range a.spill.sheaves {
		in := &mergeInput{age: i, b: bufio.NewReaderSize(io.NewSectionReader(a.spill.file, s.from, s.index-s.from), buffer)}
		if err := in.read(in.b); err == nil {
			m.inputs = append(m.inputs, in)
		} else if err != io.EOF {
			return err
		}
	}
	heap.Init(m)
	var last []byte
	var n Node
	var d Digests
	var rows rowDecoder
	for len(m.inputs) > 0 {
		in := m.inputs[0]
		if !bytes.Equal(in.key, last) {
			last = append(last[:0], in.key...)
			if in.body[0]&(recordGone|recordDropped) == 0 {
				rows.b = in.body[2:]
				depth := rows.row(&n, &d)
				if rows.bad {
					return errRow
				}
				w.add(depth, &n)
			}
		}
		if err := in.read(in.b); err == io.EOF {
			heap.Pop(m)
		} else if err != nil {
			return err
		} else {
			heap.Fix(m, 0)
		}
	}
	return nil
}

// A mergeInput is a sheaf that is being merged, at its next record.
type mergeInput struct {
	record
	age int
	b   *bufio.Reader
}

// A merge is a heap: the smallest key first, of one key the newest.
type merge struct{ inputs []*mergeInput }

func (m *merge) Len() int      { return len(m.inputs) }
func (m *merge) Swap(i, j int) { m.inputs[i], m.inputs[j] = m.inputs[j], m.inputs[i] }
func (m *merge) Push(any)      {} // none comes later
func (m *merge) Less(i, j int) bool {
	a, b := m.inputs[i], m.inputs[j]
	return cmp.Or(bytes.Compare(a.key, b.key), cmp.Compare(b.age, a.age)) < 0
}

func (m *merge) Pop() any {
	last := m.inputs[len(m.inputs)-1]
	m.inputs = m.inputs[:len(m.inputs)-1]
	return last
}
