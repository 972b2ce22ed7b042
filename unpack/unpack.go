package unpack

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Options say how an upload is unpacked. The zero value is good.
type Options struct {
	Limits   Limits
	TempDir  string // for contents that do not fit into memory; "" is os.TempDir
	Prefix   string // directory that FOSSology unpacks in; it counts for the rule of repeated names
	Parallel int    // members of one upload that are worked on at once; 0: one for each processor

	Hashes    Hashes // that are made of contents; the zero value: all of them
	TakenOnly bool   // only contents that Content takes are hashed; of others the size is known

	// Content, if not nil, is called before a content is read, from several
	// goroutines. What it returns, if not nil, gets the bytes, and is told when
	// they are complete. The node's Digests are not known yet.
	Content func(*Node) Content

	panicked func(any, []byte) // for tests
}

// Content takes the bytes of a member.
type Content interface {
	io.Writer
	// Close is called after the last byte, with what was read; with zero after an error of
	// Write.
	Close(*Digests) error
}

// A Result is what an upload unpacks to.
type Result struct {
	Top     Row
	Skipped []Skipped // what was not extracted, and why; at most MaxSkipped
	Skips   int64     // all of them
	Rows    int64     // nodes made, dropped ones too
	Bytes   int64     // that came out, contents in contents each time
	Seconds float64   // of the clock
	Tools   []string  // of the system that were used, or missed

	top    *Node
	most   int64 // rows that were in memory at once
	prefix string
	roll   *roll
}

// Close gives back what the rows are kept in.
func (r *Result) Close() error { return r.roll.close() }

// Unpack opens an upload and everything in it. name is the upload's name in
// FOSSology, from which names of members are made. Damaged and hostile input is
// no error: what came out is in the result, which is to be closed, the rest in Skipped. An upload that
// can be read anywhere, such as a file, is read from where it stands, and never
// copied; whether it stands elsewhere afterwards is not said.
func Unpack(ctx context.Context, name string, r io.Reader, o Options) (*Result, error) {
	begin := time.Now()
	u := newRun(o)
	limit, cancel := context.WithTimeoutCause(ctx, u.limits.Time, errTime)
	defer cancel()
	u.top = &Node{Name: name}
	if at := anywhere(r); at != nil {
		r = at
		u.in.Store(at.Size()) // its members may come out before it is hashed
	}
	u.content(limit, u.top, 0, source{Reader: r})
	if err := errors.Join(ctx.Err(), u.failed()); err != nil {
		return nil, errors.Join(err, u.roll.close())
	}
	return &Result{top: u.top, most: u.most.Load(), prefix: o.Prefix, roll: u.roll, Top: rowOf(u.top), Skipped: u.skipped, Skips: u.skips, Rows: u.rows.Load(), Bytes: u.out.Load(),
		Seconds: time.Since(begin).Seconds(), Tools: slices.Sorted(slices.Values(u.tools))}, nil
}

// run is one call of Unpack.
type run struct {
	o      Options
	limits Limits
	top    *Node
	in     atomic.Int64 // bytes of the upload read so far
	out    atomic.Int64
	rows   atomic.Int64
	held   atomic.Int64 // nodes in memory
	most   atomic.Int64 // that were in memory at once, for tests
	roll   *roll
	free   chan struct{}

	mu      sync.Mutex
	skipped []Skipped
	skips   int64
	tools   []string
	err     error // of this machine, not of the input
}

func newRun(o Options) *run {
	n := o.Parallel
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	u := &run{o: o, limits: o.Limits.orDefault(), free: make(chan struct{}, n)}
	u.roll = &roll{create: u.unnamed, limit: int(min(u.limits.RowsInMemory*rowMemory, maxRollMemory))}
	return u
}

// fail remembers an error that is not the input's fault: a full disk, say.
func (u *run) fail(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err == nil {
		u.err = err
	}
}

func (u *run) failed() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err
}

// source is a content on its way.
type source struct {
	io.Reader
	size  int64 // -1 or 0: not known
	blind bool  // its mode forbids its owner to read it
}

// headSize is how much of a content is looked at to know its format: an ISO 9660
// image says so at 32,769.
const headSize = 36 << 10

var heads = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, headSize) }}

// content reads one content: it is hashed, handed to Options.Content, and opened
// if it is an archive. It reads src to its end.
func (u *run) content(ctx context.Context, n *Node, depth int, src source) {
	var sink Content
	if u.o.Content != nil {
		sink = u.o.Content(n)
	}
	hashes := u.o.Hashes
	if u.o.TakenOnly && sink == nil {
		hashes = noHashes
	}
	d := newDigester(hashes)
	at, _ := src.Reader.(*io.SectionReader)
	from := &quiet{u: u, r: src.Reader}
	counted := &meter{u: u, ctx: ctx, r: from, top: n == u.top, known: at != nil, d: d, sink: sink}
	head := heads.Get().(*bufio.Reader)
	head.Reset(counted)
	defer func() {
		head.Reset(nil)
		heads.Put(head)
	}()
	first, _ := head.Peek(headSize)
	if f := u.format(n, first); f != nil && !src.blind {
		if depth >= u.limits.Depth {
			u.skip(n, fmt.Sprintf("not opened: archives within archives, %d deep", depth))
		} else {
			n.Class, n.Format = Container, f.name
			u.open(ctx, n, depth, f, head, at)
		}
	}
	_, err := io.Copy(io.Discard, head)
	if err = cmp.Or(err, from.err); err != nil && !errors.Is(err, errStop) {
		u.skip(n, "cut short: "+err.Error())
	}
	n.Digests = d.sum()
	if sink != nil {
		read := n.Digests
		if counted.bad {
			read = new(Digests) // of no content: what the sink has is not this one
		}
		if err := sink.Close(read); err != nil {
			u.fail(err)
		}
	}
}
