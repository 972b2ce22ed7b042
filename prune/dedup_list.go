package prune

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// sizeCounters bounds how finely sizes are told apart, which saves reading files whose size
// no other one has.
const sizeCounters = 1 << 22

// A listing is all files, in a temporary file.
type listing struct {
	f     *os.File
	w     *bufio.Writer
	at    int64
	sizes []uint8 // how many files have a size: 0, 1 or more
	buf   []byte
}

// list writes down all files.
func (d *deduper) list(ctx context.Context, l *listing) error {
	if _, err := d.o.Repository.Tops(); err != nil { // it is one
		return err
	}
	for e, err := range fossology.Walk(ctx, d.o.Repository.Path, fossology.WalkOptions{}) {
		if err != nil {
			return err
		}
		if e.Kind == fossology.Unreadable {
			d.trouble("%s: %v", e.Path, e.Err)
		}
		if e.Kind != fossology.FileFound || e.Stat.Mode&unix.S_IFMT != unix.S_IFREG {
			continue
		}
		d.seen(e.Stat.Size)
		if e.Stat.Size == 0 || e.Stat.Size < d.o.MinSize {
			continue
		}
		if !utf8.ValidString(e.Path) {
			d.trouble("%q: left alone: a plan cannot hold its name", e.Path)
			continue
		}
		m := member(e.Path, e.Stat, strings.Contains("/"+path.Dir(e.Path)+"/", "/gold/"))
		if err := l.add(&m); err != nil {
			return err
		}
	}
	return l.w.Flush()
}

// counter is that of a size: sizes that are near each other do not meet.
func (l *listing) counter(size int64) *uint8 { return &l.sizes[uint64(size)%uint64(len(l.sizes))] }

func (l *listing) add(m *Member) error {
	if c := l.counter(m.size); *c < 2 {
		*c++
	}
	l.buf = appendMember(l.buf[:0], m)
	l.at += int64(len(l.buf))
	if _, err := l.w.Write(l.buf); err != nil {
		return fmt.Errorf("write the list of files: %w", err)
	}
	return nil
}

// member reads the file that stands at an offset.
func (l *listing) member(at int64) (Member, error) {
	m, err := readMember(bufio.NewReaderSize(io.NewSectionReader(l.f, at, l.at-at), 512))
	if err != nil {
		return m, fmt.Errorf("read the list of files: %w", err)
	}
	return m, nil
}
