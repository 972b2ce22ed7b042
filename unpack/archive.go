package unpack

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
)

// An archive is a container that is being opened. Formats tell it of their
// members, which it puts into a directory as a tool of FOSSology's would put them
// on the disk: a later member takes the place of an earlier one of its path.
type archive struct {
	u     *run
	ctx   context.Context
	node  *Node
	depth int // of its members
	out   *Node
	extra bool           // its members are what FOSSology does not find
	wait  sync.WaitGroup // members that are worked on beside
	links []link         // in the archive's order
	keep  keeper         // of contents that a source package may need
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
	_, err := a.place(path, true)
	return err
}

// File tells of a file, and reads it to its end. size is -1 if it is not known.
func (a *archive) File(path string, size int64, r io.Reader) error {
	n, err := a.member(path, Leaf)
	if n == nil || err != nil {
		return err
	}
	if !isPart(n.Name) {
		a.read(n, size, r)
		return a.stop()
	}
	if at, ok := r.(*io.SectionReader); ok { // it can be read again at any time
		a.keep.part(n, io.NewSectionReader(at, 0, at.Size()))
		a.read(n, size, r)
		return a.stop()
	}
	k := &keeping{a: a}
	a.read(n, size, io.TeeReader(r, k))
	a.keep.part(n, k.content())
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
		a.u.content(a.ctx, n, a.depth, source{r, size})
		return
	}
	src := source{r, size}
	if !at {
		var b bytes.Buffer
		m, err := a.u.fill(&b, io.LimitReader(r, beside+1))
		if m > beside || err != nil {
			a.u.release()
			a.u.content(a.ctx, n, a.depth, source{io.MultiReader(&b, again{err}, r), size})
			return
		}
		src = source{&b, m}
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
	_, err := a.member(path, Symlink)
	return err
}

// Other tells of a fifo.
func (a *archive) Other(path string) error {
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
	if old := dir.child(name); old != nil && old.told == Dir {
		a.Skip(path, "a directory has its name")
		return nil, nil
	}
	return dir.add(&Node{Name: name, Class: class, Extra: a.extra}), nil
}

// split makes the directories of a path.
func (a *archive) split(path string) (dir *Node, name string, err error) {
	if why := a.refused(path); why != "" {
		a.Skip(path, why)
		return nil, "", nil
	}
	i := strings.LastIndexByte(strings.TrimRight(path, "/"), '/')
	parent, name := "", strings.Trim(path, "/")
	if i >= 0 {
		parent, name = path[:i], strings.Trim(path[i:], "/")
	}
	if name == "." || name == "" {
		a.Skip(path, "no file can have that name")
		return nil, "", nil
	}
	dir, err = a.place(parent, false)
	return dir, name, err
}

// maxName is the longest name that file systems take.
const maxName = 255

// refused says why nothing can have a path; "" if something can.
func (a *archive) refused(path string) string {
	if len(path) > a.u.limits.NameLength {
		return "its path is longer than paths may be"
	}
	if strings.IndexByte(path, 0) >= 0 {
		return "a path with a byte of zero"
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == ".." {
			return "it leads out of the archive"
		}
		if len(part) > maxName {
			return "its name is longer than names may be"
		}
	}
	return ""
}

// place finds or makes a directory, nil if its path is refused. The leading slash
// of an absolute path goes.
func (a *archive) place(path string, last bool) (*Node, error) {
	if why := a.refused(path); why != "" {
		a.Skip(path, why)
		return nil, nil
	}
	at := a.dir()
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." {
			continue
		}
		next := at.child(part)
		if next != nil && next.told != Dir && last {
			next = nil // a directory takes the place of a file
		}
		if next == nil {
			if err := a.row(); err != nil {
				return nil, err
			}
			next = at.add(&Node{Name: part, Class: Dir, Extra: a.extra})
		}
		if next.told != Dir {
			a.Skip(path, "it goes through "+next.told.String()+" "+DisplayName(part))
			return nil, nil
		}
		at = next
	}
	return at, nil
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

// find looks an earlier member up.
func (a *archive) find(path string) *Node {
	at := a.dir()
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." {
			continue
		}
		if at.told != Dir && at != a.out {
			return nil // what is in a file is not this archive's, and may be being made
		}
		if at = at.child(part); at == nil {
			return nil
		}
	}
	return at
}

// closeAll closes the directories of an archive, and no node of another one.
func (a *archive) closeAll(n *Node) {
	for _, c := range n.Children {
		if c.Class == Dir || c.Class == Artifact {
			a.closeAll(c)
		}
	}
	n.closed()
}
