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
	a.room()
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

// maxThrough is how many symbolic links a path may go through: Linux takes as many.
const maxThrough = 40

// maxSoft is how many symbolic links of one archive are kept, which stay in memory: a
// distribution has some ten thousand.
const maxSoft = 100_000

// maxTarget is the length of a path that Linux takes no more (PATH_MAX); in a tar it may have
// a megabyte.
const maxTarget = 4096

// SymlinkTo tells of a symbolic link that later members may go through, as far as it
// leads to what is in the archive.
func (a *archive) SymlinkTo(path, target string) error {
	a.room()
	n, err := a.member(path, Symlink)
	if n == nil || err != nil {
		return err
	}
	key := string(a.key(n))
	delete(a.soft, key)
	switch {
	case strings.HasPrefix(target, "/") || slices.Contains(strings.Split(target, "/"), ".."):
		return nil // tar makes such a link when all members are there
	case len(target) >= maxTarget:
		return nil // nor can tar make one that is so long
	case len(a.soft) >= maxSoft:
		a.Skip(path, "too many symbolic links: no member goes through this one")
		return nil
	}
	if a.soft == nil {
		a.soft = map[string]string{}
	}
	a.soft[key] = target
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
			if at = a.child(at, part); at == nil {
				return path
			}
			if at.told == Symlink {
				if target, ok := a.soft[string(a.key(at))]; ok {
					return path[:from] + target + path[from+size:]
				}
			}
		}
		from += size + 1
	}
	return path
}

// asExtra says of everything that came out that FOSSology has none of it.
func (a *archive) asExtra() {
	a.wait.Wait()
	a.dir().extras = true
}

// isSource says whether a node may be a source package that is yet to be opened.
func (n *Node) isSource() bool { return n.Format == dscFormat && n.kept != nil }
