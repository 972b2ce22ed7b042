package snapshot

import (
	"fmt"
	"os"

	"repotool/store"
)

// shelves hold what is wanted of golds, sorted by them, so that memory has the files of a
// few golds at a time, and the manifest is read but twice. The rest is in a file without a
// name: nothing is left of it when the process ends. If that cannot be written, as on a full
// disk, it stays in memory: no recovery fails for want of it.
type shelves struct {
	st    *store.Store
	depth int
	all   []*shelf
	of    map[Gold]*shelf
	f     *os.File // nil: all is in memory
	end   int64
	full  bool // nothing more can be written
}

// A shelf holds the files of golds that are rebuilt side by side.
type shelf struct {
	files int64 // that were counted
	row   rowState
	buf   []byte // rows that are not in the file yet
	parts []part
}

// part is a piece of the file.
type part struct {
	at  int64
	len int
}

const (
	// shelfFiles is how many files are on a shelf, unless one gold has more: they are in
	// memory while they are rebuilt, some 300 bytes each.
	shelfFiles = 50_000
	// shelfBuffer is how much of a shelf is written at once.
	shelfBuffer = 16 << 10
)

// newShelves gives each gold its place.
func newShelves(st *store.Store, depth int, golds []Gold, by map[Gold]Totals) *shelves {
	s := &shelves{st: st, depth: depth, of: map[Gold]*shelf{}}
	var last *shelf
	for _, g := range golds {
		if last == nil || last.files+by[g].Files > shelfFiles {
			last = &shelf{row: rowState{golds: new(goldTable)}}
			s.all = append(s.all, last)
		}
		last.files += by[g].Files
		s.of[g] = last
	}
	return s
}

// add puts an entry where its gold is; one whose gold has no place is passed over.
func (s *shelves) add(e *Entry) {
	to := s.of[e.Gold]
	if to == nil {
		return
	}
	to.buf = to.row.appendRow(to.buf, e, s.depth)
	if len(to.buf) >= shelfBuffer && len(s.all) > 1 && !s.full {
		s.full = s.spill(to) != nil
	}
}

// spill moves what a shelf has in memory to the file.
func (s *shelves) spill(from *shelf) error {
	if s.f == nil {
		if err := s.create(); err != nil {
			return err
		}
	}
	if _, err := s.f.WriteAt(from.buf, s.end); err != nil {
		return err
	}
	from.parts = append(from.parts, part{s.end, len(from.buf)})
	s.end += int64(len(from.buf))
	from.buf = from.buf[:0]
	return nil
}

// create makes the file, in the store unless nothing can be written there.
func (s *shelves) create() error {
	dir, err := s.st.TempDir()
	if err != nil {
		dir = os.TempDir()
	}
	if s.f, err = os.CreateTemp(dir, "wanted-"); err != nil {
		return err
	}
	return os.Remove(s.f.Name())
}

// take empties a shelf.
func (s *shelves) take(from *shelf) (wanted map[Gold][]Entry, err error) {
	size := len(from.buf)
	for _, p := range from.parts {
		size += p.len
	}
	rows := make([]byte, 0, size)
	for _, p := range from.parts {
		at := len(rows)
		rows = rows[:at+p.len]
		if _, err := s.f.ReadAt(rows[at:], p.at); err != nil {
			return nil, fmt.Errorf("read list of what gold makes: %w", err)
		}
	}
	rows = append(rows, from.buf...)
	wanted = map[Gold][]Entry{}
	row := rowState{golds: from.row.golds}
	for len(rows) > 0 {
		var e Entry
		if rows, err = row.readRow(rows, &e, s.depth); err != nil {
			return nil, fmt.Errorf("read list of what gold makes: %w", err)
		}
		wanted[e.Gold] = append(wanted[e.Gold], e)
	}
	*from = shelf{}
	return wanted, nil
}

func (s *shelves) close() {
	if s.f != nil {
		s.f.Close()
	}
}

// marks are answers about files, a bit each: so what stands in a target is read once, though
// the manifest is read twice.
type marks struct {
	words []uint64
	n     int
}

func (m *marks) add(yes bool) {
	if m.n%64 == 0 {
		m.words = append(m.words, 0)
	}
	if yes {
		m.words[m.n/64] |= 1 << (m.n % 64)
	}
	m.n++
}

// at is the nth answer; what was not asked is no.
func (m *marks) at(n int) bool { return n < m.n && m.words[n/64]>>(n%64)&1 != 0 }
