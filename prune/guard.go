package prune

import (
	"bufio"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// A guarded gold was read once, and is looked at again before each batch.
type guarded struct {
	name fossology.Name
	path string
	stat unix.Stat_t
	why  Reason // its victims stay
}

// guardAll reads the golds of a batch, several at once, but those of the batch before that
// nobody has touched since: an upload of the same archive links and touches a gold.
func (d *deed) guardAll(ctx context.Context, victims []*Victim) error {
	before := d.golds
	d.golds = map[int]*guarded{}
	var unread []*guarded
	for _, v := range victims {
		if d.golds[v.Gold] != nil {
			continue
		}
		if g := before[v.Gold]; g != nil && g.intact() != Changed {
			d.golds[v.Gold] = g
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
		return Changed
	}
	return ""
}
