package reunpack

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"repotool/fossology"
)

// A spool holds the missing files outside of memory: first each with the golds that
// make it, in the order in which they come, then those of each gold together. Its
// files have no name: nothing is left, however the process ends.
type spool struct {
	dir    string
	all    *os.File // a Name, the number of golds, their numbers
	w      *bufio.Writer
	given  *os.File // Names, gold by gold
	starts []int64  // where those of a gold begin, and one more
}

// nameSize is the length of a Name in a spool.
const nameSize = 20 + 16 + 8

func newSpool(dir string) (*spool, error) {
	f, err := nameless(dir)
	if err != nil {
		return nil, err
	}
	return &spool{dir: dir, all: f, w: bufio.NewWriterSize(f, 256<<10)}, nil
}

// nameless makes a temporary file that goes with its descriptor.
func nameless(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "repotool-reunpack-*")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

func (s *spool) close() error {
	err := s.all.Close()
	if s.given != nil {
		err = errors.Join(err, s.given.Close())
	}
	return err
}

func appendName(b []byte, n fossology.Name) []byte {
	b = append(b, n.SHA1[:]...)
	b = append(b, n.MD5[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(n.Size))
}

func nameOf(b []byte) (n fossology.Name) {
	copy(n.SHA1[:], b)
	copy(n.MD5[:], b[20:])
	n.Size = int64(binary.BigEndian.Uint64(b[36:]))
	return n
}

func (s *spool) add(n fossology.Name, golds []int) error {
	b := appendName(s.w.AvailableBuffer(), n)
	b = binary.AppendUvarint(b, uint64(len(golds)))
	for _, g := range golds {
		b = binary.AppendUvarint(b, uint64(g))
	}
	if _, err := s.w.Write(b); err != nil {
		return fmt.Errorf("list what is missing: %w", err)
	}
	return nil
}

// each calls f for every file that was added. The golds are valid until it returns.
func (s *spool) each(f func(n fossology.Name, golds []int) error) error {
	if err := s.w.Flush(); err != nil {
		return fmt.Errorf("list what is missing: %w", err)
	}
	r := bufio.NewReaderSize(io.NewSectionReader(s.all, 0, 1<<62), 256<<10)
	var name [nameSize]byte
	var golds []int
	for {
		_, err := io.ReadFull(r, name[:])
		if err == io.EOF {
			return nil
		}
		var n, g uint64
		if err == nil {
			n, err = binary.ReadUvarint(r)
		}
		golds = golds[:0]
		for ; n > 0 && err == nil; n-- {
			g, err = binary.ReadUvarint(r)
			golds = append(golds, int(g))
		}
		if err != nil {
			return fmt.Errorf("read list of what is missing: %w", err)
		}
		if err := f(nameOf(name[:]), golds); err != nil {
			return err
		}
	}
}

// gatherNames is how many Names of one gold are written at once.
const gatherNames = 32

// assign gives each file to the gold that choose says, which says the same each time
// it is asked in this order.
func (s *spool) assign(golds int, choose func(fossology.Name, []int) int) error {
	// Two passes: where each gold's part begins is known when all were counted.
	order, err := nameless(s.dir)
	if err != nil {
		return err
	}
	defer order.Close()
	w := bufio.NewWriterSize(order, 256<<10)
	counts := make([]int64, golds)
	err = s.each(func(n fossology.Name, of []int) error {
		g := choose(n, of)
		counts[g]++
		_, err := w.Write(binary.BigEndian.AppendUint32(w.AvailableBuffer(), uint32(g)))
		return err
	})
	if err = errors.Join(err, w.Flush()); err != nil {
		return fmt.Errorf("list what is missing: %w", err)
	}
	s.starts = make([]int64, golds+1)
	for i, n := range counts {
		s.starts[i+1] = s.starts[i] + n
	}
	if s.given, err = nameless(s.dir); err != nil {
		return err
	}
	return s.gather(bufio.NewReaderSize(io.NewSectionReader(order, 0, 1<<62), 256<<10))
}

// gather writes the Names of each gold together.
func (s *spool) gather(order io.Reader) error {
	next := append([]int64(nil), s.starts...)
	buffers := make([][]byte, len(next))
	flush := func(g int) error {
		_, err := s.given.WriteAt(buffers[g], next[g]*nameSize)
		next[g] += int64(len(buffers[g]) / nameSize)
		buffers[g] = buffers[g][:0]
		return err
	}
	err := s.each(func(n fossology.Name, _ []int) error {
		var b [4]byte
		if _, err := io.ReadFull(order, b[:]); err != nil {
			return err
		}
		g := int(binary.BigEndian.Uint32(b[:]))
		if buffers[g] = appendName(buffers[g], n); len(buffers[g]) < gatherNames*nameSize {
			return nil
		}
		return flush(g)
	})
	for g := range buffers {
		if len(buffers[g]) > 0 {
			err = errors.Join(err, flush(g))
		}
	}
	if err != nil {
		return fmt.Errorf("list what is missing: %w", err)
	}
	return nil
}

// of returns the Names that were given to a gold.
func (s *spool) of(gold int) ([]fossology.Name, error) {
	b := make([]byte, (s.starts[gold+1]-s.starts[gold])*nameSize)
	if n, err := s.given.ReadAt(b, s.starts[gold]*nameSize); n < len(b) {
		return nil, fmt.Errorf("read list of what is missing: %w", err)
	}
	names := make([]fossology.Name, 0, len(b)/nameSize)
	for ; len(b) > 0; b = b[nameSize:] {
		names = append(names, nameOf(b))
	}
	return names, nil
}
