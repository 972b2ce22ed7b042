package snapshot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"repotool/fossology"
	"repotool/store"
)

// A Rebuilder takes contents out of gold.
type Rebuilder interface {
	// Rebuild unpacks a gold, which was uploaded under a name and whose bytes are in the
	// file from, until all contents that are wanted have come. put is called for them,
	// from several goroutines, with the Name that the bytes have, and the bytes; if it
	// did not take them, the Name stays wanted. An error of put ends the work, and is
	// returned. That a content does not come out is no error.
	Rebuild(ctx context.Context, upload string, from *os.File, wanted []fossology.Name, put func(fossology.Name, io.ReadSeeker) (taken bool, err error)) error
}

// A RebuildReport counts what a rebuild did, or with Plan would do.
type RebuildReport struct {
	Wanted  Totals `json:"wanted"`  // files that were left out, and are not there
	Golds   int64  `json:"golds"`   // that were unpacked for them
	Rebuilt Totals `json:"rebuilt"` // files that came back
	Lost    int64  `json:"lost"`    // files that did not
	Foreign int64  `json:"foreign"` // files whose owner or mode could not be set
	Linked  int64  `json:"linked"`  // of Rebuilt, as links to each other
}

// PhaseRebuild is the phase of Rebuild and of ProveRebuild.
const PhaseRebuild Phase = "rebuild"

// A rebuild goes through the golds of files that were left out.
type rebuild struct {
	*Snapshot
	from               Rebuilder
	to                 rebuildTarget
	progress           *Progress
	by                 map[Gold]Totals // what is wanted of each gold
	wanted             marks           // of the files that are left out, in the order of the manifest
	golds              map[fossology.Name]Entry
	report             RebuildReport
	files, bytes, lost atomic.Int64
}

// A rebuildTarget is where the contents go. Its methods, but the first, are called from
// several goroutines.
type rebuildTarget interface {
	// wants says whether a file is wanted, and whether the target makes it itself, of
	// another one: it becomes a further name of that. It is asked once of each file that is
	// left out, in the order of the manifest.
	wants(ctx context.Context, e *Entry) (wanted, linked bool)
	// gold opens a gold where else it may be than in the store; nil if it is not there.
	gold(e *Entry) *os.File
	// put takes a content; errOtherBytes means that it is not that of the entry, errToldOf
	// that a finding says why it is not where it belongs.
	put(ctx context.Context, e *Entry, content io.ReadSeeker) error
	// missed is told of a file that did not come out.
	missed(e *Entry, why string)
}

var (
	errOtherBytes = errors.New("other bytes") // a content is not the one of the manifest
	errToldOf     = errors.New("told of")     // a finding says why a file did not come
)

// count sums up what is wanted.
func (b *rebuild) count(ctx context.Context) error {
	b.by = map[Gold]Totals{}
	if b.Manifest.LeftOut.Files == 0 {
		return nil
	}
	err := b.each(ctx, func(e *Entry) {
		wanted, linked := b.to.wants(ctx, e)
		b.wanted.add(wanted && !linked)
		if wanted {
			b.report.Wanted = b.report.Wanted.plus(e.Size)
		}
		if wanted && !linked {
			b.by[e.Gold] = b.by[e.Gold].plus(e.Size)
		}
	})
	b.report.Golds = int64(len(b.by))
	return err
}

// all rebuilds what was counted, some golds at a time.
func (b *rebuild) all(ctx context.Context) (err error) {
	b.progress.Begin(PhaseRebuild, b.report.Wanted.Files, b.report.Wanted.Bytes)
	if b.golds, err = b.Golds(ctx); err != nil {
		return err
	}
	shelves := newShelves(b.Store, b.Manifest.Depth, sortedGolds(slices.Collect(maps.Keys(b.by))), b.by)
	defer shelves.close()
	n := 0
	err = b.each(ctx, func(e *Entry) {
		if b.wanted.at(n) {
			shelves.add(e)
		}
		n++
	})
	if err != nil {
		return err
	}
	for _, next := range shelves.all {
		wanted, err := shelves.take(next)
		if err != nil {
			return err
		}
		if err := b.sideBySide(ctx, wanted); err != nil {
			return err
		}
	}
	b.report.Rebuilt = Totals{b.files.Load(), b.bytes.Load()}
	b.report.Lost = b.lost.Load()
	return nil
}

