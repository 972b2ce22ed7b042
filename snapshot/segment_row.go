package snapshot

import (
	"encoding/binary"

	"repotool/fossology"
)

// maxPath is longer than any path a kernel accepts.
const maxPath = 1 << 16

// rowReader takes a row apart. After the first thing that does not fit, it
// returns zeros and remembers that.
type rowReader struct {
	b   []byte
	bad bool
}

func (r *rowReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *rowReader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *rowReader) bytes(n uint64) []byte {
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// readRow reads what appendRow wrote and returns what follows it.
func (s *rowState) readRow(b []byte, e *Entry, depth int) ([]byte, error) {
	flags := b[0]
	r := rowReader{b: b[1:]}
	*e = Entry{Kind: EntryKind(flags & 3)}
	if flags&rowCanonical != 0 {
		if flags&rowSameDir == 0 {
			s.dir = string(r.bytes(min(r.uvarint(), maxPath)))
		}
		var name fossology.Name
		copy(name.SHA1[:], r.bytes(20))
		copy(name.MD5[:], r.bytes(16))
		name.Size = int64(r.uvarint())
		e.Size = name.Size
		var buf [256]byte
		if !r.bad && depth >= 0 && depth <= 20 {
			e.Path = string(appendCanonical(buf[:0], s.dir, name, depth))
		}
	} else {
		shared := r.uvarint()
		rest := r.bytes(r.uvarint())
		if shared > uint64(len(s.path)) || len(rest) > maxPath {
			return nil, ErrDamagedManifest
		}
		e.Path = s.path[:shared] + string(rest)
	}
	s.path = e.Path
	if e.Kind != removed {
		s.readMeta(&r, e, flags)
	}
	if r.bad {
		return nil, ErrDamagedManifest
	}
	return r.b, nil
}

func (s *rowState) readMeta(r *rowReader, e *Entry, flags byte) {
	if flags&rowSameMeta == 0 {
		s.mode, s.uid, s.gid = uint32(r.uvarint()), uint32(r.uvarint()), uint32(r.uvarint())
	}
	e.Mode, e.UID, e.GID = s.mode, s.uid, s.gid
	s.mtime += r.varint()
	e.Mtime = s.mtime
	if flags&rowSized != 0 {
		e.Size = int64(r.uvarint())
	}
	if flags&rowObject != 0 {
		copy(e.Object[:], r.bytes(32))
	}
	if flags&rowInode != 0 {
		e.Inode = r.uvarint()
	}
	if e.Kind == Symlink {
		e.Target = string(r.bytes(r.uvarint()))
	}
}
