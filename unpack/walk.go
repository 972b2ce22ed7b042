package unpack

import (
	"strings"
)

// A Row is one row of the result, as FOSSology would enter it in uploadtree.
type Row struct {
	Depth   int    // rows above it; the upload itself has 0
	Name    string // as the archive spells it
	Class   Class
	Format  string // of a container: gzip, tar, …
	Digests *Digests
	Extra   bool // FOSSology's unpacker does not find it; known, never written

	w *walk
}

func rowOf(n *Node) Row {
	return Row{Name: n.Name, Class: n.Class, Format: n.Format, Digests: n.Digests, Extra: n.Extra}
}

// HasContent says whether FOSSology keeps a file for this row.
func (r *Row) HasContent() bool {
	return r.Class == Leaf || r.Class == Container || r.Class == Cpio
}

// Path is the row's place: the names from the top on, as FOSSology shows them.
func (r *Row) Path() string {
	if r.w == nil {
		return DisplayName(r.Name)
	}
	var b strings.Builder
	for _, above := range r.w.above[:r.Depth] {
		b.WriteString(DisplayName(above.name))
		b.WriteByte('/')
	}
	b.WriteString(DisplayName(r.Name))
	return b.String()
}

// Walk calls f for all rows, a parent before its children, those in FOSSology's
// order, without what its unpacker would not take. A row is valid until f returns.
// There may be more than one walk, and more than one at a time.
func (r *Result) Walk(f func(*Row) error) error {
	w := &walk{roll: r.roll, prefix: r.prefix, f: f}
	w.row.w = w
	return w.visit(0, r.top)
}

// A walk is one call of Walk.
type walk struct {
	roll   *roll
	prefix string
	f      func(*Row) error
	row    Row
	above  []place // the row, and those above it
	inner  []byte  // the directory that what is in the row lies in
	needle []byte
}

// A place is a row with what FOSSology's rules ask of it.
type place struct {
	name     string
	class    Class
	size     int64 // -1: it has no content
	inner    int   // length of walk.inner for what is in it; 0: not made yet
	archive  int   // whose bombs are looked for in it, as an index of walk.above
	artifact bool  // of a directory
	extras   bool  // what is in it is extra
}

// visit deals with a row and all below it.
func (w *walk) visit(depth int, n *Node) error {
	w.above = append(w.above[:depth], w.place(depth, n))
	w.row.Depth, w.row.Name, w.row.Class, w.row.Format = depth, n.Name, n.Class, n.Format
	w.row.Digests, w.row.Extra = n.Digests, n.Extra || depth > 0 && w.above[depth-1].extras
	if err := w.f(&w.row); err != nil || n.sub.at == 0 {
		return err
	}
	left := -1 // depth of a row that is left out, with all below it
	return w.roll.each(n.sub, func(below int, c *Node) error {
		at := depth + below
		if left >= 0 && at > left {
			return nil
		}
		if left = -1; w.leftOut(at, c) {
			left = at
			return nil
		}
		return w.visit(at, c)
	})
}

func (w *walk) place(depth int, n *Node) place {
	p := place{name: n.Name, class: n.Class, size: -1, archive: depth, artifact: n.Class == Artifact && n.Name == artifactDir,
		extras: n.extras || depth > 0 && w.above[depth-1].extras}
	if n.Digests != nil {
		p.size = n.Digests.Size
	}
	if depth > 0 && !n.listed() {
		p.archive = depth - 1
	}
	return p
}
