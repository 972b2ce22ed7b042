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
	k := a.keeping(n)
	a.read(n, size, io.TeeReader(r, k))
	k.done()
	return a.stop()
}

// beside is up to which size a member is read whole, so that it can be worked on
// while the archive is read on.
const beside = 1 << 20

// read reads the content of a node, beside the archive if it is small and
// somebody is free.
func (a *archive) read(n *Node, size int64, r io.Reader) {
	if size > beside {
		a.u.content(a.ctx, n, a.depth, source{r, size})
		return
	}
	select {
	case a.u.free <- struct{}{}:
	default:
		a.u.content(a.ctx, n, a.depth, source{r, size})
		return
	}
	var b bytes.Buffer
	m, err := io.Copy(&b, io.LimitReader(r, beside+1))
	if m > beside || err != nil {
		<-a.u.free
		a.u.content(a.ctx, n, a.depth, source{io.MultiReader(&b, again{err}, r), size})
		return
	}
	a.wait.Go(func() {
		defer func() { <-a.u.free }()
		a.u.content(a.ctx, n, a.depth, source{&b, m})
	})
}

// again is a reader whose error was met already; without one it is empty.
type again struct{ err error }

func (r again) Read([]byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	return 0, io.EOF
}

// Link tells of a further name of an earlier member. If there is none, nothing is
// made, as a tool that cannot link makes nothing.
func (a *archive) Link(path, target string) error {
	a.wait.Wait() // the target's content
	old := a.find(target)
	if old == nil || !old.HasContent() {
		a.u.skipPath(a.node.Path()+"/"+DisplayName(path), "it is a link to "+DisplayName(target)+", which is not there")
		return nil
	}
	n, err := a.member(path, old.Class)
	if n == nil || err != nil {
		return err
	}
	n.Format, n.Digests = old.Format, old.Digests
	if n.kept = old.kept; n.kept != nil {
		a.keep.parts = append(a.keep.parts, n)
	}
	for _, c := range old.Children {
		n.add(c.copy())
	}
	return nil
}

func (n *Node) copy() *Node {
	c := &Node{Name: n.Name, Class: n.Class, Format: n.Format, Digests: n.Digests, Extra: n.Extra}
	for _, x := range n.Children {
		c.add(x.copy())
	}
	return c
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
	a.u.skipPath(a.node.Path()+"/"+DisplayName(path), why)
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
	if old := dir.child(name); old != nil && old.Class == Dir {
		a.Skip(path, "a directory has its name")
		return nil, nil
	}
	return dir.add(&Node{Name: name, Class: class, Extra: a.extra}), nil
}

// split makes the directories of a path.
func (a *archive) split(path string) (dir *Node, name string, err error) {
	i := strings.LastIndexByte(strings.TrimRight(path, "/"), '/')
	parent, name := "", strings.Trim(path, "/")
	if i >= 0 {
		parent, name = path[:i], strings.Trim(path[i:], "/")
	}
	if name == ".." || name == "." || name == "" {
		a.Skip(path, "no file can have that name")
		return nil, "", nil
	}
	dir, err = a.place(parent, false)
	return dir, name, err
}

// place finds or makes a directory. The leading slash of an absolute path goes;
// a path that leads out of the archive is refused.
func (a *archive) place(path string, last bool) (*Node, error) {
	if len(path) > a.u.limits.NameLength || strings.IndexByte(path, 0) >= 0 {
		a.Skip(path[:min(len(path), 200)], "its path is longer than paths may be, or no path")
		return nil, nil
	}
	at := a.dir()
	for part := range strings.SplitSeq(path, "/") {
		switch part {
		case "", ".":
			continue
		case "..":
			a.Skip(path, "it leads out of the archive")
			return nil, nil
		}
		next := at.child(part)
		if next != nil && next.Class != Dir && last {
			next = nil // a directory takes the place of a file
		}
		if next == nil {
			if err := a.row(); err != nil {
				return nil, err
			}
			next = at.add(&Node{Name: part, Class: Dir, Extra: a.extra})
		}
		if next.Class != Dir {
			a.Skip(path, "it goes through "+next.Class.String()+" "+DisplayName(part))
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
