package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/store"
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
	noDay    bool                    // nothing after the scan meets lost objects
	md5      bool                    // check the whole Name, not its SHA-1 alone
	start    time.Time
	slack    time.Duration
	owners   *ownerNamer
	dirMeta  *DirMeta // nil: the first deep directory decides
	totals   map[string]Totals
	leftOut  *Totals
	gone     *Totals
	prover   Prover  // nil: nothing is left out
	golds    goldSet // those that count for prover; nil: not known yet, all do
	derived  Prover  // says of files that are gone whether gold makes them; nil: nobody knows
	keepGone bool    // files that are gone stay in the manifest: the database is asked of them later
	faults   int     // of prover
	review   bool    // decide anew about files that are known, too
	findings *Findings
	progress *Progress
	tmpDir   string

	prev    *cursor
	frames  []frame
	last    string // path of the last event
	begun   bool   // there was one
	batch   *batch
	order   chan *batch
	jobs    chan *batch
	cache   *cacheWriter
	cacheMu sync.Mutex // of cache.retry and again
	out     *segmentWriter
	rootFD  int
	result  scanResult
}

// scanResult is what came of a scan.
type scanResult struct {
	segment   *Segment // nil: nothing changed
	dirMeta   DirMeta
	cache     *cacheWriter // the caller closes it
	newFiles  Totals       // read in this scan
	added     Totals       // new to the store
	removed   int64        // paths that are no longer there
	vanished  int64        // files that are not, and stay in the manifest; gold is not known to make them
	workFiles int64        // *.I and work directories, passed over
	dirs      int64
	dirsRead  int64
}

// frame is a directory whose content the walk is in.
type frame struct {
	path string
	read bool // all its names are being told
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

// errDisorder: a walk came to a path out of order. What it knew of an earlier one
// has misled it, for a directory that it reads it goes through in order.
var errDisorder = errors.New("the walk of the repository went astray")

// event takes one thing of the walk.
func (s *scan) event(ctx context.Context, e fossology.Event) error {
	if s.begun && fossology.ComparePaths(s.last, e.Path) >= 0 {
		return fmt.Errorf("%w: %q comes behind %q", errDisorder, e.Path, s.last)
	}
	s.last, s.begun = e.Path, true
	if err := s.advance(ctx, e.Path); err != nil {
		return err
	}
	for len(s.frames) > 0 && !fossology.Within(e.Path, s.frames[len(s.frames)-1].path) {
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
		if !s.anyRead() && !s.review {
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
	for len(s.frames) > 0 && !fossology.Within(known.Path, s.frames[len(s.frames)-1].path) {
		s.frames = s.frames[:len(s.frames)-1]
	}
	if n := len(s.frames); n > 0 && s.frames[n-1].read {
		if err := s.passVanished(ctx, known); err != nil {
			return err
		}
	} else if s.review {
		if err := s.reviewKnown(ctx, known); err != nil {
			return err
		}
	}
	return s.prev.pass()
}
