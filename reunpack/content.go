package reunpack

import (
	"sync"

	"repotool/fossology"
	"repotool/unpack"
)

// inMemory is up to which size a content is kept in memory until its hashes say that it
// is wanted: most files of sources are smaller.
const inMemory = 64 << 10

// heads are buffers of that size. A content has one from its first byte to its last.
var heads = sync.Pool{New: func() any { return new([inMemory]byte) }}

// A content is one that comes by at a place of something that is wanted, or somewhere.
type content struct {
	x     *opening
	wants []*want // that it may be; nil: any of the opening's
	into  *target // where its file is made; all wants of a path are mostly of one
	max   int64   // the size of the largest that it may be
	size  int64
	head  *[inMemory]byte // the first bytes
	held  int             // how many, until there is a file
	file  *blank          // then
	bad   bool            // it could not be written: it is no content any more
}

// content is Options.Content of package unpack.
func (x *opening) content(n *unpack.Node) unpack.Content {
	wants := x.paths[n.Path()]
	if len(wants) == 0 {
		return nil
	}
	c := &content{x: x}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, w := range wants {
		if !w.done {
			c.wants = append(c.wants, w)
			c.max = max(c.max, w.name.Size)
		}
	}
	if len(c.wants) == 0 {
		return nil
	}
	c.into = c.wants[0].target
	return c
}

// hashed has a content hashed that nobody wants.
type hashed struct{}

func (hashed) Write(b []byte) (int, error) { return len(b), nil }
func (hashed) Close(*unpack.Digests) error { return nil }

// Write takes bytes. An error ends the unpack.
func (c *content) Write(b []byte) (int, error) {
	c.x.o.Stir()
	if c.size += int64(len(b)); c.size > c.max {
		c.drop() // it cannot be any of them
		return len(b), nil
	}
	if c.file == nil && c.held+len(b) <= inMemory {
		if c.head == nil {
			c.head = heads.Get().(*[inMemory]byte)
		}
		c.held += copy(c.head[c.held:], b)
		return len(b), nil
	}
	if err := c.spill(); err != nil {
		c.bad = true
		return 0, err
	}
	if _, err := writer(c.file.fd).Write(b); err != nil {
		err = c.unwritten(err)
		c.bad = true
		c.drop()
		return 0, err
	}
	return len(b), nil
}

func (c *content) unwritten(err error) error { return &pathError{"write a file of", c.into.top, err} }

// spill puts what is in memory into a file.
func (c *content) spill() (err error) {
	if c.file != nil {
		return nil
	}
	if c.file, err = c.into.create(); err != nil {
		return err
	}
	if c.held == 0 {
		return nil
	}
	if _, err := writer(c.file.fd).Write(c.head[:c.held]); err != nil {
		err = c.unwritten(err)
		c.drop()
		return err
	}
	c.forget()
	return nil
}

// forget gives the memory back.
func (c *content) forget() {
	if c.head != nil {
		heads.Put(c.head)
	}
	c.head, c.held = nil, 0
}

func (c *content) drop() {
	if c.file != nil {
		c.into.discard(c.file)
	}
	c.file = nil
	c.forget()
}

// Close implements [unpack.Content]; an error ends the unpack.
func (c *content) Close(d *unpack.Digests) error {
	if c.bad {
		c.drop()
		return nil
	}
	w := c.claim(fossology.Name{SHA1: d.SHA1, MD5: d.MD5, Size: d.Size})
	if w == nil {
		c.drop()
		return nil
	}
	if w.target != c.into && c.file != nil {
		// Two contents of one path belong to two hosts. The next gold that makes it,
		// or the next run, which wants this one alone, brings it.
		c.x.unclaim(w)
		c.drop()
		return nil
	}
	c.into = w.target
	if err := c.spill(); err != nil {
		return err
	}
	b := c.file
	c.file = nil
	if err := w.target.put(b, w.name, w.path, &c.x.run.tally); err != nil {
		return err
	}
	c.x.brought()
	return nil
}

// claim says which of the wants the content is, if somebody has not brought it yet.
func (c *content) claim(n fossology.Name) *want {
	if c.size != n.Size { // not all of it was seen
		return nil
	}
	c.x.mu.Lock()
	defer c.x.mu.Unlock()
	wants := c.wants
	if wants == nil && c.x.wants[n] != nil {
		wants = []*want{c.x.wants[n]}
	}
	for _, w := range wants {
		if w.name == n && !w.done {
			w.done = true
			return w
		}
	}
	return nil
}

func (x *opening) unclaim(w *want) {
	x.mu.Lock()
	defer x.mu.Unlock()
	w.done = false
}

// brought ends the unpack with the last of what is wanted.
func (x *opening) brought() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.left--; x.left == 0 {
		x.stop()
	}
}
