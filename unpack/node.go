package unpack

import (
	"cmp"
	"io"
	"slices"
	"strings"
)

// A Class is what FOSSology makes of a thing that an archive holds.
type Class uint8

const (
	Leaf      Class = iota // a file that is no archive
	Container              // a file that was opened
	Dir                    // a directory of an archive
	Artifact               // artifact.dir, artifact.unpacked: what came out of a container
	Cpio                   // the artifact.unpacked of an rpm: a real file
	Meta                   // artifact.meta: a tool's words about an archive; never made here
	Symlink                // no content
	Other                  // fifo, device: no content
)

var classNames = [...]string{"leaf", "container", "dir", "artifact", "cpio", "meta", "symlink", "other"}

func (c Class) String() string { return classNames[c] }

// Names of the artifacts.
const (
	artifactDir      = "artifact.dir"
	artifactUnpacked = "artifact.unpacked"
	artifactMeta     = "artifact.meta"
)

// A Node is one row of the tree that an archive unpacks to, as FOSSology would
// enter it in uploadtree. It is in memory while its archive is being read; see
// [Row] for what is left of it.
type Node struct {
	Name    string // as the archive spells it
	Class   Class
	Format  string // of a container: gzip, tar, …
	Digests *Digests
	Extra   bool // FOSSology's unpacker does not find it; known, never written

	told       Class // Class as the archive says it; Class is for who reads the content
	dropped    bool  // FOSSology makes no row for it
	filled     bool  // something was put into it
	extras     bool  // of the artifact of an archive: all that is in it is extra
	shadow     uint8 // in which orders something of its name was spilled, see spill.go
	at         int   // place in the parent's children
	parent     *Node
	children   []*Node
	byName     map[string]*Node  // of children
	sub        ref               // what is below a container that is complete
	dictionary int64             // bytes that its decoder takes for one
	grant      grant             // of memory for it
	kept       *io.SectionReader // content that a neighbour may ask for, see parts.go
}

// HasContent says whether FOSSology keeps a file for this row.
func (n *Node) HasContent() bool { return n.Class == Leaf || n.Class == Container || n.Class == Cpio }

// Path is the row's place: the names from the top on, as FOSSology shows them.
func (n *Node) Path() string {
	var names []string
	for ; n != nil; n = n.parent {
		names = append(names, DisplayName(n.Name))
	}
	slices.Reverse(names)
	return strings.Join(names, "/")
}

// Top says whether this is the upload itself.
func (n *Node) Top() bool { return n.parent == nil }

// add puts a child in, in the place of what had its name. That keeps its parent:
// it may still be being read, and reports then where it was.
func (n *Node) add(c *Node) *Node {
	if n.byName == nil {
		n.byName = map[string]*Node{}
	}
	c.parent, c.told, n.filled = n, c.Class, true
	if old := n.byName[c.Name]; old != nil {
		c.at, c.shadow = old.at, c.shadow|old.shadow
		n.children[c.at] = c
	} else {
		c.at = len(n.children)
		n.children = append(n.children, c)
	}
	n.byName[c.Name] = c
	return c
}

// inOrder puts nodes into FOSSology's order: containers and directories first, then
// by name, byte by byte.
func inOrder(nodes []*Node) {
	slices.SortStableFunc(nodes, func(a, b *Node) int {
		return cmp.Or(cmp.Compare(a.order(), b.order()), strings.Compare(a.Name, b.Name))
	})
}

// order is where a node stands among those beside it, before its name counts.
func (n *Node) order() uint8 {
	if n.Class == Container || n.Class == Dir || n.Class == Artifact || n.Class == Cpio {
		return 0
	}
	return 1
}
