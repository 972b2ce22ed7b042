package unpack

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
)

const (
	dscFormat = "dsc"
	// maxDscStart is how much of a file FOSSology looks at.
	maxDscStart = 500
	// maxDsc bounds a .dsc; the one of a kernel has 10 kB.
	maxDsc = 4 << 20
)

// isDsc: the one format that is recognised by its name, and by its text.
func isDsc(name string, head []byte) bool {
	head = head[:min(len(head), maxDscStart)]
	has := func(words ...string) bool {
		for _, w := range words {
			if !bytes.Contains(head, []byte(w)) {
				return false
			}
		}
		return true
	}
	return strings.HasSuffix(name, ".dsc") &&
		(has("-----BEGIN PGP SIGNED MESSAGE-----", "Source:") || has("Format:", "Source:", "Version:"))
}

// openDsc makes the container. What is in it comes when its neighbours are there.
func openDsc(_ context.Context, a *archive, _ io.Reader) error {
	a.asUnpacked()
	return nil
}

// sources unpacks the source packages of an archive whose members are complete.
func (a *archive) sources() {
	dscs := a.keep.dscs
	a.keep.dscs = nil
	for _, n := range dscs {
		if n.Format != dscFormat || n.parent.byName[n.Name] != n { // another member has taken its place
			continue
		}
		if !a.u.hire() {
			a.source(n)
			continue
		}
		a.wait.Go(func() {
			defer a.u.release()
			a.source(n)
		})
	}
	a.wait.Wait()
}

func (a *archive) source(n *Node) {
	b := &archive{u: a.u, ctx: a.ctx, node: n, depth: a.depth + 1}
	b.asUnpacked()
	err := b.guarded(func() error { return unpackDsc(a, b, n) })
	b.settle()
	b.end(err)
}

// unpackDsc runs dpkg-source on a .dsc that has its neighbours beside it, in from.
func unpackDsc(from, a *archive, n *Node) error {
	if err := a.stop(); err != nil {
		return err
	}
	s, err := a.u.scratch()
	if err != nil {
		a.u.fail(err)
		return errStop
	}
	defer s.remove()
	path, err := s.give(n.Name, n.kept)
	if err != nil {
		a.u.fail(err)
		return errStop
	}
	for _, name := range dscNames(io.NewSectionReader(n.kept, 0, n.kept.Size())) {
		part := from.neighbour(n.parent, name)
		if part == nil || part.kept == nil || name == n.Name {
			continue // dpkg-source will say so
		}
		if _, err := s.give(name, part.kept); err != nil {
			a.u.fail(fmt.Errorf("put a part beside %s: %w", n.Path(), err))
			return errStop
		}
	}
	const tree = "tree"
	return s.extract(a.ctx, a, []string{scratchOut, tree}, "dpkg-source", "-x", path, tree)
}

// neighbour finds a member while nobody may change what is in memory.
func (a *archive) neighbour(dir *Node, name string) *Node {
	n := dir.byName[name]
	if n == nil && a.spill != nil {
		n = a.lookup(dir, name)
	}
	return n
}

// dscNames are the files that a .dsc names, each once: its lines of a checksum, a
// size and a name.
func dscNames(r io.Reader) (names []string) {
	seen := map[string]bool{}
	lines := bufio.NewScanner(io.LimitReader(r, maxDsc))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if !strings.HasPrefix(lines.Text(), " ") || len(f) != 3 || seen[f[2]] ||
			strings.Trim(f[0], "0123456789abcdef") != "" || strings.Trim(f[1], "0123456789") != "" {
			continue
		}
		seen[f[2]] = true
		names = append(names, f[2])
	}
	return names
}
