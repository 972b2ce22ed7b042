package snapshot

import (
	"encoding/binary"

	"repotool/fossology"
)

// Flags of a row. The two low bits are the kind.
const (
	rowCanonical = 1 << (iota + 2)
	rowSameDir
	rowSameMeta
	rowSized
	rowObject
	rowInode
)

// modeGone is set in the mode of a file that is not in the repository any more: above all
// that a kernel knows of modes. There is none in versions 1 and 2.
const modeGone = 1 << 20

// rowState is what a row is encoded against.
type rowState struct {
	path           string
	dir            string
	mode, uid, gid uint32
	mtime          int64
	golds          *goldTable
}

func (s *rowState) appendRow(b []byte, e *Entry, depth int) []byte {
	at := len(b)
	b = append(b, byte(e.Kind))
	flags := byte(e.Kind)
	if e.LeftOut() {
		flags = byte(removed)
	}
	dir, name, canonical := splitCanonical(e.Path, depth)
	if canonical {
		flags |= rowCanonical
		if dir == s.dir {
			flags |= rowSameDir
		} else {
			b = binary.AppendUvarint(b, uint64(len(dir)))
			b = append(b, dir...)
			s.dir = dir
		}
		b = append(append(b, name.SHA1[:]...), name.MD5[:]...)
		b = binary.AppendUvarint(b, uint64(name.Size))
	} else {
		shared := 0
		for shared < min(len(e.Path), len(s.path)) && e.Path[shared] == s.path[shared] {
			shared++
		}
		b = binary.AppendUvarint(b, uint64(shared))
		b = binary.AppendUvarint(b, uint64(len(e.Path)-shared))
		b = append(b, e.Path[shared:]...)
	}
	s.path = e.Path
	if e.Kind == removed {
		b[at] = flags
		return b
	}
	mode := e.Mode
	if e.Gone {
		mode |= modeGone
	}
	if mode == s.mode && e.UID == s.uid && e.GID == s.gid {
		flags |= rowSameMeta
	} else {
		b = binary.AppendUvarint(b, uint64(mode))
		b = binary.AppendUvarint(b, uint64(e.UID))
		b = binary.AppendUvarint(b, uint64(e.GID))
		s.mode, s.uid, s.gid = mode, e.UID, e.GID
	}
	b = binary.AppendVarint(b, e.Mtime-s.mtime)
	s.mtime = e.Mtime
	if !canonical || e.Size != name.Size {
		flags |= rowSized
		b = binary.AppendUvarint(b, uint64(e.Size))
	}
	if !e.Object.IsZero() {
		flags |= rowObject
		b = append(b, e.Object[:]...)
	}
	if e.Inode != 0 {
		flags |= rowInode
		b = binary.AppendUvarint(b, e.Inode)
	}
	if e.Kind == Symlink {
		b = binary.AppendUvarint(b, uint64(len(e.Target)))
		b = append(b, e.Target...)
	}
	if e.LeftOut() {
		b = binary.AppendUvarint(b, s.golds.number(e.Gold))
	}
	b[at] = flags
	return b
}

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
	leftOut := e.Kind == removed && flags&rowObject != 0
	if leftOut {
		e.Kind = File
	}
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
	if leftOut {
		gold, ok := s.golds.get(r.uvarint())
		e.Gold, r.bad = gold, r.bad || !ok
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
	e.Mode, e.UID, e.GID, e.Gone = s.mode&^modeGone, s.uid, s.gid, s.mode&modeGone != 0
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
