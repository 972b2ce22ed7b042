package prune

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/goldindex"
)

// A Moment of the database is asked before each batch. *fossology.View is one, best of [fossology.Views].
type Moment interface {
	// PartsOf yields what some contents are to each upload, and its gold, in the order of the Names.
	PartsOf(context.Context, []fossology.Name) iter.Seq2[fossology.OwnedPart, error]
	// Jobs yields the jobs that run or wait.
	Jobs(context.Context) iter.Seq2[fossology.Job, error]
	// CutShort yields the uploads whose first unpack did not come to its end.
	CutShort(context.Context) iter.Seq2[int64, error]
	Close() error
}

// ExecuteOptions say how a plan is carried out.
type ExecuteOptions struct {
	Repository fossology.Repository
	Ledger     *goldindex.Ledger
	Dir        string // of journals and the plans that belong to them
	Look       func(context.Context) (Moment, error)
	Now        func() time.Time
	Log        *slog.Logger
	// Progress, if not nil, is told of every victim that was dealt with.
	Progress func(files, bytes int64)
}

// A Report says what was done.
type Report struct {
	Plan        string  `json:"plan"`
	Journal     string  `json:"journal"`
	Removed     Sum     `json:"removed"`
	Freed       int64   `json:"freed"`
	Directories int64   `json:"directories"` // that were empty, and went
	Kept        Kept    `json:"kept"`        // victims of the plan that stayed
	Seconds     float64 `json:"seconds"`
}

// batchFiles are looked at, and removed, together: so many directories are open.
const batchFiles = 256

// atStep is called before each step that lasts: tests of crashes end the process there.
var atStep = func() {}

// deed is a plan that is being carried out.
type deed struct {
	o       ExecuteOptions
	p       *Plan
	top     int // the repository, open
	proofs  *goldindex.Proofs
	j       *journal
	golds   map[int]*guarded        // of the last batch, by their numbers in the plan
	settled map[fossology.Name]bool // that an earlier run has removed
	r       Report
	began   time.Time
}

// Execute carries the plan out. What was removed when it returns is in the report, with
// an error, too, which is one of this machine or its context's: then [Resume] goes on.
func (p *Plan) Execute(ctx context.Context, o ExecuteOptions) (*Report, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	j, err := createJournal(o.Dir, p.ID, p.Write, o.Now)
	if err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	return p.carryOut(ctx, o, j, 0, Report{}, nil)
}

// carryOut deals with the victims from one on, but those that are settled.
func (p *Plan) carryOut(ctx context.Context, o ExecuteOptions, j *journal, from int64, so Report, settled map[fossology.Name]bool) (_ *Report, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &deed{o: o, p: p, j: j, r: so, settled: settled, proofs: o.Ledger.Proofs(), began: o.Now()}
	d.r.Plan, d.r.Journal = p.ID, JournalOf(o.Dir, p.ID)
	if d.r.Kept == nil {
		d.r.Kept = Kept{}
	}
	defer func() {
		d.r.Seconds += o.Now().Sub(d.began).Seconds()
		err = errors.Join(err, j.f.Close())
		if err != nil {
			err = fmt.Errorf("prune: %w", err)
		}
	}()
	if d.top, err = openRepository(p.Repository); err != nil {
		return &d.r, err
	}
	defer unix.Close(d.top)
	if err = d.all(ctx, from); err != nil {
		return &d.r, err
	}
	return &d.r, d.end()
}

// all goes through the victims in batches. A batch may be of several golds: the questions
// that are asked for each take longer than a small gold does.
func (d *deed) all(ctx context.Context, from int64) error {
	var batch []*Victim
	to := from
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := d.batch(ctx, batch, to)
		batch = nil
		return err
	}
	for v, err := range d.p.spool.all(from) {
		if err != nil {
			return err
		}
		if len(batch) == batchFiles {
			if err := flush(); err != nil {
				return err
			}
		}
		if to++; d.settled[v.Name] {
			d.r.Freed += v.Freed // it was counted as removed, by its journal
			continue
		}
		batch = append(batch, &v)
	}
	return flush()
}

// batch removes what of a batch may go.
func (d *deed) batch(ctx context.Context, victims []*Victim, to int64) error {
	if err := d.guardAll(ctx, victims); err != nil {
		return err
	}
	all := make([]*candidate, len(victims))
	defer func() {
		for _, c := range all {
			if c != nil {
				c.close()
			}
		}
	}()
	if err := d.lookAt(ctx, victims, all); err != nil {
		return err
	}
	if err := d.ask(ctx, all); err != nil {
		return err
	}
	var free []*candidate
	for _, c := range all {
		if c.why == "" {
			c.why = d.golds[c.v.Gold].intact()
		}
		if c.why == "" && !c.still() {
			c.why = Changed
		}
		if c.why == "" {
			free = append(free, c)
		} else {
			d.r.Kept.add(c.why, c.v.Name.Size)
		}
	}
	if len(free) > 0 {
		if err := d.remove(free, to); err != nil {
			return err
		}
	}
	if d.o.Progress != nil {
		for _, v := range victims {
			d.o.Progress(1, v.Name.Size)
		}
	}
	return d.done(to)
}

// lookAt reads the files of a batch, several at once, and asks the ledger once more.
func (d *deed) lookAt(ctx context.Context, victims []*Victim, all []*candidate) error {
	makers := make([][]fossology.Name, len(victims))
	for i, v := range victims { // the cursor of the ledger is one goroutine's
		sum, golds, err := d.proofs.Proof(v.Name)
		if err != nil {
			return err
		}
		switch g := d.golds[v.Gold]; {
		case g.why != "":
			all[i] = &candidate{v: v, dir: -1, why: g.why}
		case sum != v.BLAKE3 || !slices.Contains(golds, g.name):
			all[i] = &candidate{v: v, dir: -1, why: NotProven}
		}
		makers[i] = golds
	}
	return inParallel(ctx, len(victims), func(i int, buf []byte) {
		if all[i] == nil {
			all[i] = d.look(ctx, victims[i], buf)
			all[i].makers = makers[i]
			slices.SortFunc(all[i].makers, fossology.Name.Compare)
		}
	})
}
