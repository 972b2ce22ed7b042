package snapshot

import (
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
	// Rebuild unpacks a gold, whose bytes are in the file from, and calls put for
	// every content of it that is wanted: with the Name that its bytes have, and the
	// bytes. wanted and put may be called from several goroutines. An error of put
	// ends it, and is returned. A content that does not come out is no error.
	Rebuild(ctx context.Context, upload string, from *os.File, wanted func(fossology.Name) bool, put func(fossology.Name, io.ReadSeeker) error) error
}

// A RebuildReport counts what a rebuild did, or with Plan would do.
type RebuildReport struct {
	Wanted  Totals `json:"wanted"`  // files that were left out, and are not there
	Golds   int64  `json:"golds"`   // that were unpacked for them
	Rebuilt Totals `json:"rebuilt"` // files that came back
	Lost    int64  `json:"lost"`    // files that did not
	Foreign int64  `json:"foreign"` // files whose owner or mode could not be set
}

// maxWanted is how many files are rebuilt in one go, if they are of several golds:
// they are in memory, some 300 bytes each.
const maxWanted = 200_000

// PhaseRebuild is the phase of Rebuild.
const PhaseRebuild Phase = "rebuild"

// Rebuild brings the files back that were left out of a snapshot, from its gold in
// the store. Like Restore it leaves alone what is there and right, checks every
// byte, and shows no file before it is complete; what gold does not bring back is a
// finding.
func (s *Snapshot) Rebuild(ctx context.Context, o RestoreOptions, rb Rebuilder) (*RebuildReport, error) {
	r, err := s.restorer(o)
	if err != nil {
		return nil, err
	}
	defer r.close()
	b := &rebuild{restorer: r, from: rb, by: map[Gold]Totals{}}
	if err := b.run(ctx); err != nil {
		return nil, fmt.Errorf("rebuild in %s: %w", o.To, err)
	}
	b.report.Rebuilt = Totals{b.files.Load(), b.bytes.Load()}
	b.report.Lost, b.report.Foreign = b.lost.Load(), r.count.foreign.Load()
	return &b.report, nil
}

// rebuild is one run of Rebuild.
type rebuild struct {
	*restorer
	from               Rebuilder
	by                 map[Gold]Totals // what is wanted of each gold
	golds              map[fossology.Name]Entry
	report             RebuildReport
	files, bytes, lost atomic.Int64
}

func (b *rebuild) run(ctx context.Context) (err error) {
	if b.Manifest.LeftOut.Files == 0 {
		return nil
	}
	err = b.each(ctx, nil, func(e *Entry) {
		b.by[e.Gold] = b.by[e.Gold].plus(e.Size)
		b.report.Wanted = b.report.Wanted.plus(e.Size)
	})
	b.report.Golds = int64(len(b.by))
	if err != nil || b.o.Plan || len(b.by) == 0 {
		return err
	}
	b.o.Progress.Begin(PhaseRebuild, b.report.Wanted.Files, b.report.Wanted.Bytes)
	if b.golds, err = b.Golds(ctx); err != nil {
		return err
	}
	golds := sortedGolds(slices.Collect(maps.Keys(b.by)))
	for len(golds) > 0 {
		batch, files := map[Gold][]Entry{}, int64(0)
		for len(golds) > 0 && (len(batch) == 0 || files+b.by[golds[0]].Files <= maxWanted) {
			batch[golds[0]] = nil
			files += b.by[golds[0]].Files
			golds = golds[1:]
		}
		if err := b.batch(ctx, batch); err != nil {
			return err
		}
	}
	return b.sync()
}

// each calls f for the files that are left out, asked for, and not there as they
// should be; if batch is not nil, for those of its golds.
func (b *rebuild) each(ctx context.Context, batch map[Gold][]Entry, f func(*Entry)) error {
	w := newFileWriter(b.restorer)
	matched := make([]bool, len(b.o.Only))
	for e, err := range b.Entries(ctx, "") {
		if err != nil {
			return err
		}
		if !e.LeftOut() || !selected(&e, b.o.Only, matched) {
			continue
		}
		if _, of := batch[e.Gold]; batch != nil && !of || stored(b.Store, &e) {
			continue
		}
		if _, right := w.present(ctx, &e); !right {
			f(&e)
		}
	}
	return ctx.Err()
}

// batch rebuilds what is wanted of some golds, side by side.
func (b *rebuild) batch(ctx context.Context, wanted map[Gold][]Entry) error {
	if err := b.each(ctx, wanted, func(e *Entry) { wanted[e.Gold] = append(wanted[e.Gold], *e) }); err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for gold, list := range wanted {
		g.Go(func() error { return b.gold(gctx, gold, list) })
	}
	return g.Wait()
}

// gold rebuilds what is wanted of one gold.
func (b *rebuild) gold(ctx context.Context, gold Gold, list []Entry) error {
	p := &pieceOfGold{rebuild: b, ctx: ctx, w: newFileWriter(b.restorer), wanted: map[fossology.Name][]*Entry{}}
	for i := range list {
		name, _ := list[i].Name(b.Manifest.Depth)
		p.wanted[name] = append(p.wanted[name], &list[i])
	}
	from, err := b.openGold(gold)
	if err == nil {
		err = b.from.Rebuild(ctx, gold.Upload, from, p.wants, p.put)
		from.Close()
	}
	why := "gold " + gold.Name.String() + " does not make it any more"
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, store.ErrNoObject):
		why = err.Error()
	case err != nil:
		return fmt.Errorf("gold %s: %w", gold.Name, err)
	}
	for _, entries := range p.wanted {
		for _, e := range entries {
			b.lost.Add(1)
			b.o.Findings.Add(NotRebuilt, e.Path, why)
		}
	}
	return nil
}

// openGold opens the object of a gold.
func (b *rebuild) openGold(gold Gold) (*os.File, error) {
	e, ok := b.golds[gold.Name]
	if !ok {
		return nil, fmt.Errorf("gold %s is not in the snapshot: %w", gold.Name, store.ErrNoObject)
	}
	return b.Store.Open(e.Object)
}

// A pieceOfGold takes the contents of one gold. What has come is no longer wanted.
type pieceOfGold struct {
	*rebuild
	ctx    context.Context // of the one call of gold
	mu     sync.Mutex
	w      *fileWriter
	wanted map[fossology.Name][]*Entry
}

func (p *pieceOfGold) wants(n fossology.Name) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.wanted[n]) > 0
}

// put writes a content wherever it is wanted.
func (p *pieceOfGold) put(n fossology.Name, content io.ReadSeeker) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	entries := p.wanted[n]
	for len(entries) > 0 {
		e := entries[0]
		switch err := p.write(e, content); {
		case errors.Is(err, errOtherBytes):
			p.wanted[n] = entries
			return nil // not this one: it stays wanted
		case err != nil:
			if err := p.w.wrong(e, err); err != nil {
				return err
			}
		default:
			p.files.Add(1)
			p.bytes.Add(e.Size)
		}
		p.o.Progress.Files.Add(1)
		p.o.Progress.Bytes.Add(e.Size)
		entries = entries[1:]
	}
	delete(p.wanted, n)
	return nil
}

// errOtherBytes means that a content is not the one of the manifest.
var errOtherBytes = errors.New("other bytes")

func (p *pieceOfGold) write(e *Entry, content io.ReadSeeker) error {
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := p.w.mkdirFor(e.Path); err != nil {
		return err
	}
	there, right := p.w.present(p.ctx, e)
	if right {
		return nil
	}
	return p.w.writeFile(e, there, func(fd int) error { return copyChecked(fdWriter(fd), content, e) })
}
