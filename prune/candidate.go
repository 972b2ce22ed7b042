package prune

import (
	"context"
	"io"
	"os"
	"path"

	"github.com/zeebo/blake3"
	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// A candidate is a victim that is being looked at.
type candidate struct {
	v      *Victim
	makers []fossology.Name // the golds that make it, by the ledger; sorted
	dir    int              // its directory, open; -1 if it is not
	path   string
	stat   unix.Stat_t
	why    Reason // it stays
}

// look opens a victim's directory, and reads the file: it must be what was planned, and
// the bytes that gold makes.
func (d *deed) look(ctx context.Context, v *Victim, buf []byte) *candidate {
	name := v.Name.String()
	c := &candidate{v: v, dir: -1, path: path.Join(v.Host, "files", fossology.FanOut(name, d.o.Repository.Depth), name)}
	var err error
	c.dir, err = fossology.OpenBeneath(d.top, path.Dir(c.path))
	if err != nil {
		c.why = unlike(err)
		return c
	}
	fd, err := openFile(c.dir, name)
	if err != nil {
		c.why = unlike(err)
		return c
	}
	f := os.NewFile(uintptr(fd), c.path)
	defer f.Close()
	switch err := unix.Fstat(fd, &c.stat); {
	case err != nil:
		c.why = Unreadable
	case c.stat.Mode&unix.S_IFMT != unix.S_IFREG, c.stat.Ino != v.Inode, uint32(c.stat.Nlink) != v.Links:
		c.why = Changed
	case c.stat.Size != v.Name.Size:
		c.why = WrongBytes
	default:
		c.why = d.read(ctx, f, v, buf)
	}
	return c
}

// read compares the bytes of a file with those that gold makes.
func (d *deed) read(ctx context.Context, f *os.File, v *Victim, buf []byte) Reason {
	h := blake3.New()
	n, err := io.CopyBuffer(onlyWriter{h}, io.LimitReader(contextReader{ctx, f}, v.Name.Size+1), buf)
	switch {
	case err != nil:
		return Unreadable
	case n != v.Name.Size || [32]byte(h.Sum(nil)) != v.BLAKE3:
		return WrongBytes
	}
	return ""
}

// onlyWriter hides what else a hash can do, so that the buffer is used.
type onlyWriter struct{ io.Writer }

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// still says whether the file is the one that was read, untouched since.
func (c *candidate) still() bool {
	var st unix.Stat_t
	err := unix.Fstatat(c.dir, path.Base(c.path), &st, unix.AT_SYMLINK_NOFOLLOW)
	return err == nil && same(&st, &c.stat)
}

// same says whether nobody has touched a file between two looks.
func same(a, b *unix.Stat_t) bool {
	return a.Dev == b.Dev && a.Ino == b.Ino && a.Mode == b.Mode && a.Nlink == b.Nlink && a.Size == b.Size && a.Mtim == b.Mtim && a.Ctim == b.Ctim
}

func (c *candidate) close() {
	if c.dir >= 0 {
		unix.Close(c.dir)
		c.dir = -1
	}
}
