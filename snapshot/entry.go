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
	Object   store.Hash // of a file that is not empty
	Inode    uint64     // of a file that had several names, else 0: entries with the same one are links to each other
	Target   string     // of a symbolic link
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
