package unpack

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"sync"
)

// rollChunk is how many bytes of rows are written and read at once: a walk holds one
// chunk for each archive that it is in.
const rollChunk = 16 << 10

// rollHeader is the length of a chunk, and whether it lists others.
const rollHeader = 4

const rollLists = 1 << 31

// rowMemory is what a row takes in the roll, about; as many bytes are kept in memory
// for each row that may be.
const rowMemory = 160

// maxRollMemory bounds that.
const maxRollMemory = 1 << 20

// A roll holds the rows of a run that are complete: the last few in memory, the
// rest in a file without a name. Chunks are added by several goroutines.
type roll struct {
	create func() (*os.File, error)
	limit  int // bytes in memory

	mu   sync.Mutex
	mem  []byte
	file *os.File
	end  int64 // of the file
}

// add writes a chunk and returns its place.
func (l *roll) add(b []byte, lists bool) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.end + int64(len(l.mem))
	head := uint32(len(b))
	if lists {
		head |= rollLists
	}
	l.mem = append(binary.LittleEndian.AppendUint32(l.mem, head), b...)
	if len(l.mem) < l.limit {
		return at, nil
	}
	if l.file == nil {
		f, err := l.create()
		if err != nil {
			return 0, err
		}
		l.file = f
	}
	if _, err := l.file.WriteAt(l.mem, l.end); err != nil {
		return 0, fmt.Errorf("keep what was unpacked: %w", err)
	}
	l.end += int64(len(l.mem))
	if l.mem = l.mem[:0]; cap(l.mem) > 2*l.limit+rollChunk {
		l.mem = nil
	}
	return at, nil
}

// chunk reads the chunk at a place into b, which may grow.
func (l *roll) chunk(at int64, b []byte) (_ []byte, lists bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at >= l.end {
		m := l.mem[at-l.end:]
		head := binary.LittleEndian.Uint32(m)
		return append(b[:0], m[rollHeader:rollHeader+head&^rollLists]...), head&rollLists != 0, nil
	}
	b = append(b[:0], make([]byte, 4<<10)...)[:4<<10] // most are smaller
	n, err := l.file.ReadAt(b, at)
	if n < rollHeader {
		return nil, false, fmt.Errorf("read back what was unpacked: %w", err)
	}
	head := binary.LittleEndian.Uint32(b)
	size := int(head &^ rollLists)
	if have := n - rollHeader; size > have {
		b = append(b[:n], make([]byte, size-have)...)
		if _, err := l.file.ReadAt(b[n:], at+int64(n)); err != nil && err != io.EOF {
			return nil, false, fmt.Errorf("read back what was unpacked: %w", err)
		}
	}
	return b[rollHeader : rollHeader+size], head&rollLists != 0, nil
}

func (l *roll) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mem = nil
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}

// A rollWriter writes the rows below one container.
type rollWriter struct {
	l     *roll
	buf   []byte
	full  []int64 // places of the chunks that are written
	below int64
	err   error
}

// add writes a row.
func (w *rollWriter) add(depth int, n *Node) {
	w.buf = appendRow(w.buf, depth, n)
	w.below += 1 + n.sub.rows
	if len(w.buf) >= rollChunk {
		w.flush()
	}
}

func (w *rollWriter) flush() {
	if w.err != nil {
		return
	}
	at, err := w.l.add(w.buf, false)
	w.full, w.err, w.buf = append(w.full, at), err, w.buf[:0]
}

// done returns where the rows are: in the one chunk, or in those that a chunk lists.
func (w *rollWriter) done() (ref, error) {
	if len(w.buf) > 0 || len(w.full) == 0 {
		w.flush()
	}
	if w.err != nil {
		return ref{}, w.err
	}
	at := w.full[0]
	if len(w.full) > 1 {
		b := make([]byte, 0, 8*len(w.full))
		for _, c := range w.full {
			b = binary.LittleEndian.AppendUint64(b, uint64(c))
		}
		if at, w.err = w.l.add(b, true); w.err != nil {
			return ref{}, w.err
		}
	}
	return ref{at + 1, w.below}, nil
}

// each calls f for the rows of a ref, the rows below them not among them. The node
// and its Digests are valid until f returns.
func (l *roll) each(r ref, f func(depth int, n *Node) error) error {
	b, lists, err := l.chunk(r.at-1, nil)
	if err != nil {
		return err
	}
	var d rowDecoder
	if !lists {
		return d.each(b, f)
	}
	var buf []byte
	for ; len(b) >= 8; b = b[8:] {
		if buf, _, err = l.chunk(int64(binary.LittleEndian.Uint64(b)), buf); err != nil {
			return err
		}
		if err := d.each(buf, f); err != nil {
			return err
		}
	}
	return nil
}

func (r *rowDecoder) each(b []byte, f func(int, *Node) error) error {
	var n Node
	var d Digests
	for r.b = b; len(r.b) > 0; {
		depth := r.row(&n, &d)
		if r.bad {
			return errRow
		}
		if err := f(depth, &n); err != nil {
			return err
		}
	}
	return nil
}