// each calls f for the files that are left out.
func (b *rebuild) each(ctx context.Context, f func(*Entry)) error {
	for e, err := range b.Entries(ctx, "") {
		if err != nil {
			return err
		}
		if e.LeftOut() {
			b.owners.of(&e.UID, &e.GID)
			f(&e)
		}
	}
	return ctx.Err()
}

// sideBySide rebuilds what is wanted of some golds.
func (b *rebuild) sideBySide(ctx context.Context, wanted map[Gold][]Entry) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, gold := range largestFirst(slices.Collect(maps.Keys(wanted))) {
		g.Go(func() error { return b.gold(gctx, gold, wanted[gold]) })
	}
	return g.Wait()
}

// largestFirst orders golds by their size: the one that takes longest must not be the last
// to begin, while everybody else has nothing left to do.
func largestFirst(golds []Gold) []Gold {
	slices.SortStableFunc(sortedGolds(golds), func(a, b Gold) int { return cmp.Compare(b.Name.Size, a.Name.Size) })
	return golds
}

// gold rebuilds what is wanted of one gold.
func (b *rebuild) gold(ctx context.Context, gold Gold, list []Entry) error {
	p := &pieceOfGold{rebuild: b, ctx: ctx, wanted: map[fossology.Name][]*Entry{}}
	for i := range list {
		name, _ := list[i].Name(b.Manifest.Depth)
		p.wanted[name] = append(p.wanted[name], &list[i])
	}
	why, err := p.take(gold)
	if err != nil {
		return err
	}
	for _, entries := range p.wanted {
		for _, e := range entries {
			b.lost.Add(1)
			b.to.missed(e, why)
		}
	}
	return nil
}

// A pieceOfGold takes the contents of one gold. What has come is no longer wanted.
type pieceOfGold struct {
	*rebuild
	ctx    context.Context // of the one call of gold
	mu     sync.Mutex
	wanted map[fossology.Name][]*Entry
	failed error // of the target, which ends the rebuild
}

// take unpacks the gold: the one that stands where the target has it, and the store's
// if that is not there, or does not make everything. why is said of what did not come.
func (p *pieceOfGold) take(gold Gold) (why string, err error) {
	e, ok := p.golds[gold.Name]
	if !ok {
		return fmt.Sprintf("gold %s is not in the snapshot", gold.Name), nil
	}
	why = fmt.Sprintf("gold %s does not make it any more", gold.Name)
	opens := []func() (*os.File, error){
		func() (*os.File, error) { return p.to.gold(&e), nil },
		func() (*os.File, error) { return p.Store.Open(e.Object) },
	}
	for _, open := range opens {
		wanted := slices.Collect(maps.Keys(p.wanted))
		if len(wanted) == 0 {
			break
		}
		from, err := open()
		if from == nil && err == nil {
			continue
		}
		if err == nil {
			err = p.from.Rebuild(p.ctx, gold.Upload, from, wanted, p.put)
			from.Close()
		}
		switch {
		case p.ctx.Err() != nil:
			return "", p.ctx.Err()
		case p.failed != nil: // it may be a fault of a disk, but not of the gold's
			return "", fmt.Errorf("gold %s: %w", gold.Name, p.failed)
		case errors.Is(err, store.ErrNoObject), store.IsDiskFault(err):
			why = fmt.Sprintf("gold %s: %v", gold.Name, err)
		case err != nil:
			return "", fmt.Errorf("gold %s: %w", gold.Name, err)
		}
	}
	return why, nil
}

// put brings a content wherever it is wanted. Nobody else does that for this Name.
func (p *pieceOfGold) put(n fossology.Name, content io.ReadSeeker) (taken bool, err error) {
	p.mu.Lock()
	entries := p.wanted[n]
	delete(p.wanted, n)
	p.mu.Unlock()
	for i, e := range entries {
		err := p.to.put(p.ctx, e, content)
		if errors.Is(err, errToldOf) {
			p.lost.Add(1)
			continue
		}
		if err != nil {
			return false, p.notTaken(n, entries[i:], err)
		}
		p.files.Add(1)
		p.bytes.Add(e.Size)
		p.progress.Files.Add(1)
		p.progress.Bytes.Add(e.Size)
	}
	return true, nil
}

// notTaken has a Name stay wanted. That a content is another one is no error: the right one
// may come yet.
func (p *pieceOfGold) notTaken(n fossology.Name, entries []*Entry, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted[n] = entries
	if errors.Is(err, errOtherBytes) {
		return nil
	}
	p.failed = cmp.Or(p.failed, err)
	return err
}
