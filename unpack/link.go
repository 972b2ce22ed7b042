package unpack

// A link is a further name of a member whose content may still be being read.
type link struct{ name, member *Node }

// Link tells of a further name of an earlier member. If there is none, nothing is
// made, as a tool that cannot link makes nothing.
func (a *archive) Link(path, target string) error {
	a.room()
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

// settleLinks gives the links what their members are, when all members are done:
// but those to a source package, which comes last, only if that is done, too. What
// is in a member counts again for each of its names.
func (a *archive) settleLinks(sources bool) {
	var later []link
	full := false
	for _, l := range a.links {
		m := l.member
		l.name.Class, l.name.Format, l.name.Digests, l.name.dropped, l.name.kept = m.Class, m.Format, m.Digests, m.dropped, m.kept
		if !sources && m.isSource() {
			later = append(later, l)
			continue
		}
		if full {
			continue
		}
		if full = a.u.rows.Add(m.sub.rows) > a.u.limits.Entries; full {
			a.u.rows.Add(-m.sub.rows)
			a.u.skip(l.name, "nothing that is in it: "+errEntries.Error())
			continue
		}
		l.name.sub = m.sub
	}
	a.links = later
}

// isSource says whether a node may be a source package that is yet to be opened.
func (n *Node) isSource() bool { return n.Format == dscFormat && n.kept != nil }
