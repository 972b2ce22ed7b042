package unpack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The cpio formats that FOSSology's cpio reads: newc (070701), with checksums
// (070702), odc (070707), and the old binary one. See cpio(5).

var errCpio = errors.New("cpio: damaged header")

func isCpio(_ string, head []byte) bool {
	return len(head) >= 6 && (string(head[:5]) == "07070") && head[5] >= '1' && head[5] <= '2' || begins("070707")("", head) ||
		begins(cpioLittle)("", head) || begins(cpioBig)("", head)
}

// The number 070707 begins the members of the old binary format, in the order of
// the machine that wrote it.
const cpioLittle, cpioBig = "\xc7\x71", "\x71\xc7"

// cpioEntry is a header.
type cpioEntry struct {
	name  string
	mode  uint64
	links uint64
	inode string
	size  int64
	pad   int64 // bytes behind the content
}

// Types of cpio members: the bits of st_mode.
const (
	cpioType    = 0o170000
	cpioFile    = 0o100000
	cpioDir     = 0o040000
	cpioSymlink = 0o120000
	cpioFifo    = 0o010000

	// ownerReads is the bit of a mode without which FOSSology's unpacker cannot ask
	// libmagic about a file: that stays a leaf, whatever it holds.
	ownerReads = 0o400
)

// maxCpioName bounds a name before memory is taken for it.
const maxCpioName = 1 << 16

// maxCpioWaiting is how many names may wait for their content, which comes with an
// inode's last name: a hundred times what a Linux distribution's largest package has.
const maxCpioWaiting = 100_000

// maxCpioNames bounds the bytes of the names that are kept for files of several names,
// those that wait and those that others are links to.
const maxCpioNames = 16 << 20

// cpioEntryCost is what such a name takes beside its bytes.
const cpioEntryCost = 64

func openCpio(_ context.Context, a *archive, r io.Reader) error {
	b := bufio.NewReader(r)
	c := &cpioLinks{a: a, waiting: map[string][]string{}, first: map[string]string{}}
	for {
		e, err := readCpio(b)
		if err != nil {
			return err
		}
		if e.name == "TRAILER!!!" {
			return c.end()
		}
		body := cpioBody(b, e.size)
		if err := cpioMember(a, c, e, body); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			return err
		}
		if _, err := b.Discard(int(e.pad)); err != nil {
			return io.ErrUnexpectedEOF
		}
	}
}

// cpioBlock is what cpio writes at once: of a member that is cut the rest is lost.
const cpioBlock = 512

// cpioBody is the content of a member. Most are in the reader's memory already.
func cpioBody(b *bufio.Reader, size int64) io.Reader {
	body := io.LimitReader(b, size)
	if size <= int64(b.Size()) {
		if _, err := b.Peek(int(size)); err == nil {
			return body
		}
	}
	return &pieces{r: &exactly{body, size}, unit: cpioBlock, buf: make([]byte, min(size+cpioBlock-1, 64<<10)/cpioBlock*cpioBlock), clean: func(err error) bool { return err == io.EOF }}
}

// exactly is a reader of so many bytes; that there are less is an error.
type exactly struct {
	r    io.Reader
	left int64
}

func (e *exactly) Read(b []byte) (n int, err error) {
	n, err = e.r.Read(b)
	if e.left -= int64(n); err == io.EOF && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func cpioMember(a *archive, c *cpioLinks, e cpioEntry, body io.Reader) error {
	a.blind = e.mode&ownerReads == 0
	defer func() { a.blind = false }()
	switch e.mode & cpioType {
	case cpioFile:
		if e.links > 1 {
			return c.name(e, body)
		}
		return a.File(e.name, e.size, body)
	case cpioDir:
		return a.Dir(e.name)
	case cpioSymlink:
		return a.Symlink(e.name)
	case cpioFifo:
		return a.Other(e.name)
	}
	a.Skip(e.name, fmt.Sprintf("a member of type %o", e.mode&cpioType))
	return nil
}

// cpioLinks are files of several names. The content comes with one of them.
type cpioLinks struct {
	a       *archive
	waiting map[string][]string // names of an inode whose content is yet to come
	waits   int                 // all of them
	bytes   int                 // of all names that were kept
	first   map[string]string   // an inode's first name that has content
}

// name deals with one name of a file.
func (c *cpioLinks) name(e cpioEntry, body io.Reader) error {
	first, known := c.first[e.inode]
	switch {
	case e.size == 0 && known:
		return c.a.Link(e.name, first)
	case e.size == 0 && (c.waits == maxCpioWaiting || c.bytes > maxCpioNames || len(e.name) > c.a.u.limits.NameLength):
		c.a.Skip(e.name, "too many names wait for their content")
		return nil
	case e.size == 0:
		c.waiting[e.inode] = append(c.waiting[e.inode], e.name)
		c.waits++
		c.bytes += len(e.name)
		return nil
	}
	if err := c.a.File(e.name, e.size, body); err != nil {
		return err
	}
	if p, ok := body.(*pieces); ok && p.err != nil && p.err != io.EOF {
		return p.err // cpio gives up before it makes the other names
	}
	if c.bytes <= maxCpioNames {
		c.first[e.inode] = e.name
		c.bytes += len(e.name) + cpioEntryCost
	}
	names := c.waiting[e.inode]
	delete(c.waiting, e.inode)
	c.waits -= len(names)
	for _, name := range names {
		if err := c.a.Link(name, e.name); err != nil {
			return err
		}
	}
	return nil
}

// end makes the names whose content never came: it is empty.
func (c *cpioLinks) end() error {
	for _, names := range c.waiting {
		for _, name := range names {
			if err := c.a.File(name, 0, strings.NewReader("")); err != nil {
				return err
			}
		}
	}
	return nil
}
