package reunpack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"repotool/fossology"
	"repotool/unpack"
)

// TakeOptions say how contents are taken out of a gold. The zero value is good.
type TakeOptions struct {
	Limits  unpack.Limits
	TempDir string // where large contents lie until their hashes are known; see [unpack.Options]
}

// Take opens a gold, which was uploaded under a name, for the contents that are wanted,
// and reads no further than to the last of them. It needs neither repository nor ledger:
// where a content stands is not known, so each that is not too large is kept until its
// hashes say what it is. put is called for one that is wanted, from several goroutines,
// for one Name in one at a time, and says whether it took it: else it stays wanted. An
// error of put ends the work, and is returned. That a content does not come out is none.
func Take(ctx context.Context, upload string, gold *os.File, wanted []fossology.Name, put func(fossology.Name, io.ReadSeeker) (taken bool, err error), o TakeOptions) error {
	k := &taking{dir: o.TempDir, put: put, wanted: map[fossology.Name]bool{}}
	for _, n := range wanted {
		k.wanted[n] = true
		k.max = max(k.max, n.Size)
	}
	if len(k.wanted) == 0 {
		return nil
	}
	unpacking, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	k.stop = func() { stop(errEnough) }
	r, err := unpack.Unpack(unpacking, upload, gold, unpack.Options{
		Limits: o.Limits, TempDir: o.TempDir, Hashes: unpack.NameHashes, TakenOnly: true,
		Content: func(n *unpack.Node) unpack.Content {
			if n.Top() {
				return nil // the gold itself: who has it does not ask for it
			}
			return &kept{k: k}
		},
	})
	if err == nil {
		err = r.Close()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if k.done() && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// A taking is one call of Take.
type taking struct {
	dir  string
	put  func(fossology.Name, io.ReadSeeker) (bool, error)
	max  int64 // size of the largest that is wanted
	stop func()

	mu     sync.Mutex
	wanted map[fossology.Name]bool // false: it is being put
}

// claim says whether a content is wanted, and nobody is at it.
func (k *taking) claim(n fossology.Name) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.wanted[n] {
		return false
	}
	k.wanted[n] = false
	return true
}

// release ends a claim.
func (k *taking) release(n fossology.Name, taken bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !taken {
		k.wanted[n] = true
		return
	}
	if delete(k.wanted, n); len(k.wanted) == 0 {
		k.stop()
	}
}

func (k *taking) done() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.wanted) == 0
}

// takeInMemory is up to which size a content is in memory until its hashes are known:
// nearly all files of sources are smaller, and as many contents as there are processors
// come by at once.
const takeInMemory = 1 << 20

// A kept content may be wanted: that is known when all of it has come.
type kept struct {
	k    *taking
	size int64
	head bytes.Buffer
	file *os.File // of what is larger than takeInMemory, without a name
	err  error    // of this machine
}

// Write takes bytes; what goes wrong is told by Close.
func (c *kept) Write(b []byte) (int, error) {
	c.size += int64(len(b))
	switch {
	case c.size > c.k.max || c.err != nil:
		c.drop()
	case c.file == nil && c.size <= takeInMemory:
		c.head.Write(b)
	default:
		c.err = c.spill(b)
	}
	return len(b), nil
}

func (c *kept) drop() {
	if c.file != nil {
		c.file.Close()
	}
	c.file, c.head = nil, bytes.Buffer{}
}

func (c *kept) spill(b []byte) (err error) {
	if c.file == nil {
		if c.file, err = nameless(c.k.dir); err != nil {
			return err
		}
		if _, err := c.file.Write(c.head.Bytes()); err != nil {
			return err
		}
		c.head = bytes.Buffer{}
	}
	_, err = c.file.Write(b)
	return err
}

// Close implements [unpack.Content]; an error ends the unpack.
func (c *kept) Close(d *unpack.Digests) (err error) {
	defer c.drop()
	n := fossology.Name{SHA1: d.SHA1, MD5: d.MD5, Size: d.Size}
	switch {
	case c.err != nil:
		return fmt.Errorf("keep a content of gold: %w", c.err)
	case c.size != d.Size || !c.k.claim(n): // not all of it was seen, or it is not wanted
		return nil
	}
	taken := false
	defer func() { c.k.release(n, taken) }()
	if c.file == nil {
		taken, err = c.k.put(n, bytes.NewReader(c.head.Bytes()))
		return err
	}
	if _, err = c.file.Seek(0, io.SeekStart); err == nil {
		taken, err = c.k.put(n, c.file)
	}
	return err
}
