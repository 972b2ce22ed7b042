package prune

import (
	"errors"
	"io/fs"
	"path"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// remove removes files that may go.
func (d *deed) remove(batch []*candidate, to int64) error {
	atStep()
	if err := d.begin(to, batch); err != nil {
		return err
	}
	for _, c := range batch {
		atStep()
		switch err := unix.Unlinkat(c.dir, path.Base(c.path), 0); {
		case errors.Is(err, unix.ENOENT):
			d.r.Kept.add(Gone, c.v.Name.Size)
			continue
		case err != nil:
			return &fs.PathError{Op: "remove", Path: path.Join(d.p.Repository, c.path), Err: err}
		}
		d.r.Removed.add(c.v.Name.Size)
		d.r.Freed += c.v.Freed
		for _, g := range d.golds {
			if c.stat.Ino == g.stat.Ino && c.stat.Dev == g.stat.Dev { // gold has one name less
				unix.Lstat(g.path, &g.stat)
			}
		}
		c.close()
		d.clear(path.Dir(c.path), d.p.emptyTo(c.v.Host))
	}
	return nil
}

// emptyTo is the directory above those that go when they are empty.
func (p *Plan) emptyTo(host string) string { return path.Join(host, "files") }

// clear removes directories that are empty. FOSSology may be about to put a file into
// one: then it finds the directory missing. That takes a new file whose Name begins with
// the same six digits, at the same microsecond.
func (d *deed) clear(dir, end string) {
	for ; dir != end && len(dir) > len(end); dir = path.Dir(dir) {
		at, err := fossology.OpenBeneath(d.top, path.Dir(dir))
		if err != nil {
			return
		}
		atStep()
		err = unix.Unlinkat(at, path.Base(dir), unix.AT_REMOVEDIR)
		unix.Close(at)
		if err != nil {
			return // not empty, mostly
		}
		d.r.Directories++
	}
}
