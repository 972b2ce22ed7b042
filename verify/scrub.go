package verify

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"repotool/snapshot"
	"repotool/store"
)

// ScrubOptions limit a scrub. The zero value reads everything.
type ScrubOptions struct {
	Sample   float64       // share of the objects to read, 0 < Sample < 1; 0: all
	Budget   time.Duration // stop after this time, and let the next go on from there; 0: never
	Now      func() time.Time
	Progress *snapshot.Progress
}

func (o ScrubOptions) orDefault() ScrubOptions {
	if o.Progress == nil {
		o.Progress = new(snapshot.Progress)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Scrub reads the objects of a store and compares them with their names.
func Scrub(ctx context.Context, st *store.Store, o ScrubOptions) (*Report, error) {
	o = o.orDefault()
	found := new(findings)
	at := openCursor(st, o.Budget)
	r, err := scrubStore(ctx, st, o, &at, found)
	if err != nil {
		return nil, err
	}
	at.save(st, o.Budget, found)
	return found.into(r), nil
}

// scrubStore reads from the cursor on, and moves it when all that was begun has
// been read.
func scrubStore(ctx context.Context, st *store.Store, o ScrubOptions, at *cursor, found *findings) (*Report, error) {
	keeper, err := newKeeper(st, found)
	if err != nil {
		return nil, err
	}
	s := &scrub{st: st, o: o, start: o.Now(), from: at.Object, found: found, keeper: keeper, batches: make(chan []store.Info, 8)}
	o.Progress.Begin(PhaseObjects, 0, 0)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(s.batches)
		return s.list(ctx)
	})
	for range max(2, runtime.GOMAXPROCS(0)) {
		g.Go(func() error { return s.work(ctx) })
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("verify store: %w", err)
	}
	at.Object = s.next
	return &Report{Scope: ScopeStore, Objects: s.objects.Load(), Skipped: s.skipped.Load(), Bytes: s.bytes.Load()}, nil
}

type scrub struct {
	st      *store.Store
	o       ScrubOptions
	start   time.Time
	from    store.Hash // the first to be read
	next    store.Hash // the first that the budget left out; zero: none
	found   *findings
	keeper  *keeper
	batches chan []store.Info
	objects atomic.Int64
	skipped atomic.Int64
	bytes   atomic.Int64
}

func (s *scrub) list(ctx context.Context) error {
	var (
		out    = batcher[store.Info]{to: s.batches}
		listed int64
		at     = s.from[0]
		over   bool
	)
	for info, err := range s.st.ListFrom(ctx, s.from) {
		var folder *store.FolderError
		if errors.As(err, &folder) {
			s.found.add(Finding{Kind: FolderUnreadable, What: folder.Folder, Detail: folder.Err.Error()})
			continue
		}
		if err != nil && ctx.Err() == nil && !info.Object.IsZero() {
			s.found.unlike(info.Object, err)
			continue
		}
		if err != nil {
			return err
		}
		if listed++; info.Object[0] != at {
			at = info.Object[0]
			s.expect(listed, at-s.from[0])
		}
		if !over && s.o.Budget > 0 && s.o.Now().Sub(s.start) > s.o.Budget {
			over, s.next = true, info.Object
		}
		if over || !s.chosen(info.Object) {
			s.skipped.Add(1)
			s.keeper.look(info) // costs nothing more
			continue
		}
		if err := out.add(ctx, info); err != nil {
			return err
		}
	}
	return out.flush(ctx)
}

// expect estimates how many objects will be read, once there is something to go
// by. Hashes are spread evenly, so a part of the folders tells of the whole.
func (s *scrub) expect(listed int64, folders byte) {
	if folders < 8 {
		return
	}
	n := float64(listed) * 256 / float64(folders)
	if s.o.Sample > 0 && s.o.Sample < 1 {
		n *= s.o.Sample
	}
	s.o.Progress.TotalFiles.Store(int64(n))
}

// chosen picks a sample: a window of the hashes that moves on each day, so
// that 1/Sample days read everything once.
func (s *scrub) chosen(h store.Hash) bool {
	if s.o.Sample <= 0 || s.o.Sample >= 1 {
		return true
	}
	day := float64(s.start.Unix() / 86400)
	at := float64(binary.BigEndian.Uint32(h[:]))/(1<<32) - day*s.o.Sample
	return at-float64(int64(at))+boolTo(at < 0) < s.o.Sample
}

func boolTo(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (s *scrub) work(ctx context.Context) error {
	buf := make([]byte, 1<<20+1)
	for batch := range s.batches {
		for _, info := range batch {
			if err := s.check(ctx, info, buf); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *scrub) check(ctx context.Context, info store.Info, buf []byte) error {
	n, err := s.st.Check(ctx, info.Object, buf)
	s.objects.Add(1)
	s.bytes.Add(n)
	s.o.Progress.Files.Add(1)
	s.o.Progress.Bytes.Add(n)
	switch {
	case err == nil:
		s.keeper.look(info)
		return nil
	case errors.Is(err, store.ErrNoObject): // deleted meanwhile
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	s.found.unlike(info.Object, err)
	return nil
}
