package unpack

import (
	"slices"
	"strings"
)

// A link is a further name of a member whose content may still be being read.
type link struct{ name, member *Node }

// Link tells of a further name of an earlier member. If there is none, nothing is
// made, as a tool that cannot link makes nothing.
func (a *archive) Link(path, target string) error {
	old := a.find(target)
	if old != nil && (old.told == Symlink || old.told == Other) {
		_, err := a.member(path, old.told)
		return err
	}
	if old == nil || old.told != Leaf {
		a.Skip(path, "it is a link to "+DisplayName(target)+", which is not there")
		return nil
	}
	n, err := a.member(path, Leaf)
	if n == nil || err != nil {
		return err
	}
	a.links = append(a.links, link{n, old})
	return nil
}

// settleLinks gives the links what their members are, when all members are done.
// What is in a member counts again for each of its names.
func (a *archive) settleLinks() {
	for _, l := range a.links {
		l.name.Class, l.name.Format, l.name.Digests, l.name.dropped = l.member.Class, l.member.Format, l.member.Digests, l.member.dropped
		for _, c := range l.member.Children {
			if err := a.copyInto(l.name, c); err != nil {
				a.u.skip(l.name, "not all that is in it: "+err.Error())
				a.links = nil
				return
			}
		}
	}
	a.links = nil
}

func (a *archive) copyInto(n, c *Node) error {
	if err := a.row(); err != nil {
		return err
	}
	x := n.add(&Node{Name: c.Name, Class: c.Class, Format: c.Format, Digests: c.Digests, Extra: c.Extra})
	for _, y := range c.Children {
		if err := a.copyInto(x, y); err != nil {
			return err
		}
	}
	x.byName = nil
	return nil
}

// maxThrough is how many symbolic links a path may go through: Linux takes as many.
const maxThrough = 40

// SymlinkTo tells of a symbolic link that later members may go through, as far as it
// leads to what is in the archive.
func (a *archive) SymlinkTo(path, target string) error {
	n, err := a.member(path, Symlink)
	if n == nil || err != nil || strings.HasPrefix(target, "/") || slices.Contains(strings.Split(target, "/"), "..") {
		return err // tar makes such a link when all members are there
	}
	if a.soft == nil {
		a.soft = map[*Node]string{}
	}
	a.soft[n] = target
	return nil
}

// through is a path without the symbolic links that its directories are.
func (a *archive) through(path string) string {
	for range maxThrough {
		next := a.throughOne(path)
		if next == path {
			break
		}
		path = next
	}
	return path
}

// throughOne follows the first link of a path.
func (a *archive) throughOne(path string) string {
	if len(a.soft) == 0 || len(path) > a.u.limits.NameLength {
		return path
	}
	at, from := a.dir(), 0
	for from < len(path) {
		size := strings.IndexByte(path[from:], '/')
		if size < 0 || strings.Trim(path[from+size:], "/") == "" {
			return path // the member itself is not followed
		}
		part := path[from : from+size]
		if part != "" && part != "." {
			if at != a.out && at.told != Dir {
				return path
			}
			if at = at.child(part); at == nil {
				return path
			}
			if target, ok := a.soft[at]; ok {
				return path[:from] + target + path[from+size:]
			}
		}
		from += size + 1
	}
	return path
}

// asExtra says of everything that came out that FOSSology has none of it.
func (a *archive) asExtra() {
	a.wait.Wait()
	for _, c := range a.dir().Children {
		c.Walk(func(n *Node) error {
			n.Extra = true
			return nil
		})
	}
}
