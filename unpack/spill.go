package unpack

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// An archive that holds more than memory should goes to a file while it is being
// read, a sheaf of members at a time: each sheaf in the order of the result, with an
// index by which a member is found that another one asks for by its path. When the
// archive has been read, the sheaves are merged. Of several members of one path the
// last counts; where they stand at different places of the order, a tombstone at the
// place of the earlier one says that it is gone.

// A key is a member's path as it sorts: for each name a byte for the order (see
// [Node.order]), the name, and a zero, which is in no name. What is in a directory
// follows it.

// A spill is the file of one archive.
type spill struct {
	file    *os.File
	end     int64
	sheaves []*sheaf // the oldest first
}

// Flags of a record beside those of its row.
const (
	recordGone    = 1 << iota // a tombstone
	recordDropped             // as Node.dropped
	recordKept                // content is kept, in the file of the keeper
	recordThere               // content is kept, where the archive is read from
	recordFilled              // as Node.filled
)

// spillOut moves what may leave memory to the file.
func (a *archive) spillOut() error {
	if a.spill == nil {
		f, err := a.u.unnamed()
		if err != nil {
			return err
		}
		a.spill = &spill{file: f}
	}
	w := &sheafWriter{a: a, at: a.spill.end, s: sheaf{from: a.spill.end}}
	w.out = bufio.NewWriterSize(io.NewOffsetWriter(a.spill.file, a.spill.end), 64<<10)
	left := w.dir(a.dir(), nil, 2)
	a.hold(left - a.held)
	a.keep.mem = 0
	a.keep.dscs = slices.DeleteFunc(a.keep.dscs, func(n *Node) bool { return n.parent.byName[n.Name] != n })
	s, err := w.done()
	if err != nil {
		return fmt.Errorf("keep what is in %s: %w", a.node.Path(), err)
	}
	a.spill.end = s.index + int64(s.rows)*indexEntry
	a.spill.sheaves = append(a.spill.sheaves, s)
	return nil
}

// A sheafWriter writes one sheaf.
type sheafWriter struct {
	a     *archive
	out   *bufio.Writer
	at    int64
	s     sheaf
	index []indexed
	body  []byte
	err   error
}

// member is what of a directory goes to one place of the order.
type member struct {
	order uint8
	name  string
	n     *Node // nil: a tombstone
}

// dir writes what is in a directory and takes it out of memory, but what stays,
// with the directories that it is in. It returns how many nodes stay.
func (w *sheafWriter) dir(dir *Node, key []byte, depth int) (stay int64) {
	list := make([]member, 0, len(dir.children))
	for _, c := range dir.children {
		list = append(list, member{c.order(), c.Name, c})
		if other := 1 - c.order(); c.shadow>>other&1 == 1 {
			list = append(list, member{other, c.Name, nil})
		}
	}
	slices.SortFunc(list, func(a, b member) int {
		if a.order != b.order {
			return int(a.order) - int(b.order)
		}
		return strings.Compare(a.name, b.name)
	})
	dir.children, dir.byName = nil, nil
	for _, m := range list {
		of := append(append(append(key, m.order+1), m.name...), 0)
		if m.n != nil && w.a.pins(m.n) {
			w.unload(m.n)
			dir.put(m.n)
			stay++
			continue
		}
		w.record(len(key), of, depth, m.n)
		if m.n == nil || len(m.n.children) == 0 {
			continue
		}
		if below := w.dir(m.n, of, depth+1); below > 0 {
			dir.put(m.n)
			stay += below + 1
		}
	}
	return stay
}

// unload sees to it that what is kept of a node that stays is in no memory.
func (w *sheafWriter) unload(n *Node) {
	if n.kept == nil || w.err != nil {
		return
	}
	size := n.kept.Size()
	flag, at, err := w.a.keep.place(w.a.u, n.kept)
	if w.err = err; err == nil {
		n.kept = w.a.keep.at(flag, at, size)
	}
}

// put puts a node back that was in the directory before.
func (n *Node) put(c *Node) {
	if n.byName == nil {
		n.byName = map[string]*Node{}
	}
	c.at = len(n.children)
	n.children = append(n.children, c)
	n.byName[c.Name] = c
}

// pins says whether a node stays in memory: a source package, which is opened when
// all its neighbours are there, and further names of one.
func (a *archive) pins(n *Node) bool {
	if !n.isSource() || a.keep.closed {
		return false
	}
	if a.pinned++; a.pinned > maxSources {
		a.u.skip(n, "not opened: too many source packages in one archive")
		return false
	}
	return true
}

