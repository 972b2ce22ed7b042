package snapshot

import (
	"context"
	"fmt"
	"io"
	"os"
)

// ProveRebuild unpacks the gold in the store and compares what comes out with every file
// that the snapshot left out. It writes nothing. missed is told, from several goroutines,
// of each file that does not come back, and why.
func (s *Snapshot) ProveRebuild(ctx context.Context, rb Rebuilder, p *Progress, missed func(e *Entry, why string)) (*RebuildReport, error) {
	if p == nil {
		p = new(Progress)
	}
	b := &rebuild{Snapshot: s, from: rb, to: proof(missed), progress: p}
	err := b.count(ctx)
	if err == nil && b.report.Wanted.Files > 0 {
		err = b.all(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("rebuild snapshot %s for proof: %w", s.Name(), err)
	}
	return &b.report, nil
}

// A proof is the target of a rebuild that only compares.
type proof func(*Entry, string)

// wants takes all: what an earlier snapshot stored may go with that.
func (proof) wants(context.Context, *Entry) (bool, bool) { return true, false }
func (proof) gold(*Entry) *os.File                       { return nil }

func (proof) put(_ context.Context, e *Entry, content io.ReadSeeker) error {
	if err := seekStart(content); err != nil {
		return err
	}
	return copyChecked(io.Discard, content, e)
}

func (p proof) missed(e *Entry, why string) { p(e, why) }
