package prune

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// DedupExecuteOptions say how the plan of a dedup is carried out.
type DedupExecuteOptions struct {
	Dir string // of journals and the plans that belong to them
	Now func() time.Time
	// Progress, if not nil, is told of every file that was dealt with.
	Progress func(files, bytes int64)
}

// A DedupReport says what was done.
type DedupReport struct {
	Plan    string  `json:"plan"`
	Journal string  `json:"journal"`
	Same    Sum     `json:"same"`  // files that share the bytes of another one now
	Freed   int64   `json:"freed"` // bytes on the disk
	Kept    Kept    `json:"kept"`  // files of the plan that stay as they were
	Seconds float64 `json:"seconds"`
	// Differ are files whose bytes are not those of their double of the same Name.
	Differ []string `json:"differ,omitempty"`
}

// togetherFiles are as many as share their bytes between two entries of the journal.
const togetherFiles = 2048

// relinker is the plan of a dedup that is being carried out.
type relinker struct {
	o      DedupExecuteOptions
	p      *DedupPlan
	top    int   // the repository, open
	synced int64 // what was changed last before that is on the disk; nanoseconds since 1970
	j      *journal
	begun  int64 // the group behind what an earlier run has begun
	began  time.Time

	mu sync.Mutex
	r  DedupReport
}

// Execute carries the plan out. What was done when it returns is in the report, with an
// error, too, which is one of this machine or its context's: then [ResumeDedup] goes on.
func (p *DedupPlan) Execute(ctx context.Context, o DedupExecuteOptions) (*DedupReport, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	j, err := createJournal(o.Dir, p.ID, p.Write, o.Now)
	if err != nil {
		return nil, fmt.Errorf("dedup: %w", err)
	}
	return p.carryOut(ctx, o, &relinker{p: p, j: j}, 0)
}

// carryOut deals with the groups from one on.
func (p *DedupPlan) carryOut(ctx context.Context, o DedupExecuteOptions, d *relinker, from int64) (_ *DedupReport, err error) {
	d.o, d.began = o, o.Now()
	d.r.Plan, d.r.Journal = p.ID, JournalOf(o.Dir, p.ID)
	if d.r.Kept == nil {
		d.r.Kept = Kept{}
	}
	defer func() {
		d.r.Seconds += o.Now().Sub(d.began).Seconds()
		err = errors.Join(err, d.j.f.Close())
		if err != nil {
			err = fmt.Errorf("dedup: %w", err)
		}
	}()
	if d.top, err = openRepository(p.Repository); err != nil {
		return &d.r, err
	}
	defer unix.Close(d.top)
	if err = d.sync(); err == nil {
		err = d.all(ctx, from)
	}
	if err != nil {
		return &d.r, err
	}
	return &d.r, d.j.writeThrough(linkEntry{Kind: lineEnd, Time: d.j.time(), Report: &d.r})
}

// sync has everything on the disk that was written until now: a file that loses its own
// bytes gets none that a power cut could take.
func (d *relinker) sync() error {
	var now unix.Timespec
	// The clock that files are stamped by.
	if err := unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &now); err != nil {
		return fmt.Errorf("read the clock: %w", err)
	}
	d.synced = now.Nano()
	if err := unix.Syncfs(d.top); err != nil {
		return &fs.PathError{Op: "sync the file system of", Path: d.p.Repository, Err: err}
	}
	return nil
}

// all goes through the groups, in batches.
func (d *relinker) all(ctx context.Context, from int64) error {
	var batch []Duplicates
	files, to := 0, from
	for g, err := range d.p.spool.all(from) {
		if err != nil {
			return err
		}
		batch, files, to = append(batch, g), files+len(g.Same), to+1
		if files >= togetherFiles {
			if err := d.batch(ctx, batch, to); err != nil {
				return err
			}
			batch, files = batch[:0], 0
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return d.batch(ctx, batch, to)
}

// batch deals with some groups, several at once, each from its proof to its last link.
func (d *relinker) batch(ctx context.Context, groups []Duplicates, to int64) error {
	atStep()
	if err := d.j.writeThrough(linkEntry{Kind: lineBegin, Time: d.j.time(), To: to}); err != nil {
		return err
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := inParallel(inner, len(groups), func(i int, buf []byte) {
		if err := d.group(inner, &groups[i], to <= d.begun, buf); err != nil {
			cancel(err)
		}
	})
	if err != nil {
		return context.Cause(inner)
	}
	return d.j.write(linkEntry{Kind: lineDone, Time: d.j.time(), To: to, Report: &d.r})
}

// group has the files of a group share the bytes of the first. begun: an earlier run may
// have done some of it. The error is one of this machine.
func (d *relinker) group(ctx context.Context, g *Duplicates, begun bool, buf []byte) error {
	keep, why := d.open(&g.Keep, g.Size)
	defer func() { keep.close() }()
	for i := range g.Same {
		if err := ctx.Err(); err != nil {
			return err
		}
		if why != "" {
			d.stays(g, i, why)
			continue
		}
		m, reason := d.open(&g.Same[i], g.Size)
		freed := int64(0)
		switch {
		case reason == Changed && m.st.Ino == keep.st.Ino && m.st.Dev == keep.st.Dev:
			if reason = Shared; begun {
				reason = ""
			}
		case reason == "":
			var err error
			if freed, reason, err = d.share(ctx, keep, m, buf); err != nil {
				m.close()
				return fmt.Errorf("%s: %w", g.Same[i].Path, err)
			}
		}
		switch reason {
		case "":
			d.done(g.Size, freed)
		case Full: // it becomes the one whose inode the next ones get
			d.stays(g, i, Full)
			keep, m = m, keep
		default:
			d.stays(g, i, reason)
		}
		m.close()
	}
	return nil
}

// share has one file get the bytes of another one.
func (d *relinker) share(ctx context.Context, keep, m *handle, buf []byte) (freed int64, why Reason, err error) {
	if keep.st.Dev != m.st.Dev {
		return 0, OtherDisk, nil
	}
	if keep.st.Ino == m.st.Ino {
		return 0, Shared, nil
	}
	if err := d.durable(keep); err != nil {
		return 0, "", err
	}
	if d.p.How == Reflink {
		return d.reflink(ctx, keep, m)
	}
	if why, err := d.alike(ctx, keep, m, buf); why != "" || err != nil {
		return 0, why, err
	}
	return d.relink(keep, m)
}

// durable sees to it that the bytes that two names are to rely on are on the disk.
func (d *relinker) durable(keep *handle) error {
	if max(keep.st.Mtim.Nano(), keep.st.Ctim.Nano()) < d.synced || keep.synced {
		return nil
	}
	keep.synced = true
	if err := unix.Fdatasync(keep.fd); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return nil
}

func (d *relinker) done(size, freed int64) {
	d.mu.Lock()
	d.r.Same.add(size)
	d.r.Freed += freed
	d.mu.Unlock()
	d.progress(size)
}

// maxDiffer is how many files with other bytes are listed.
const maxDiffer = 1000

func (d *relinker) stays(g *Duplicates, i int, why Reason) {
	d.mu.Lock()
	d.r.Kept.add(why, g.Size)
	if why == Different && len(d.r.Differ) < maxDiffer {
		d.r.Differ = append(d.r.Differ, g.Same[i].Path+" is not "+g.Keep.Path)
	}
	d.mu.Unlock()
	d.progress(g.Size)
}

func (d *relinker) progress(size int64) {
	if d.o.Progress != nil {
		d.o.Progress(1, size)
	}
}
