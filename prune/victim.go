package prune

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"

	"repotool/fossology"
)

// A Victim is a file that goes.
type Victim struct {
	Name   fossology.Name
	BLAKE3 [32]byte // of its bytes, and of what gold makes
	Gold   int      // which of the plan's golds rebuilds it
	Host   string   // directory in the repository, "" if it has none
	Class  Class
	Upload int64 // one that has it
	Inode  uint64
	Links  uint32
	Freed  int64 // bytes on the disk
}

// record is a victim as it is spooled; all of a plan have one width.
const recordWidth = 20 + 16 + 8 + 32 + 4 + 2 + 2 + 8 + 8 + 4 + 8

func (s *spool) encode(v *Victim) []byte {
	b := s.buf[:0]
	b = append(b, v.Name.SHA1[:]...)
	b = append(b, v.Name.MD5[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(v.Name.Size))
	b = append(b, v.BLAKE3[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(v.Gold))
	b = binary.BigEndian.AppendUint16(b, uint16(s.host(v.Host)))
	b = binary.BigEndian.AppendUint16(b, uint16(slices.Index(Classes(), v.Class)))
	b = binary.BigEndian.AppendUint64(b, uint64(v.Upload))
	b = binary.BigEndian.AppendUint64(b, v.Inode)
	b = binary.BigEndian.AppendUint32(b, v.Links)
	b = binary.BigEndian.AppendUint64(b, uint64(v.Freed))
	s.buf = b
	return b
}

func (s *spool) decode(b []byte) (v Victim) {
	copy(v.Name.SHA1[:], b)
	copy(v.Name.MD5[:], b[20:])
	v.Name.Size = int64(binary.BigEndian.Uint64(b[36:]))
	copy(v.BLAKE3[:], b[44:])
	b = b[76:]
	v.Gold = int(binary.BigEndian.Uint32(b))
	v.Host = s.hosts[binary.BigEndian.Uint16(b[4:])]
	v.Class = Classes()[binary.BigEndian.Uint16(b[6:])]
	v.Upload = int64(binary.BigEndian.Uint64(b[8:]))
	v.Inode = binary.BigEndian.Uint64(b[16:])
	v.Links = binary.BigEndian.Uint32(b[24:])
	v.Freed = int64(binary.BigEndian.Uint64(b[28:]))
	return v
}

// A spool keeps victims in a temporary file that has no name.
type spool struct {
	f     *os.File
	w     *bufio.Writer
	n     int64
	hosts []string
	buf   []byte
}

func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, "repotool-prune-")
	if err != nil {
		return nil, fmt.Errorf("make a list of victims: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("make a list of victims: %w", err), f.Close())
	}
	return &spool{f: f, w: bufio.NewWriterSize(f, 1<<20)}, nil
}

func (s *spool) close() error { return s.f.Close() }

// host is the number of a host, of which there are few.
func (s *spool) host(name string) int {
	i := slices.Index(s.hosts, name)
	if i < 0 {
		i = len(s.hosts)
		s.hosts = append(s.hosts, name)
	}
	return i
}

func (s *spool) add(v *Victim) error {
	s.n++
	_, err := s.w.Write(s.encode(v))
	return err
}

// all yields the victims from one on.
func (s *spool) all(from int64) iter.Seq2[Victim, error] {
	return func(yield func(Victim, error) bool) {
		if err := s.w.Flush(); err != nil {
			yield(Victim{}, fmt.Errorf("read the list of victims: %w", err))
			return
		}
		r := bufio.NewReaderSize(io.NewSectionReader(s.f, from*recordWidth, (s.n-from)*recordWidth), 1<<20)
		b := make([]byte, recordWidth)
		for range s.n - from {
			if _, err := io.ReadFull(r, b); err != nil {
				yield(Victim{}, fmt.Errorf("read the list of victims: %w", err))
				return
			}
			if !yield(s.decode(b), nil) {
				return
			}
		}
	}
}

// byGold sorts into a new spool those whose gold has a place there: place says with which
// victim each begins, and is used up; below 0 a gold's victims are left out. The order
// within a gold stays.
func (s *spool) byGold(dir string, place []int64, renumber []int, left func(*Victim)) (*spool, error) {
	to, err := newSpool(dir)
	if err != nil {
		return nil, err
	}
	to.hosts = s.hosts
	for v, err := range s.all(0) {
		if err != nil {
			return nil, errors.Join(err, to.close())
		}
		old := v.Gold
		if place[old] < 0 {
			left(&v)
			continue
		}
		v.Gold = renumber[old]
		if _, err := to.f.WriteAt(to.encode(&v), place[old]*recordWidth); err != nil {
			return nil, errors.Join(fmt.Errorf("sort the list of victims: %w", err), to.close())
		}
		place[old]++
		to.n++
	}
	return to, nil
}
