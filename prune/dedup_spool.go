package prune

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
)

// appendMember encodes a file: numbers as varints, the path behind its length.
func appendMember(b []byte, m *Member) []byte {
	b = binary.AppendUvarint(b, uint64(len(m.Path)))
	b = append(b, m.Path...)
	for _, n := range []uint64{m.Inode, uint64(m.Mode), uint64(m.UID), uint64(m.GID), uint64(m.Mtime), uint64(m.size), uint64(m.blocks), m.dev, m.links} {
		b = binary.AppendUvarint(b, n)
	}
	if m.gold {
		return append(b, 1)
	}
	return append(b, 0)
}

// readMember decodes one.
func readMember(r *bufio.Reader) (m Member, err error) {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return m, err
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return m, err
	}
	var v [9]uint64
	for i := range v {
		if v[i], err = binary.ReadUvarint(r); err != nil {
			return m, err
		}
	}
	gold, err := r.ReadByte()
	return Member{string(b), v[0], uint32(v[1]), uint32(v[2]), uint32(v[3]), int64(v[4]), int64(v[5]), int64(v[6]), v[7], v[8], gold == 1}, err
}

// scratch makes a temporary file that has no name.
func scratch(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "repotool-dedup-")
	if err != nil {
		return nil, fmt.Errorf("make a list of files: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("make a list of files: %w", err), f.Close())
	}
	return f, nil
}

// A groupSpool keeps groups in a temporary file.
type groupSpool struct {
	f   *os.File
	w   *bufio.Writer
	n   int64
	buf []byte
}

func newGroupSpool(dir string) (*groupSpool, error) {
	f, err := scratch(dir)
	if err != nil {
		return nil, err
	}
	return &groupSpool{f: f, w: bufio.NewWriterSize(f, 256<<10)}, nil
}

func (s *groupSpool) close() error { return s.f.Close() }

func (s *groupSpool) add(g *Duplicates) error {
	s.n++
	b := binary.AppendUvarint(s.buf[:0], uint64(g.Size))
	b = binary.AppendUvarint(b, uint64(len(g.Same)))
	b = appendMember(b, &g.Keep)
	for i := range g.Same {
		b = appendMember(b, &g.Same[i])
	}
	s.buf = b
	if _, err := s.w.Write(b); err != nil {
		return fmt.Errorf("write the list of files: %w", err)
	}
	return nil
}

// all yields the groups from one on.
func (s *groupSpool) all(from int64) iter.Seq2[Duplicates, error] {
	return func(yield func(Duplicates, error) bool) {
		err := s.w.Flush()
		r := bufio.NewReaderSize(io.NewSectionReader(s.f, 0, 1<<62), 256<<10)
		for i := int64(0); i < s.n && err == nil; i++ {
			var g Duplicates
			if g, err = readGroup(r); err == nil && i >= from && !yield(g, nil) {
				return
			}
		}
		if err != nil {
			yield(Duplicates{}, fmt.Errorf("read the list of files: %w", err))
		}
	}
}

func readGroup(r *bufio.Reader) (g Duplicates, err error) {
	size, err := binary.ReadUvarint(r)
	if err != nil {
		return g, err
	}
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return g, err
	}
	g.Size, g.Same = int64(size), make([]Member, n)
	if g.Keep, err = readMember(r); err != nil {
		return g, err
	}
	for i := range g.Same {
		if g.Same[i], err = readMember(r); err != nil {
			return g, err
		}
	}
	return g, nil
}
