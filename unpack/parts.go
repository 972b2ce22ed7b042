package unpack

import (
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
	parts []*Node
	mem   int64
	file  *os.File
	end   int64 // of the file
}

// A keeping is the content that is being kept. An archive reads one member at a
// time, so there is only one.
type keeping struct {
	a    *archive
	node *Node
	s    *spool
}

func (a *archive) keeping(n *Node) *keeping {
	return &keeping{a, n, &spool{shared: true}}
}

// Write keeps bytes. It fails only with this machine's disk.
func (k *keeping) Write(b []byte) (int, error) {
	a, s := k.a, k.s
	if s.file == nil && a.keep.mem+int64(len(s.mem)+len(b)) <= a.u.limits.SpoolMemory {
		s.mem = append(s.mem, b...)
		s.size += int64(len(b))
		return len(b), nil
	}
	if err := k.toFile(); err != nil {
		a.u.fail(err)
		return 0, errStop
	}
	n, err := s.file.WriteAt(b, a.keep.end)
	a.keep.end += int64(n)
	s.size += int64(n)
	if err != nil {
		a.u.fail(err)
		return n, errStop
	}
	return n, nil
}

// toFile moves a content to the file.
func (k *keeping) toFile() (err error) {
	keep, s := &k.a.keep, k.s
	if s.file != nil {
		return nil
	}
	if keep.file == nil {
		if keep.file, err = k.a.u.unnamed(); err != nil {
			return err
		}
	}
	s.file, s.off = keep.file, keep.end
	n, err := s.file.WriteAt(s.mem, keep.end)
	keep.end += int64(n)
	s.mem = nil
	return err
}

// done hands the content to its node.
func (k *keeping) done() {
	k.a.keep.mem += int64(len(k.s.mem))
	k.node.kept = k.s
	k.a.keep.parts = append(k.a.keep.parts, k.node)
}

// close forgets all that was kept.
func (k *keeper) close() {
	for _, n := range k.parts {
		n.kept = nil
	}
	if k.file != nil {
		k.file.Close()
	}
	*k = keeper{}
}
