package snapshot

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/store"
)

// How much of a scan is under way at once.
const (
	scanBatch = 64 // entries that go to a worker together
	scanAhead = 32 // batches between the walk and the segment writer
)

// scan is one pass over a repository: the walk is merged with what the
// segments say of the last time, new files are stored, and the difference
// becomes a segment.
type scan struct {
	st       *store.Store
	root     string
	depth    int
	segments []Segment               // what is known
	known    iter.Seq[fossology.Dir] // directories that need not be read; nil: all are
	readAll  bool                    // hash files that look unchanged, too
	suspects map[string]bool         // files that were wrong last time: read again
	again    map[string]bool         // files that were wrong this time, for the next pass; nil: this is the last one
	md5      bool                    // check the whole Name, not its SHA-1 alone
	start    time.Time
	slack    time.Duration
	dirMeta  *DirMeta // nil: the first deep directory decides
	totals   map[string]Totals
	findings *Findings
	progress *Progress
	tmpDir   string

	prev    *cursor
	frames  []frame
	batch   *batch
	order   chan *batch
	jobs    chan *batch
	cache   *cacheWriter
	cacheMu sync.Mutex // of cache.retry and again
	out     *segmentWriter
	rootFD  int
	result  scanResult
}

// mayGrow is how long after its last change a file without a Name, a log, is
// looked at by every scan: it grows in place, and its directory shows nothing.
const mayGrow = 48 * time.Hour

// scanResult is what came of a scan.
type scanResult struct {
	segment   *Segment // nil: nothing changed
	dirMeta   DirMeta
	cache     *cacheWriter // the caller closes it
	newFiles  Totals       // read in this scan
	added     Totals       // new to the store
	removed   int64        // paths that are no longer there
	workFiles int64        // *.I and work directories, passed over
	dirs      int64
	dirsRead  int64
}

// frame is a directory whose content the walk is in.
type frame struct {
	path string
	read bool // all its names are being told
}

// batch is a run of changes in order; done is closed when all its files were
// dealt with.
type batch struct {
	items []item
	reads int
	done  chan struct{}
}

// item is one change on its way into the segment.
type item struct {
	entry   Entry
	prev    Entry
	had     bool // prev is valid
	read    bool // the file must be read
	gone    bool // it vanished meanwhile
	put     store.Put
	problem *Finding
}

// run does the scan.
func (s *scan) run(ctx context.Context) (result scanResult, err error) {
	if s.prev, err = openCursor(s.st, s.segments); err != nil {
		return result, err
	}
	defer s.prev.close()
	if s.rootFD, err = unix.Open(s.root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return result, &fs.PathError{Op: "open repository", Path: s.root, Err: err}
	}
	defer unix.Close(s.rootFD)
	if s.cache, err = newCacheWriter(s.tmpDir); err != nil {
		return result, err
	}
	s.result.cache = s.cache
	defer func() {
		if err != nil {
			s.cache.close()
		}
		if s.out != nil {
			s.out.discard()
		}
	}()
	s.order, s.jobs = make(chan *batch, scanAhead), make(chan *batch, scanAhead)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(s.order)
		defer close(s.jobs)
		return s.compare(gctx)
	})
	for range max(4, 2*runtime.GOMAXPROCS(0)) {
		g.Go(func() error { return s.ingest(gctx) })
	}
	g.Go(func() error { return s.collect(gctx) })
	if err := g.Wait(); err != nil {
		return result, err
	}
	if s.out != nil {
		seg, err := s.out.close()
		if err != nil {
			return result, err
		}
		s.result.segment = &seg
	}
	if s.dirMeta != nil {
		s.result.dirMeta = *s.dirMeta
	}
	return s.result, nil
}

// compare merges the walk with what is known.
func (s *scan) compare(ctx context.Context) error {
	s.batch = &batch{done: make(chan struct{})}
	o := fossology.WalkOptions{Known: s.known, Start: s.start, Slack: s.slack}
	for e, err := range fossology.Walk(ctx, s.root, o) {
		if err != nil {
			return err
		}
		if err := s.event(ctx, e); err != nil {
			return err
		}
	}
	for { // what was known behind the last event
		known, err := s.prev.peek()
		if err != nil {
			return err
		}
		if known == nil {
			return s.flush(ctx)
		}
		if err := s.passKnown(ctx, known); err != nil {
			return err
		}
	}
}

// event takes one thing of the walk.
func (s *scan) event(ctx context.Context, e fossology.Event) error {
	if err := s.advance(ctx, e.Path); err != nil {
		return err
	}
	for len(s.frames) > 0 && !within(e.Path, s.frames[len(s.frames)-1].path) {
		s.frames = s.frames[:len(s.frames)-1]
	}
	it := item{}
	known, err := s.prev.peek()
	if err != nil {
		return err
	}
	if known != nil && known.Path == e.Path {
		it.prev, it.had = *known, true
		if err := s.prev.pass(); err != nil {
			return err
		}
	}
	switch e.Kind {
	case fossology.DirSame, fossology.DirRead:
		return s.dir(ctx, e, it)
	case fossology.FileFound:
		return s.file(ctx, e, it)
	case fossology.WorkFile:
		s.result.workFiles++
		s.retry(e.Path) // so that the next scan counts it, too
	case fossology.Unreadable:
		s.frames = append(s.frames, frame{e.Path, false})
		return s.add(ctx, item{problem: &Finding{Unreadable, e.Path, e.Err.Error()}, prev: it.prev, had: it.had, entry: Entry{Path: e.Path}})
	}
	return nil
}

