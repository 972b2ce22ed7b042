package unpack

import (
	"bytes"
	"context"
	"io"
	"sync"
)

// An archive is a container that is being opened. Formats tell it of their
// members, which it puts into a directory as a tool of FOSSology's would put them
// on the disk: a later member takes the place of an earlier one of its path.
type archive struct {
	u      *run
	ctx    context.Context
	node   *Node
	depth  int // of its members
	out    *Node
	extra  bool              // its members are what FOSSology does not find
	blind  bool              // the next file's mode forbids its owner to read it, so libmagic cannot; it is a leaf
	loose  bool              // an empty directory gives way to what has its name
	soft   map[string]string // where symbolic links lead that members may go through, by key
	wait   sync.WaitGroup    // members that are worked on beside
	links  []link            // in the archive's order
	keep   keeper            // of contents that a source package may need
	held   int64             // nodes in memory
	pinned int64             // of them, that stay there
	spill  *spill            // members that left memory; nil: none
	weight int64             // of the node's grant of memory
}

// dir is the artifact that members hang under.
func (a *archive) dir() *Node {
	if a.out == nil {
		a.out = a.node.add(&Node{Name: artifactDir, Class: Artifact})
	}
	return a.out
}

// asUnpacked names the artifact of a .dsc.
func (a *archive) asUnpacked() { a.out = a.node.add(&Node{Name: artifactUnpacked, Class: Artifact}) }

// Dir tells of a directory.
func (a *archive) Dir(path string) error {
	a.room()
	_, err := a.place(path, true)
	return err
}

// File tells of a file, and reads it to its end. size is -1 if it is not known.
func (a *archive) File(path string, size int64, r io.Reader) error {
	a.room()
	n, err := a.member(path, Leaf)
	if n == nil || err != nil {
		return err
	}
	if !isPart(n.Name) {
		a.read(n, size, r)
		return a.stop()
	}
	if at, ok := r.(*io.SectionReader); ok { // it can be read again at any time
		n.kept = io.NewSectionReader(at, 0, at.Size())
		a.keep.part(n)
		a.read(n, size, r)
		return a.stop()
	}
	k := &keeping{a: a}
	a.read(n, size, io.TeeReader(r, k))
	n.kept = k.content()
	a.keep.part(n)
	return a.stop()
}

// beside is up to which size a member is read whole, so that it can be worked on
// while the archive is read on.
const beside = 1 << 20

// read reads the content of a node, beside the archive if somebody is free and the
// archive can be read on: because the member is small, or lies where it can be
// read at any time.
func (a *archive) read(n *Node, size int64, r io.Reader) {
	_, at := r.(*io.SectionReader)
	if size > beside && !at || !a.u.hire() {
		a.u.content(a.ctx, n, a.depth, source{r, size, a.blind})
		return
	}
	src := source{r, size, a.blind}
	if !at {
		var b bytes.Buffer
		m, err := a.u.fill(&b, io.LimitReader(r, beside+1))
		if m > beside || err != nil {
			a.u.release()
			a.u.content(a.ctx, n, a.depth, source{io.MultiReader(&b, again{err}, r), size, a.blind})
			return
		}
		src = source{&b, m, a.blind}
	}
	a.wait.Go(func() {
		defer a.u.release()
		a.u.content(a.ctx, n, a.depth, src)
	})
}

// hire asks for somebody to work beside. It never waits, so who holds a place and
// asks for another cannot be stuck.
func (u *run) hire() bool {
	select {
	case u.free <- struct{}{}:
		return true
	default:
		return false
	}
}

func (u *run) release() { <-u.free }

// fill reads a decoder to its end.
func (u *run) fill(b *bytes.Buffer, r io.Reader) (n int64, err error) {
	defer u.recovered(&err)
	defer func() { n = int64(b.Len()) }()
	return b.ReadFrom(r)
}

// again is a reader whose error was met already; without one it is empty.
type again struct{ err error }

func (r again) Read([]byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	return 0, io.EOF
}

// Symlink tells of a symbolic link. It is never followed.
func (a *archive) Symlink(path string) error {
	a.room()
	_, err := a.member(path, Symlink)
	return err
}

// Other tells of a fifo.
func (a *archive) Other(path string) error {
	a.room()
	_, err := a.member(path, Other)
	return err
}

// Skip tells of a member that does not come out.
func (a *archive) Skip(path, why string) {
	a.u.skipIn(a.node, path, why)
}

// member makes a node for a path; nil if the path is not acceptable.
func (a *archive) member(path string, class Class) (*Node, error) {
	dir, name, err := a.split(path)
	if dir == nil || err != nil {
		return nil, err
	}
	if err := a.row(); err != nil {
		return nil, err
	}
	old := a.child(dir, name)
	if old != nil && old.told == Dir && (old.filled || !a.loose) {
		a.Skip(path, "a directory has its name")
		return nil, nil
	}
	return a.add(dir, old, &Node{Name: name, Class: class, Extra: a.extra}), nil
}

// child looks a node up; nil if there is none.
func (a *archive) child(dir *Node, name string) *Node {
	n := dir.byName[name]
	if n == nil && a.spill != nil {
		n = a.spilled(dir, name)
	}
	return n
}

// add puts a node into the archive, in the place of old.
func (a *archive) add(dir, old, n *Node) *Node {
	if old != nil {
		n.shadow = old.shadow
	}
	before := len(dir.children)
	dir.add(n)
	a.hold(int64(len(dir.children) - before))
	return n
}

// row counts a row against the limit, and stops an archive whose upload is given up.
func (a *archive) row() error {
	if a.u.rows.Add(1) > a.u.limits.Entries {
		return errEntries
	}
	return a.stop()
}

func (a *archive) stop() error {
	if err := a.u.failed(); err != nil {
		return errStop
	}
	return context.Cause(a.ctx)
}
