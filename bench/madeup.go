package bench

import (
	"encoding/binary"
	"iter"
	"math"
	"math/bits"
	"math/rand/v2"

	"repotool/fossology"
	"repotool/snapshot"
)

// madeUp yields the entries of a repository that there is not, in the order of a walk,
// and without memory of them. It has the shape that [Generate] gives one: as many files
// and golds, sizes of the same distribution, and a copy of each gold in files.
//
// Names have to be sorted and as random as checksums are. So the numbers that eight bytes
// can hold are cut into as many stretches as there are files, and each file has a random
// place in the first half of its own. The new files of a night lie in second halves, and
// so between the old ones, as they do in a real repository.
type madeUp struct {
	Options
	stride uint64
	night  int // 0: none
}

func newMadeUp(o Options, night int) *madeUp {
	o = o.withDefaults()
	stride, _ := bits.Div64(1, 0, max(2, uint64(o.Files))) // 2^64 / files
	return &madeUp{o, stride, night}
}

// newOf: a night adds one file for this many.
const newOf = 100

// entries yields all: what lies in files, then what lies in gold.
func (m *madeUp) entries() iter.Seq2[snapshot.Entry, error] {
	return func(yield func(snapshot.Entry, error) bool) {
		for n := range m.Files {
			if !m.gone(n) && !yield(m.entry("files", n, false), nil) {
				return
			}
			if m.night > 0 && n%newOf == m.night%newOf && !yield(m.entry("files", n, true), nil) {
				return
			}
		}
		for n := goldEvery - 1; n < m.Files; n += goldEvery {
			if !yield(m.entry("gold", n, false), nil) {
				return
			}
		}
	}
}

// gone says whether a file is removed by the night; copies of gold never are.
func (m *madeUp) gone(n int) bool { return m.night > 0 && n%removedOf == m.night%(removedOf-1) }

// entry is the one of a number. It is the same whenever it is asked for.
func (m *madeUp) entry(typ string, n int, added bool) snapshot.Entry {
	second := uint64(0)
	if added {
		second = 1
	}
	random := rand.NewPCG(m.Seed, uint64(n)<<1|second)
	place := uint64(n)*m.stride + second*(m.stride/2) + random.Uint64()%(m.stride/2)
	var name fossology.Name
	binary.BigEndian.PutUint64(name.SHA1[:], place)
	fill(name.SHA1[8:], random)
	fill(name.MD5[:], random)
	name.Size = int64(float64(m.Median)*math.Exp(sigma*rand.New(random).NormFloat64())) + 1
	e := snapshot.Entry{Mode: 0o2660, UID: 999, GID: 999, Size: name.Size, Mtime: timeOf(n).UnixNano()}
	fill(e.Object[:], random)
	text := name.String()
	e.Path = m.Host + "/" + typ + "/" + fossology.FanOut(text, fossology.DefaultDepth) + "/" + text
	return e
}

// fill fills b with random bytes.
func fill(b []byte, random *rand.PCG) {
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, random.Uint64())
		b = b[8:]
	}
	for i := range b {
		b[i] = byte(random.Uint64())
	}
}