// advance deals with what was known in front of path.
func (s *scan) advance(ctx context.Context, path string) error {
	for {
		known, err := s.prev.peek()
		if err != nil || known == nil || fossology.ComparePaths(known.Path, path) >= 0 {
			return err
		}
		if !s.anyRead() {
			return s.prev.seek(path)
		}
		if err := s.passKnown(ctx, known); err != nil {
			return err
		}
	}
}

func (s *scan) anyRead() bool {
	for _, f := range s.frames {
		if f.read {
			return true
		}
	}
	return len(s.frames) == 0
}

// passKnown deals with a known entry that the walk has not met: it is gone if
// the innermost directory around it was read, for then the walk would have
// met it, or a directory on the way to it.
func (s *scan) passKnown(ctx context.Context, known *Entry) error {
	for len(s.frames) > 0 && !within(known.Path, s.frames[len(s.frames)-1].path) {
		s.frames = s.frames[:len(s.frames)-1]
	}
	if n := len(s.frames); n > 0 && s.frames[n-1].read {
		it := item{prev: *known, had: true, entry: Entry{Path: known.Path, Kind: removed}}
		if err := s.add(ctx, it); err != nil {
			return err
		}
	}
	return s.prev.pass()
}

// dir records a directory where the usual rule does not say it all.
func (s *scan) dir(ctx context.Context, e fossology.Event, it item) error {
	s.frames = append(s.frames, frame{e.Path, e.Kind == fossology.DirRead})
	s.result.dirs++
	if err := s.cache.add(fossology.Dir{Path: e.Path, Signature: e.Known}); err != nil {
		return err
	}
	if e.Kind == fossology.DirSame {
		return nil
	}
	s.result.dirsRead++
	meta := DirMeta{e.Stat.Mode & 0o7777, e.Stat.UID, e.Stat.GID}
	upper := strings.Count(e.Path, "/") < 2 // few, and often unlike the rest
	if s.dirMeta == nil && !upper {
		s.dirMeta = &meta
	}
	it.entry = Entry{Path: e.Path, Kind: Dir, Mode: meta.Mode, UID: meta.UID, GID: meta.GID}
	wanted := upper || e.Stat.Size == 0 || meta != *s.dirMeta
	switch {
	case !wanted && !it.had || wanted && it.had && it.prev == it.entry:
		return nil
	case !wanted:
		it.entry = Entry{Path: e.Path, Kind: removed}
	}
	return s.add(ctx, it)
}

// file decides whether a file must be read.
func (s *scan) file(ctx context.Context, e fossology.Event, it item) error {
	s.progress.Files.Add(1)
	it.entry = Entry{Path: e.Path, Mode: e.Stat.Mode & 0o7777, UID: e.Stat.UID, GID: e.Stat.GID, Mtime: e.Stat.Mtime, Size: e.Stat.Size}
	if e.Stat.Links > 1 {
		it.entry.Inode = e.Stat.Inode
	}
	switch e.Stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		if s.unchanged(&it) {
			it.entry.Object = it.prev.Object
		} else {
			it.read = true
		}
		if _, named := it.entry.Name(s.depth); !named && it.entry.Mtime > s.start.Add(-mayGrow).UnixNano() {
			s.retry(e.Path)
		}
	case unix.S_IFLNK:
		return s.symlink(ctx, it)
	default:
		it.problem = &Finding{SpecialFile, e.Path, "not kept"}
		it.gone = true
	}
	if it.had && !it.read && it.problem == nil && it.prev == it.entry {
		return nil
	}
	return s.add(ctx, it)
}

// unchanged says whether the known entry's bytes still stand for the file:
// same Name and size means same bytes; a file without a Name must not have
// been written since.
func (s *scan) unchanged(it *item) bool {
	if !it.had || it.prev.Kind != File || s.readAll || s.suspects[it.entry.Path] || it.prev.Size != it.entry.Size {
		return false
	}
	if name, ok := it.entry.Name(s.depth); ok {
		return name.Size == it.entry.Size
	}
	return it.prev.Mtime == it.entry.Mtime
}

func (s *scan) symlink(ctx context.Context, it item) error {
	buf := make([]byte, 4096)
	n, err := unix.Readlinkat(s.rootFD, it.entry.Path, buf)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		it.problem = &Finding{Unreadable, it.entry.Path, err.Error()}
		return s.add(ctx, it)
	}
	it.entry.Kind, it.entry.Target, it.entry.Size, it.entry.Inode = Symlink, string(buf[:n]), 0, 0
	var st unix.Stat_t
	if unix.Fstatat(s.rootFD, it.entry.Path, &st, 0) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
		s.report(Finding{LinkedDirectory, it.entry.Path, "leads to " + it.entry.Target})
	}
	if it.had && it.prev == it.entry {
		return nil
	}
	return s.add(ctx, it)
}

// add puts an item into the present batch.
func (s *scan) add(ctx context.Context, it item) error {
	s.batch.items = append(s.batch.items, it)
	if it.read {
		s.batch.reads++
	}
	if len(s.batch.items) < scanBatch {
		return nil
	}
	return s.flush(ctx)
}

// flush hands the batch on: to the workers if there is something to read, and
// in any case to the collector.
func (s *scan) flush(ctx context.Context) error {
	b := s.batch
	s.batch = &batch{items: make([]item, 0, scanBatch), done: make(chan struct{})}
	if len(b.items) == 0 {
		return nil
	}
	if b.reads == 0 {
		close(b.done)
	} else {
		select {
		case s.jobs <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	select {
	case s.order <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
