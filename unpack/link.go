package unpack

// A link is a further name of a member whose content may still be being read.
type link struct{ name, member *Node }

// Link tells of a further name of an earlier member. If there is none, nothing is
// made, as a tool that cannot link makes nothing.
func (a *archive) Link(path, target string) error {
	old := a.find(target)
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
