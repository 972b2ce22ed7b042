package prune

import (
	"bufio"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/zeebo/blake3"
	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// A candidate is a victim that is being looked at.
type candidate struct {
	v    *Victim
	dir  int // its directory, open; -1 if it is not
	path string
	stat unix.Stat_t
	why  Reason // it stays
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

// openFile opens a file to read it, without setting the time at which that was done last,
// if that is our right.
func openFile(dir int, name string) (int, error) {
	const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
	fd, err := unix.Openat(dir, name, flags|unix.O_NOATIME, 0)
	if errors.Is(err, unix.EPERM) { // somebody else's
		fd, err = unix.Openat(dir, name, flags, 0)
	}
	return fd, err
}

// unlike says why a file stays that cannot be opened.
func unlike(err error) Reason {
	switch {
	case errors.Is(err, unix.ENOENT):
		return Gone
	case errors.Is(err, unix.ELOOP), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.EXDEV):
		return Changed
	}
	return Unreadable
}

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

// A guarded gold was read once, and is looked at again before each batch.
type guarded struct {
	name fossology.Name
	path string
	stat unix.Stat_t
	why  Reason // its victims stay
}

// guardAll reads the golds of a batch, several at once, but those of the batch before.
func (d *deed) guardAll(ctx context.Context, victims []*Victim) error {
	before := d.golds
	d.golds = map[int]*guarded{}
	var unread []*guarded
	for _, v := range victims {
		if d.golds[v.Gold] != nil {
			continue
		}
		if d.golds[v.Gold] = before[v.Gold]; d.golds[v.Gold] != nil {
			continue
		}
		name, ok := fossology.ParseName(d.p.Golds[v.Gold].Name)
		if !ok {
			return fmt.Errorf("gold %q of the plan: %w", d.p.Golds[v.Gold].Name, ErrNoPlan)
		}
		g := &guarded{name: name}
		d.golds[v.Gold], unread = g, append(unread, g)
	}
	return inParallel(ctx, len(unread), func(i int, _ []byte) { d.guard(ctx, unread[i]) })
}

// guard reads a gold.
func (d *deed) guard(ctx context.Context, g *guarded) {
	var err error
	if g.path, err = d.o.Repository.Find("gold", g.name.String()); err != nil {
		g.why = GoldMissing
		return
	}
	fd, err := unix.Open(g.path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		if g.why = unlike(err); g.why == Gone || g.why == Changed {
			g.why = GoldMissing
		}
		return
	}
	f := os.NewFile(uintptr(fd), g.path)
	defer f.Close()
	if unix.Fstat(fd, &g.stat) != nil || g.stat.Mode&unix.S_IFMT != unix.S_IFREG {
		g.why = GoldMissing
		return
	}
	s, m := sha1.New(), md5.New()
	size, err := io.Copy(io.MultiWriter(s, m), bufio.NewReaderSize(contextReader{ctx, f}, 1<<20))
	switch {
	case err != nil:
		g.why = Unreadable
	case (fossology.Name{SHA1: [20]byte(s.Sum(nil)), MD5: [16]byte(m.Sum(nil)), Size: size}) != g.name:
		g.why = GoldDamaged
	}
}

// intact says whether nobody has touched the gold since it was read.
func (g *guarded) intact() Reason {
	var st unix.Stat_t
	switch {
	case g.why != "":
		return g.why
	case unix.Lstat(g.path, &st) != nil:
		return GoldMissing
	case !same(&st, &g.stat):
		return GoldDamaged
	}
	return ""
}
