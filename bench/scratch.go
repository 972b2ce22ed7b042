package bench

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"repotool/fossology"
	"repotool/unpack"
)

// A scratch is a repository that nobody needs: contents are written there as FOSSology
// stores them, each once, below localhost/files. It is not synced.
type scratch struct {
	top   string
	files atomic.Int64
	bytes atomic.Int64
	n     atomic.Int64

	mu  sync.Mutex
	err error // the first; unpacking goes on without
}

func (s *scratch) fail(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && err != nil {
		s.err = err
	}
	return err
}

// content takes every content but the archive itself.
func (s *scratch) content(n *unpack.Node) unpack.Content {
	if n.Top() {
		return nil
	}
	work := filepath.Join(s.top, fmt.Sprintf(".work-%d.I", s.n.Add(1)))
	f, err := os.OpenFile(work, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o660)
	if err != nil {
		s.fail(err)
		return nil
	}
	return &stored{f, s}
}

// stored is a content that is being written.
type stored struct {
	*os.File
	s *scratch
}

// Close gives the content its Name, unless it is there.
func (c *stored) Close(d *unpack.Digests) error {
	err := c.File.Close()
	if d == nil || err != nil {
		return c.s.fail(errors.Join(err, os.Remove(c.Name())))
	}
	name := fossology.Name{SHA1: d.SHA1, MD5: d.MD5, Size: d.Size}.String()
	dir := filepath.Join(c.s.top, "localhost", "files", fossology.FanOut(name, fossology.DefaultDepth))
	place := filepath.Join(dir, name)
	err = os.Link(c.Name(), place)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(dir, 0o770); err == nil {
			err = os.Link(c.Name(), place)
		}
	}
	switch {
	case err == nil:
		c.s.files.Add(1)
		c.s.bytes.Add(d.Size)
	case errors.Is(err, fs.ErrExist):
		err = nil
	}
	return c.s.fail(errors.Join(err, os.Remove(c.Name())))
}
