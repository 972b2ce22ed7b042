package fossology

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"iter"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// A Signature tells whether the names in a directory have changed since it was
// taken. The zero value matches nothing.
type Signature struct {
	Inode uint64
	Mtime int64 // nanoseconds since 1970, as Ctime
	Ctime int64
}

// Dir is a directory of the repository as an earlier walk saw it.
type Dir struct {
	Path string
	Signature
}

// Stat is what the file system says of a file or directory.
type Stat struct {
	Mode     uint32 // st_mode: kind and permission bits
	UID, GID uint32
	Links    uint32
	Size     int64
	Mtime    int64 // nanoseconds since 1970
	Inode    uint64
	Dev      uint64 // the file system
	Blocks   int64  // of 512 bytes, that it takes there
}

// StatOf takes it from what the system says.
func StatOf(st *unix.Stat_t) Stat {
	return Stat{Mode: st.Mode, UID: st.Uid, GID: st.Gid, Links: uint32(st.Nlink), Size: st.Size, Mtime: st.Mtim.Nano(),
		Inode: st.Ino, Dev: st.Dev, Blocks: st.Blocks}
}

// EventKind says what a walk has come upon.
type EventKind uint8

// The kinds of events.
const (
	DirSame    EventKind = iota // a directory whose names are those of the earlier walk: they are not repeated
	DirRead                     // a directory whose names follow, all of them; Stat.Size counts them, without those of work files
	FileFound                   // a regular file, symbolic link or special file
	WorkFile                    // a file or directory of a running agent (<host>/ununpack, <host>/wget, *.I): not looked into
	Unreadable                  // Err says why; what was known below Path says nothing about today
)

// Event is one thing that a walk has come upon.
type Event struct {
	Kind  EventKind
	Path  string // relative to the repository, without a leading slash; "" is the repository
	Stat  Stat
	Known Signature // of a directory: for the next walk; zero if it must be read again then
	Err   error
}

// WalkOptions steer a walk. The zero value reads every directory.
type WalkOptions struct {
	// Known yields the directories of an earlier walk in the order of
	// ComparePaths. A directory whose signature is the same is not read.
	Known iter.Seq[Dir]
	// Start is the time the walk starts. A directory changed after Start, or
	// within Slack before it, may change again within the same tick of its
	// file system's clock, so it is not trusted next time.
	Start time.Time
	Slack time.Duration
	// Workers is the number of directories looked at at once; 0: as many as
	// there are processors, at least 2.
	Workers int
	// Skip, if not nil, is asked about the directories of the upper levels (hosts, types,
	// and those that the fan-out begins with): those for which it is true are left out.
	Skip func(dir string) bool
}

// Depth of the directories that are handed to workers whole
// (host/type/aa), and how much of them may be ahead of the reader.
const (
	shardDepth = 3
	lookAhead  = 16
	batchSize  = 256
)

// Within says whether path is dir or lies below it. Everything lies in "".
func Within(path, dir string) bool {
	return dir == "" || path == dir || len(path) > len(dir) && path[len(dir)] == '/' && path[:len(dir)] == dir
}

// ComparePaths orders paths as a walk meets them: by component, so that what
// is below a directory stays together.
func ComparePaths(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			if a[i] == '/' {
				return -1
			}
			if b[i] == '/' {
				return 1
			}
			return cmp.Compare(a[i], b[i])
		}
	}
	return cmp.Compare(len(a), len(b))
}

// Walk yields everything in the repository at root, in the order of
// ComparePaths, a directory before what is in it. It changes nothing, follows
// no symbolic link, and memory does not grow with the number of files. A
// thing that vanishes meanwhile is no error. The error ends the walk.
func Walk(parent context.Context, root string, o WalkOptions) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		fd, err := unix.Open(root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			yield(Event{}, &fs.PathError{Op: "open repository", Path: root, Err: err})
			return
		}
		defer unix.Close(fd)
		ctx, cancel := context.WithCancel(parent)
		w := &walker{root: fd, o: o, parts: make(chan *part, lookAhead), jobs: make(chan *part, lookAhead)}
		w.racy = o.Start.Add(-o.Slack).UnixNano()
		g, ctx := errgroup.WithContext(ctx)
		defer g.Wait()
		defer cancel()
		g.Go(func() error { return w.plan(ctx) })
		for range w.workers() {
			g.Go(func() error { return w.work(ctx) })
		}
		enough := false
		for p := range w.parts {
			if !p.yieldAll(ctx, func(e Event) bool { enough = !yield(e, nil); return !enough }) {
				break
			}
		}
		if enough {
			return
		}
		err = g.Wait()
		if err == nil { // all was told, unless the reader of the parts was told to end
			err = parent.Err()
		}
		if err != nil {
			yield(Event{}, fmt.Errorf("walk %s: %w", root, err))
		}
	}
}

func (w *walker) workers() int {
	if w.o.Workers > 0 {
		return w.o.Workers
	}
	return max(2, runtime.GOMAXPROCS(0))
}

// A walker plans parts of the tree in order; workers fill them side by side.
type walker struct {
	root  int
	o     WalkOptions
	racy  int64
	parts chan *part // in order, for the reader
	jobs  chan *part // the same, for the workers; without the planner's own
}

// A part is one run of events. Whoever fills it closes the channel.
type part struct {
	path   string
	known  []Dir // what an earlier walk knew at and below path, in order
	events chan []Event
	batch  []Event
}

func newPart(path string, known []Dir) *part {
	return &part{path: path, known: known, events: make(chan []Event, 4)}
}

// yieldAll hands on what the part's filler emits.
func (p *part) yieldAll(ctx context.Context, yield func(Event) bool) bool {
	for {
		select {
		case batch, ok := <-p.events:
			if !ok {
				return true
			}
			for i := range batch {
				if !yield(batch[i]) {
					return false
				}
			}
		case <-ctx.Done():
			return false
		}
	}
}

func (p *part) emit(ctx context.Context, e Event) error {
	p.batch = append(p.batch, e)
	if len(p.batch) < batchSize {
		return nil
	}
	return p.flush(ctx)
}

func (p *part) flush(ctx context.Context) error {
	if len(p.batch) == 0 {
		return nil
	}
	select {
	case p.events <- p.batch:
		p.batch = make([]Event, 0, batchSize)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *walker) work(ctx context.Context) error {
	buf := make([]byte, 32<<10)
	for p := range w.jobs {
		v := visitor{w: w, ctx: ctx, out: p, buf: buf}
		err := v.visit(p.path, p.known)
		if err == nil {
			err = p.flush(ctx)
		}
		close(p.events)
		if err != nil {
			return err
		}
	}
	return nil
}

// isWorkFile says whether an agent keeps a name at some depth for itself while it
// runs.
func isWorkFile(name string, depth int) bool {
	return strings.HasSuffix(name, ".I") || depth == 2 && (name == "ununpack" || name == "wget")
}

func depthOf(path string) int {
	if path == "" {
		return 0
	}
	return strings.Count(path, "/") + 1
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}
