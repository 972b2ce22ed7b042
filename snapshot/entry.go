package snapshot

import (
	"repotool/fossology"
	"repotool/store"
)

// EntryKind says what an entry of a manifest is.
type EntryKind uint8

// The kinds of entries.
const (
	File    EntryKind = iota // a regular file
	Dir                      // a directory that is empty, or whose mode or owner are not the usual ones
	Symlink                  // a symbolic link; Target says where to
	removed                  // in a difference: the path is no longer there
)

// An Entry is one thing in a repository, as a manifest records it.
type Entry struct {
	Path     string // relative to the repository
	Kind     EntryKind
	Mode     uint32 // permission bits with setuid, setgid and sticky
	UID, GID uint32
	Mtime    int64      // nanoseconds since 1970
	Size     int64      // bytes
	Object   store.Hash // of a file that is not empty: its BLAKE3, even if it is left out
	Inode    uint64     // of a file that had several names, else 0: entries with the same one are links to each other
	Target   string     // of a symbolic link
	Gold     Gold       // of a file that is left out: what brings it back
	Gone     bool       // it is not in the repository any more, but the database refers to it
}

// LeftOut says whether the snapshot does not keep the bytes of a file, since gold
// makes them.
func (e *Entry) LeftOut() bool { return !e.Gold.Name.IsZero() }

// A Gold is an archive that other files are taken out of.
type Gold struct {
	Name   fossology.Name
	Upload string // its file name, which decides what some formats unpack to
}

// Name returns the content name of an entry that has one: its file name is a
// Name and stands where FOSSology puts it.
func (e *Entry) Name(depth int) (fossology.Name, bool) {
	_, name, ok := splitCanonical(e.Path, depth)
	return name, ok
}

// splitCanonical splits "localhost/files/aa/bb/cc/<name>" into
// "localhost/files" and the Name, if the path is what FOSSology makes of them.
func splitCanonical(path string, depth int) (dir string, name fossology.Name, ok bool) {
	i := len(path) - 1
	for i >= 0 && path[i] != '/' {
		i--
	}
	base := path[i+1:]
	if len(base) < 40+1+32+1+1 || i < 3*depth {
		return "", name, false
	}
	dirEnd := i - 3*depth // the slash in front of the fan-out
	for d := range depth {
		at := dirEnd + 3*d
		if path[at] != '/' || path[at+1] != base[2*d] || path[at+2] != base[2*d+1] {
			return "", name, false
		}
	}
	name, ok = fossology.ParseName(base)
	return path[:dirEnd], name, ok
}

// appendCanonical is the reverse of splitCanonical.
func appendCanonical(b []byte, dir string, name fossology.Name, depth int) []byte {
	b = append(b, dir...)
	at := len(b)
	for range depth {
		b = append(b, "/xx"...)
	}
	b = append(b, '/')
	start := len(b)
	b = name.Append(b)
	for d := range depth {
		b[at+3*d+1], b[at+3*d+2] = b[start+2*d], b[start+2*d+1]
	}
	return b
}

// contentEqual says whether two entries stand for the same bytes.
func (e *Entry) contentEqual(o *Entry) bool {
	return e.Kind == o.Kind && e.Size == o.Size && e.Object == o.Object && e.Target == o.Target
}

// differs says whether two entries of one path stand for different things.
func (e *Entry) differs(o *Entry) bool {
	a, b := *e, *o
	a.Gold, b.Gold, a.Gone, b.Gone = Gold{}, Gold{}, false, false
	return a != b
}
