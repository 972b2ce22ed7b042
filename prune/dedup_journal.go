package prune

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// linkEntry is a line of the journal of a dedup. What a batch is stands in the plan, which
// is beside it, and on the disk, before the first begins.
type linkEntry struct {
	Kind   string       `json:"kind"`
	Time   time.Time    `json:"time"`
	Plan   string       `json:"plan,omitempty"`   // start
	To     int64        `json:"to,omitempty"`     // begin, done: the group behind the batch
	Report *DedupReport `json:"report,omitempty"` // done, end: all that was done so far
	Back   *Sum         `json:"back,omitempty"`   // undone: files that have bytes of their own again
}

// A DedupRun is a dedup.
type DedupRun struct {
	Run
	Report DedupReport `json:"report"` // as far as it is known

	begun int64 // the group behind the last batch that was begun
}

// ReadDedupRun reads a journal.
func ReadDedupRun(file string) (*DedupRun, error) {
	d := &DedupRun{Run: Run{Journal: file}}
	err := readRun(&d.Run, func(e linkEntry) error {
		switch {
		case e.Kind == lineStart:
			d.Plan, d.Start = e.Plan, e.Time
		case e.Kind == lineBegin:
			d.begun = e.To
		case e.Kind == lineDone && e.Report != nil:
			d.next, d.Report = e.To, *e.Report
		case e.Kind == lineEnd && e.Report != nil:
			d.Ended, d.Report = true, *e.Report
		case e.Kind == lineUndone:
			d.Undone = true
		default:
			return ErrJournal
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	d.Report.Plan, d.Report.Journal = d.Plan, file
	return d, nil
}

// DedupRuns lists those of a directory, the oldest first.
func DedupRuns(dir string) ([]*DedupRun, error) {
	return runs(dir, ReadDedupRun, func(d *DedupRun) *Run { return &d.Run })
}

// plan reads the plan of a run, which lies beside its journal.
func (d *DedupRun) plan(tempDir string) (*DedupPlan, error) {
	f, err := os.Open(filepath.Join(filepath.Dir(d.Journal), d.Plan+planEnding))
	if err != nil {
		return nil, fmt.Errorf("find the plan of %s: %w", d.Journal, err)
	}
	defer f.Close()
	return ReadDedupPlan(f, tempDir)
}

// ResumeDedup goes on with a dedup that was interrupted. Files of the batch in which that
// happened that share their bytes already are counted as such.
func ResumeDedup(ctx context.Context, d *DedupRun, tempDir string, o DedupExecuteOptions) (*DedupReport, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	p, err := d.plan(tempDir)
	if err != nil {
		return nil, fmt.Errorf("dedup: %w", err)
	}
	defer p.Close()
	if err := d.tidy(p); err != nil {
		return nil, fmt.Errorf("dedup: %w", err)
	}
	j, err := d.reopen(o.Now)
	if err != nil {
		return nil, fmt.Errorf("dedup: %w", err)
	}
	return p.carryOut(ctx, o, &relinker{p: p, j: j, begun: d.begun, r: d.Report}, d.next)
}

// tidy removes links that a batch which was interrupted had not put into their place.
func (d *DedupRun) tidy(p *DedupPlan) error {
	top, err := openRepository(p.Repository)
	if err != nil {
		return err
	}
	defer unix.Close(top)
	at := d.next
	for g, err := range p.spool.all(d.next) {
		if err != nil {
			return err
		}
		if at++; at > d.begun {
			break
		}
		for _, m := range g.Same {
			dir, err := fossology.OpenBeneath(top, path.Dir(m.Path))
			if err != nil {
				continue
			}
			_, err = tidy(dir, path.Base(m.Path), m.Inode)
			unix.Close(dir)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// MarkUndone writes into a journal that it was undone.
func (d *DedupRun) MarkUndone(back Sum, now func() time.Time) error {
	j, err := d.reopen(now)
	if err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return errors.Join(j.writeThrough(linkEntry{Kind: lineUndone, Time: j.time(), Back: &back}), j.f.Close())
}
