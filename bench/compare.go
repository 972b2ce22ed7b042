package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Differences count what is not the same in two trees.
type Differences struct {
	Files    int64  `json:"files"`           // compared
	Missing  int64  `json:"missing"`         // files and directories that the second tree lacks
	Extra    int64  `json:"extra"`           // that only the second tree has
	Content  int64  `json:"content"`         // files with other bytes or of another type
	Mode     int64  `json:"mode"`            // files and directories with another mode
	Time     int64  `json:"time"`            // files with another time
	DirTime  int64  `json:"dirTime"`         // directories with another time; not a fault
	FirstOne string `json:"first,omitempty"` // a path that differs
}

// Same says whether nothing that matters differs.
func (d Differences) Same() bool {
	return d.Missing == 0 && d.Extra == 0 && d.Content == 0 && d.Mode == 0 && d.Time == 0
}

// String says how many there are of each sort that matters.
func (d Differences) String() string {
	return fmt.Sprintf("%d missing, %d too many, %d with other bytes, %d modes, %d times; first %s", d.Missing, d.Extra, d.Content, d.Mode, d.Time, d.FirstOne)
}

// Compare compares two trees: names, types, modes, times and every byte.
func Compare(ctx context.Context, a, b string) (Differences, error) {
	c := comparison{}
	c.group, ctx = errgroup.WithContext(ctx)
	c.group.SetLimit(comparers)
	err := c.dirs(ctx, a, b)
	err = errors.Join(err, c.group.Wait()) // before the counts are read: others write them
	return c.Differences, err
}

// comparers is how many directories are compared at once, for disks on which one reader
// waits most of the time.
const comparers = 8

// comparison is the state of one Compare.
type comparison struct {
	group *errgroup.Group
	mu    sync.Mutex
	Differences
}

// count notes one difference.
func (c *comparison) count(n *int64, path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
	if c.FirstOne == "" || path < c.FirstOne {
		c.FirstOne = path
	}
}

// passed counts what is no difference that matters.
func (c *comparison) passed(n *int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
}

// dirs compares two directories; both lists are sorted.
func (c *comparison) dirs(ctx context.Context, a, b string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	la, err := os.ReadDir(a)
	if err != nil {
		return err
	}
	lb, err := os.ReadDir(b)
	if err != nil {
		return err
	}
	for len(la) > 0 || len(lb) > 0 {
		switch {
		case len(lb) == 0 || len(la) > 0 && la[0].Name() < lb[0].Name():
			c.count(&c.Missing, filepath.Join(b, la[0].Name()))
			la = la[1:]
		case len(la) == 0 || lb[0].Name() < la[0].Name():
			c.count(&c.Extra, filepath.Join(b, lb[0].Name()))
			lb = lb[1:]
		default:
			if err := c.entries(ctx, filepath.Join(a, la[0].Name()), filepath.Join(b, lb[0].Name())); err != nil {
				return err
			}
			la, lb = la[1:], lb[1:]
		}
	}
	return nil
}

// entries compares two things of the same name.
func (c *comparison) entries(ctx context.Context, a, b string) error {
	sa, err := os.Lstat(a)
	if err != nil {
		return err
	}
	sb, err := os.Lstat(b)
	if err != nil {
		return err
	}
	if sa.Mode() != sb.Mode() {
		c.count(&c.Mode, b)
	}
	if sa.Mode().Type() != sb.Mode().Type() {
		c.count(&c.Content, b)
		return nil
	}
	if sa.IsDir() {
		if !sa.ModTime().Equal(sb.ModTime()) {
			c.passed(&c.DirTime)
		}
		return beside(c.group, func() error { return c.dirs(ctx, a, b) })
	}
	c.passed(&c.Files)
	if !sa.ModTime().Equal(sb.ModTime()) {
		c.count(&c.Time, b)
	}
	same := sa.Size() == sb.Size()
	if same && sa.Mode().IsRegular() {
		if same, err = sameContent(a, b); err != nil {
			return err
		}
	}
	if !same {
		c.count(&c.Content, b)
	}
	return nil
}

// comparePairs are buffers for two files.
var comparePairs = sync.Pool{New: func() any { return new([2][64 << 10]byte) }}

// sameContent compares the bytes of two files of one size.
func sameContent(a, b string) (bool, error) {
	buf := comparePairs.Get().(*[2][64 << 10]byte)
	defer comparePairs.Put(buf)
	fa, err := os.Open(a)
	if err != nil {
		return false, err
	}
	defer fa.Close()
	fb, err := os.Open(b)
	if err != nil {
		return false, err
	}
	defer fb.Close()
	for {
		na, errA := io.ReadFull(fa, buf[0][:])
		nb, errB := io.ReadFull(fb, buf[1][:])
		if !bytes.Equal(buf[0][:na], buf[1][:nb]) {
			return false, nil
		}
		if end(errA) && end(errB) {
			return true, nil
		}
		if err := errors.Join(errA, errB); err != nil {
			return false, err
		}
	}
}

func end(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }

// repositoryIn finds the repository that a program restored into dir: dir
// itself, or the only directory below that holds the host.
func repositoryIn(dir, host string) string {
	found := dir
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && e.Name() == host {
			found = filepath.Dir(path)
			return fs.SkipAll
		}
		return nil
	})
	return found
}
