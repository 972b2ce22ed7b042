package unpack

import "bytes"

// FOSSology's own rules about what it does not take, applied to the whole tree.

// maxBomb is how many times larger than its archive a file may be.
const maxBomb = 1000

// maxRepeat is how often a path may hold a name before what has the same name is
// left out.
const maxRepeat = 3

// leftOut says whether FOSSology's unpacker would not take a row: a bomb, or a path
// that repeats itself.
func (w *walk) leftOut(depth int, n *Node) bool {
	if !n.listed() {
		return false
	}
	parent := &w.above[depth-1]
	if parent.artifact && w.isBomb(parent.archive, n) {
		return true
	}
	w.needle = append(append(append(w.needle[:0], '/'), n.Name...), '/')
	return bytes.Count(w.within(depth-1), w.needle) >= maxRepeat
}

// listed: it lies in the directory of its parent, and not beside it.
func (n *Node) listed() bool { return n.Class != Meta && n.Class != Artifact && n.Class != Cpio }

// isBomb: a file lies directly in what came out of an archive that lies beside
// that directory. The upload itself does not lie there.
func (w *walk) isBomb(archive int, file *Node) bool {
	size := w.above[archive].size
	return archive > 0 && file.Digests != nil && size > 0 && file.Digests.Size/size > maxBomb
}

// within is the directory that what is in a row lies in, with a slash behind it. On
// FOSSology's disk what comes out of X lies in X.dir beside it.
func (w *walk) within(depth int) []byte {
	p := &w.above[depth]
	if p.inner > 0 {
		return w.inner[:p.inner]
	}
	switch {
	case depth == 0:
		w.inner = append(append(w.inner[:0], w.prefix...), '/')
	default:
		w.inner = w.inner[:len(w.within(depth-1))]
	}
	if p.class != Artifact && p.class != Cpio || depth == 0 {
		w.inner = append(w.inner, p.name...)
		if p.class != Dir {
			w.inner = append(w.inner, ".dir"...)
		}
		w.inner = append(w.inner, '/')
	}
	p.inner = len(w.inner)
	return w.inner
}
