package unpack

import (
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
// enter it in uploadtree.
type Node struct {
	Name     string // as the archive spells it
	Class    Class
	Format   string // of a container: gzip, tar, …
	Digests  *Digests
	Extra    bool // FOSSology's unpacker does not find it; known, never written
	Children []*Node

	parent     *Node
	told       Class             // Class as the archive says it; Class is for who reads the content
	at         int               // place in the parent's Children, while an archive is being read
	byName     map[string]*Node  // of Children, while an archive is being read
	dictionary int64             // bytes that its decoder takes for one
	dropped    bool              // FOSSology makes no row for it
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

// Walk calls f for n and all below it, a parent before its children.
func (n *Node) Walk(f func(*Node) error) error {
	if err := f(n); err != nil {
		return err
	}
	for _, c := range n.Children {
		if err := c.Walk(f); err != nil {
			return err
		}
	}
	return nil
}

// Top says whether this is the upload itself.
func (n *Node) Top() bool { return n.parent == nil }

func (n *Node) child(name string) *Node { return n.byName[name] }

// add puts a child in, in the place of what had its name. That keeps its parent:
// it may still be being read, and reports then where it was.
func (n *Node) add(c *Node) *Node {
	if n.byName == nil {
		n.byName = map[string]*Node{}
	}
	c.parent, c.told = n, c.Class
	if old := n.byName[c.Name]; old != nil {
		c.at = old.at
		n.Children[c.at] = c
	} else {
		c.at = len(n.Children)
		n.Children = append(n.Children, c)
	}
	n.byName[c.Name] = c
	return c
}

// closed gives back what is needed only while an archive is being read, and puts
// the children into FOSSology's order: containers and directories first, then by
// name, byte by byte.
func (n *Node) closed() {
	n.byName = nil
	n.Children = slices.DeleteFunc(n.Children, func(c *Node) bool { return c.dropped })
	slices.SortStableFunc(n.Children, func(a, b *Node) int {
		if x, y := a.inner(), b.inner(); x != y {
			if x {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
}

func (n *Node) inner() bool {
	return n.Class == Container || n.Class == Dir || n.Class == Artifact || n.Class == Cpio
}
