package unpack

import "strings"

// split makes the directories of a path.
func (a *archive) split(path string) (dir *Node, name string, err error) {
	if why := a.refused(path); why != "" {
		a.Skip(path, why)
		return nil, "", nil
	}
	i := strings.LastIndexByte(strings.TrimRight(path, "/"), '/')
	parent, name := "", strings.Trim(path, "/")
	if i >= 0 {
		parent, name = path[:i], strings.Trim(path[i:], "/")
	}
	if name == "." || name == "" {
		a.Skip(path, "no file can have that name")
		return nil, "", nil
	}
	dir, err = a.place(parent, false)
	return dir, name, err
}

// maxName is the longest name that file systems take.
const maxName = 255

// refused says why nothing can have a path; "" if something can.
func (a *archive) refused(path string) string {
	if len(path) > a.u.limits.NameLength {
		return "its path is longer than paths may be"
	}
	if strings.IndexByte(path, 0) >= 0 {
		return "a path with a byte of zero"
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == ".." {
			return "it leads out of the archive"
		}
		if len(part) > maxName {
			return "its name is longer than names may be"
		}
	}
	return ""
}

// place finds or makes a directory, nil if its path is refused. The leading slash
// of an absolute path goes.
func (a *archive) place(path string, last bool) (*Node, error) {
	if why := a.refused(path); why != "" {
		a.Skip(path, why)
		return nil, nil
	}
	at := a.dir()
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." {
			continue
		}
		next := a.child(at, part)
		if next == nil || next.told != Dir && last { // a directory takes the place of a file
			if err := a.row(); err != nil {
				return nil, err
			}
			next = a.add(at, next, &Node{Name: part, Class: Dir, Extra: a.extra})
		}
		if next.told != Dir {
			a.Skip(path, "it goes through "+next.told.String()+" "+DisplayName(part))
			return nil, nil
		}
		at = next
	}
	return at, nil
}

// find looks an earlier member up.
func (a *archive) find(path string) *Node {
	at := a.dir()
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." {
			continue
		}
		if at.told != Dir && at != a.out {
			return nil // what is in a file is not this archive's, and may be being made
		}
		if at = a.child(at, part); at == nil {
			return nil
		}
	}
	return at
}
