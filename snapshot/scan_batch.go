package snapshot

import (
	"context"
	"fmt"

	"repotool/store"
)

// How much of a scan is under way at once.
const (
	scanBatch = 64 // entries that go to a worker together
	scanAhead = 32 // batches between the walk and the segment writer
)

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
	proven  bool // of an entry that is gone: gold makes it
	put     store.Put
	problem *Finding
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

// collect writes changes into the segment, in order.
func (s *scan) collect(ctx context.Context) error {
	for b := range s.order {
		select {
		case <-b.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		for i := range b.items {
			if err := s.take(&b.items[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *scan) take(it *item) error {
	if it.put.Healed {
		s.findings.Add(StoreDamaged, it.entry.Path, fmt.Sprintf("object %s held other bytes and was replaced; they are in the store's trash", it.put.Object))
	}
	if it.problem != nil {
		s.report(*it.problem)
		if !it.gone {
			s.checkKept(it)
			return nil // what is known of it stays
		}
	}
	if it.gone {
		if !it.had {
			return nil
		}
		if it.entry = s.vanished(&it.prev); it.entry == it.prev {
			return nil
		}
	}
	if it.read && !it.gone {
		s.result.newFiles.Files++
		s.result.newFiles.Bytes += it.entry.Size
		if it.put.Added {
			s.result.added.Files++
			s.result.added.Bytes += it.put.Size
		}
		if it.had && it.prev == it.entry {
			return nil // read again, and the same
		}
	}
	s.count(it)
	if s.out == nil {
		var err error
		if s.out, err = newSegmentWriter(s.st, s.depth); err != nil {
			return err
		}
	}
	return s.out.add(&it.entry)
}

// report takes a problem up. If another pass follows, that one is left to say
// whether it still is one: it reads the file again.
func (s *scan) report(f Finding) {
	s.retry(f.Path)
	s.cacheMu.Lock()
	later := s.again != nil && len(s.again) < maxSuspects
	if later {
		s.again[f.Path] = true
	}
	s.cacheMu.Unlock()
	if !later {
		s.findings.Add(f.Kind, f.Path, f.Detail)
	}
}

// retry makes the next scan read the directory of path again.
func (s *scan) retry(p string) {
	s.cacheMu.Lock()
	s.cache.again(p)
	s.cacheMu.Unlock()
}

func (s *scan) count(it *item) {
	t := s.totals[typeOf(it.entry.Path)]
	if it.had && it.prev.LeftOut() {
		s.leftOut.Files--
		s.leftOut.Bytes -= it.prev.Size
	}
	if it.entry.LeftOut() {
		s.leftOut.Files++
		s.leftOut.Bytes += it.entry.Size
	}
	if it.had && it.prev.Gone {
		s.gone.Files--
		s.gone.Bytes -= it.prev.Size
	}
	if it.entry.Gone {
		s.gone.Files++
		s.gone.Bytes += it.entry.Size
	}
	if it.had && it.prev.Kind == File {
		t.Files--
		t.Bytes -= it.prev.Size
	}
	if it.entry.Kind == File {
		t.Files++
		t.Bytes += it.entry.Size
	}
	if it.entry.Kind == removed && it.prev.Kind != Dir {
		s.result.removed++
	}
	if it.entry.Gone && !it.prev.Gone && !it.proven {
		s.result.vanished++
	}
	s.totals[typeOf(it.entry.Path)] = t
}