// record writes a member, or a tombstone. last is where the key's last name begins.
func (w *sheafWriter) record(last int, key []byte, depth int, n *Node) {
	if w.err != nil {
		return
	}
	b := append(w.body[:0], 0, 0)
	if n == nil {
		b[0] = recordGone
	} else {
		b[1] = byte(n.told)
		b = appendRow(b, depth, n)
		if n.dropped {
			b[0] |= recordDropped
		}
		if n.filled {
			b[0] |= recordFilled
		}
		if n.kept != nil && !w.a.keep.closed {
			var flag byte
			var at int64
			flag, at, w.err = w.a.keep.place(w.a.u, n.kept)
			b[0] |= flag
			b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(at)), uint64(n.kept.Size()))
		}
		w.index = append(w.index, indexed{hashKey(key, last), w.at})
	}
	w.body = b
	head := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(key))), uint64(len(b)))
	for _, part := range [][]byte{head, key, b} {
		w.at += int64(len(part))
		w.out.Write(part) // a bufio.Writer keeps its error
	}
}

func (w *sheafWriter) done() (*sheaf, error) {
	if w.err != nil {
		return nil, w.err
	}
	w.s.index = w.at
	w.s.indexed(w.index)
	for _, x := range w.index {
		b := binary.LittleEndian.AppendUint64(w.out.AvailableBuffer(), x.hash)
		w.out.Write(binary.LittleEndian.AppendUint64(b, uint64(x.at)))
	}
	s := w.s // without what it was written with
	return &s, w.out.Flush()
}

// A record is a member on the disk.
type record struct {
	key, body []byte
}

// read reads the next record; io.EOF is its end.
func (r *record) read(b *bufio.Reader) error {
	k, err := binary.ReadUvarint(b)
	if err != nil {
		return err
	}
	n, err := binary.ReadUvarint(b)
	if err != nil {
		return err
	}
	r.key = slices.Grow(r.key[:0], int(k))[:k]
	r.body = slices.Grow(r.body[:0], int(n))[:n]
	if _, err := io.ReadFull(b, r.key); err != nil {
		return err
	}
	_, err = io.ReadFull(b, r.body)
	return err
}

// node makes the member.
func (r *record) node(k *keeper) (*Node, error) {
	n := new(Node)
	d := rowDecoder{b: r.body[2:]}
	d.row(n, new(Digests))
	n.told, n.dropped, n.shadow = Class(r.body[1]), r.body[0]&recordDropped != 0, 1<<n.order()
	n.filled = r.body[0]&recordFilled != 0
	if r.body[0]&(recordKept|recordThere) != 0 && !k.closed {
		at, size := int64(d.number()), int64(d.number())
		n.kept = k.at(r.body[0], at, size)
	}
	if d.bad {
		return nil, errRow
	}
	return n, nil
}

// key is that of a directory of the archive.
func (a *archive) key(dir *Node) []byte {
	if dir == a.out {
		return make([]byte, 0, 256)
	}
	return append(append(append(a.key(dir.parent), 1), dir.Name...), 0)
}

// lookup finds a member on the disk; nil if it is not there.
func (a *archive) lookup(dir *Node, name string) *Node {
	key := a.key(dir)
	last := len(key)
	key = append(append(append(key, 0), name...), 0)
	hash := hashKey(key, last)
	for _, s := range slices.Backward(a.spill.sheaves) {
		var found *Node
		err := s.find(a.spill.file, hash, func(r *record) (bool, error) {
			if len(r.key) != len(key) || !bytes.Equal(r.key[:last], key[:last]) || !bytes.Equal(r.key[last+1:], key[last+1:]) {
				return false, nil
			}
			var err error
			found, err = r.node(&a.keep)
			return true, err
		})
		if err != nil {
			a.u.fail(fmt.Errorf("look up what is in %s: %w", a.node.Path(), err))
			return nil
		}
		if found != nil {
			found.parent = dir
			return found
		}
	}
	return nil
}

// spilled finds a member on the disk. A directory comes back into memory.
func (a *archive) spilled(dir *Node, name string) *Node {
	n := a.lookup(dir, name)
	if n != nil && n.told == Dir {
		dir.add(n)
		a.hold(1)
	}
	return n
}
