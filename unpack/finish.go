package unpack

import (
	"slices"
	"strings"
)

// FOSSology's own rules about what it does not take, applied to the whole tree.

// maxBomb is how many times larger than its archive a file may be.
const maxBomb = 1000

// maxRepeat is how often a path may hold a name before what has the same name is
// left out.
const maxRepeat = 3

// finish leaves out what FOSSology's unpacker would not take: bombs, and paths
// that repeat themselves. n lies in the directory at; on FOSSology's disk what
// comes out of X lies in X.dir beside it.
func finish(n *Node, at string) {
	inner := at + "/" + n.Name
	if n.Class != Dir {
		inner += ".dir"
	}
	finishIn(n, n, inner)
}

// finishIn deals with the children of n, which lie in the directory inner.
func finishIn(container, n *Node, inner string) {
	in := inner + "/"
	n.Children = slices.DeleteFunc(n.Children, func(c *Node) bool {
		return c.listed() && (n.Class == Artifact && n.Name == artifactDir && isBomb(container, c) || strings.Count(in, "/"+c.Name+"/") >= maxRepeat)
	})
	for _, c := range n.Children {
		switch {
		case c.Class == Artifact || c.Class == Cpio:
			finishIn(n, c, inner)
		case c.listed():
			finish(c, inner)
		}
	}
}

// listed: it lies in the directory of its parent, and not beside it.
func (n *Node) listed() bool { return n.Class != Meta && n.Class != Artifact && n.Class != Cpio }

// isBomb: a file lies directly in what came out of an archive that lies beside
// that directory. The upload itself does not lie there.
func isBomb(container, file *Node) bool {
	return container.parent != nil && file.Digests != nil && container.Digests != nil && container.Digests.Size > 0 &&
		file.Digests.Size/container.Digests.Size > maxBomb
}
