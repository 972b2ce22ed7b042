package unpack

import (
	"encoding/binary"
	"errors"
)

// What is below a container leaves memory when the container is complete: its rows
// go to the roll of the run, one behind the other, a parent before its children. A
// row whose own content was opened says where the rows below it are.

// A ref is where in the roll the rows below a node are. The zero ref is none.
type ref struct {
	at   int64 // + 1
	rows int64 // all of them, also those in rows that are elsewhere
}

// Flags of a row in the roll. The class is in the low bits.
const (
	rowClass   = 7
	rowExtras  = 1 << 3
	rowExtra   = 1 << 4
	rowDigests = 1 << 5
	rowSub     = 1 << 6
	rowFormat  = 1 << 7
)

// appendRow writes a node. depth counts from the container.
func appendRow(b []byte, depth int, n *Node) []byte {
	flags := byte(n.Class)
	if n.Extra {
		flags |= rowExtra
	}
	if n.extras {
		flags |= rowExtras
	}
	if n.Digests != nil {
		flags |= rowDigests
	}
	if n.sub.at > 0 {
		flags |= rowSub
	}
	if n.Format != "" {
		flags |= rowFormat
	}
	b = binary.AppendUvarint(append(b, flags), uint64(depth))
	b = appendText(b, n.Name)
	if n.Format != "" {
		b = appendText(b, n.Format)
	}
	if d := n.Digests; d != nil {
		b = append(append(append(append(b, d.SHA1[:]...), d.MD5[:]...), d.SHA256[:]...), d.BLAKE3[:]...)
		b = binary.AppendUvarint(b, uint64(d.Size))
	}
	if n.sub.at > 0 {
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(n.sub.at)), uint64(n.sub.rows))
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// errRow is met only where something else wrote to our file.
var errRow = errors.New("read back what was unpacked: a row makes no sense")

// A rowDecoder reads rows from bytes.
type rowDecoder struct {
	b       []byte
	bad     bool
	formats map[string]string // each format's name once
}

// row reads one row into n, whose Digests are those given.
func (r *rowDecoder) row(n *Node, d *Digests) (depth int) {
	flags := r.take(1)[0]
	depth = int(r.number())
	*n = Node{Name: string(r.text()), Class: Class(flags & rowClass), Extra: flags&rowExtra != 0, extras: flags&rowExtras != 0}
	if flags&rowFormat != 0 {
		n.Format = r.format(r.text())
	}
	if flags&rowDigests != 0 {
		copy(d.SHA1[:], r.take(len(d.SHA1)))
		copy(d.MD5[:], r.take(len(d.MD5)))
		copy(d.SHA256[:], r.take(len(d.SHA256)))
		copy(d.BLAKE3[:], r.take(len(d.BLAKE3)))
		d.Size = int64(r.number())
		n.Digests = d
	}
	if flags&rowSub != 0 {
		n.sub = ref{int64(r.number()), int64(r.number())}
	}
	return depth
}

func (r *rowDecoder) format(b []byte) string {
	s, ok := r.formats[string(b)]
	if !ok {
		if r.formats == nil {
			r.formats = map[string]string{}
		}
		s = string(b)
		r.formats[s] = s
	}
	return s
}

// nothing is what is read behind the end.
var nothing [64]byte

func (r *rowDecoder) take(n int) []byte {
	if n > len(r.b) {
		r.bad = true
		r.b = nil
		return nothing[:min(n, len(nothing))]
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *rowDecoder) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad = true
		r.b = nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *rowDecoder) text() []byte {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	return r.take(int(n))
}
