package unpack

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
)

// A source package of Debian is a .dsc and the files that it names, beside it in
// the same directory, in whatever order an archive holds them. So what may be
// such a file is kept until the archive has been read.

// partEndings are the endings of files that a .dsc names.
var partEndings = []string{".tar.gz", ".tar.xz", ".tar.bz2", ".tar.lzma", ".tar.zst", ".diff.gz", ".diff.xz", ".diff.bz2",
	".tar.gz.asc", ".tar.xz.asc", ".tar.bz2.asc", ".tar.lzma.asc", ".tar.zst.asc"}

// isPart goes by the name: package_version.ending.
func isPart(name string) bool {
	if strings.HasSuffix(name, ".dsc") {
		return true
	}
	if i := strings.IndexByte(name, '_'); i <= 0 {
		return false
	}
	for _, e := range partEndings {
		if strings.HasSuffix(name, e) {
			return true
		}
	}
	return false
}

// A keeper keeps contents of the members of one archive: in memory while they are
// few, then one behind the other in one file without a name, for an archive may
// hold a hundred thousand of them.
type keeper struct {
	dscs   []*Node // that may be source packages
	mem    int64
	file   *os.File
	end    int64       // of the file
	base   io.ReaderAt // what members lie in that can be read anywhere
	closed bool
}

// maxSources is how many .dsc of one archive are opened: all of Debian has 38,000.
const maxSources = 50_000

// part is told of a node whose content is kept.
func (k *keeper) part(n *Node) {
	if strings.HasSuffix(n.Name, ".dsc") {
		k.dscs = append(k.dscs, n)
	}
}

// close forgets all that was kept.
func (k *keeper) close() {
	if k.file != nil {
		k.file.Close()
	}
	*k = keeper{closed: true}
}

// A keeping is a content that is being kept. An archive reads one member at a
// time, so there is only one.
type keeping struct {
	a     *archive
	mem   []byte
	filed bool // in the file, from off on
	off   int64
}

// Write keeps bytes. It fails only with this machine's disk.
func (k *keeping) Write(b []byte) (int, error) {
	keep := &k.a.keep
	if !k.filed && keep.mem+int64(len(b)) <= k.a.u.limits.SpoolMemory {
		k.mem = append(k.mem, b...)
		keep.mem += int64(len(b))
		return len(b), nil
	}
	if err := k.toFile(b); err != nil {
		k.a.u.fail(fmt.Errorf("keep a part of a source package: %w", err))
		return 0, errStop
	}
	return len(b), nil
}

// toFile moves the content to the file, and writes b behind it.
func (k *keeping) toFile(b []byte) (err error) {
	keep := &k.a.keep
	if keep.file == nil {
		if keep.file, err = k.a.u.unnamed(); err != nil {
			return err
		}
	}
	if !k.filed {
		k.filed, k.off = true, keep.end
		keep.mem -= int64(len(k.mem))
		b, k.mem = append(k.mem, b...), nil
	}
	n, err := keep.file.WriteAt(b, keep.end)
	keep.end += int64(n)
	return err
}

// content is what was kept.
func (k *keeping) content() *io.SectionReader {
	if k.filed {
		return io.NewSectionReader(k.a.keep.file, k.off, k.a.keep.end-k.off)
	}
	return io.NewSectionReader(bytes.NewReader(k.mem), 0, int64(len(k.mem)))
}

// place says where a content lies, so that its reader may go: a flag of its record,
// and the offset. What is in memory, or in some other place than the rest, goes to
// the file.
func (k *keeper) place(u *run, content *io.SectionReader) (flag byte, at int64, err error) {
	var from io.ReaderAt = content
	for {
		s, ok := from.(*io.SectionReader)
		if !ok {
			break
		}
		var off int64
		from, off, _ = s.Outer()
		at += off
	}
	if f, ok := from.(*os.File); ok && f == k.file {
		return recordKept, at, nil
	}
	_, inMemory := from.(*bytes.Reader)
	if k.base == nil && !inMemory {
		k.base = from
	}
	if !inMemory && k.base == from {
		return recordThere, at, nil
	}
	if k.file == nil {
		if k.file, err = u.unnamed(); err != nil {
			return 0, 0, err
		}
	}
	at = k.end
	n, err := io.Copy(io.NewOffsetWriter(k.file, at), io.NewSectionReader(content, 0, content.Size()))
	k.end += n
	return recordKept, at, err
}

// at makes the reader again.
func (k *keeper) at(flags byte, at, size int64) *io.SectionReader {
	if flags&recordKept != 0 {
		return io.NewSectionReader(k.file, at, size)
	}
	return io.NewSectionReader(k.base, at, size)
}
