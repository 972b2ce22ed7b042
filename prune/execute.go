package prune

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"path"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/goldindex"
)

// A Moment of the database is asked before each batch. *fossology.View is one.
type Moment interface {
	// PartsOf yields what some contents are to each upload, in the order of the Names.
	PartsOf(context.Context, []fossology.Name) iter.Seq2[fossology.Part, error]
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
	gold    *guarded
	settled map[fossology.Name]bool // that an earlier run has removed
	r       Report
	begin   time.Time
}

// Execute carries the plan out. What was removed when it returns is in the report, with
// an error, too, which is one of this machine or its context's: then [Resume] goes on.
func (p *Plan) Execute(ctx context.Context, o ExecuteOptions) (*Report, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	j, err := createJournal(o.Dir, p, o.Now)
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
	d := &deed{o: o, p: p, j: j, r: so, settled: settled, proofs: o.Ledger.Proofs(), begin: o.Now()}
	d.r.Plan, d.r.Journal = p.ID, JournalOf(o.Dir, p.ID)
	if d.r.Kept == nil {
		d.r.Kept = Kept{}
	}
	defer func() {
		d.r.Seconds += o.Now().Sub(d.begin).Seconds()
		err = errors.Join(err, j.f.Close())
		if err != nil {
			err = fmt.Errorf("prune: %w", err)
		}
	}()
	if d.top, err = unix.Open(p.Repository, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return &d.r, &fs.PathError{Op: "open", Path: p.Repository, Err: err}
	}
	defer unix.Close(d.top)
	if err = d.all(ctx, from); err != nil {
		return &d.r, err
	}
	return &d.r, j.end(&d.r)
}

// all goes through the victims, in batches of one gold.
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
		if len(batch) > 0 && (len(batch) == batchFiles || batch[0].Gold != v.Gold) {
			if err := flush(); err != nil {
				return err
			}
		}
		if to++; !d.settled[v.Name] {
			batch = append(batch, &v)
		}
	}
	return flush()
}

// batch removes what of a batch may go.
func (d *deed) batch(ctx context.Context, victims []*Victim, to int64) error {
	gold, ok := fossology.ParseName(d.p.Golds[victims[0].Gold].Name)
	if !ok {
		return fmt.Errorf("gold %q of the plan: %w", d.p.Golds[victims[0].Gold].Name, ErrNoPlan)
	}
	if d.gold == nil || d.gold.name != gold {
		d.gold = d.guard(ctx, gold)
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
	why := d.gold.intact()
	for _, c := range all {
		if c.why == "" {
			c.why = why
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
	return d.j.done(to, &d.r)
}

// lookAt reads the files of a batch, several at once, and asks the ledger once more.
func (d *deed) lookAt(ctx context.Context, victims []*Victim, all []*candidate) error {
	for i, v := range victims { // the cursor of the ledger is one goroutine's
		sum, golds, err := d.proofs.Proof(v.Name)
		if err != nil {
			return err
		}
		if sum != v.BLAKE3 || !slices.Contains(golds, d.gold.name) {
			all[i] = &candidate{v: v, dir: -1, why: NotProven}
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, v := range victims {
		if all[i] != nil {
			continue
		}
		g.Go(func() error {
			all[i] = d.look(ctx, v, make([]byte, 256<<10))
			return ctx.Err()
		})
	}
	return g.Wait()
}

// ask asks the database, last of all: what it says is the soonest out of date.
func (d *deed) ask(ctx context.Context, all []*candidate) error {
	var names []fossology.Name
	for _, c := range all {
		if c.why == "" {
			names = append(names, c.v.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	m, err := d.o.Look(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	busy, err := busyUploads(m.Jobs(ctx))
	if err != nil {
		return err
	}
	cut := map[int64]bool{}
	for pk, err := range m.CutShort(ctx) {
		if err != nil {
			return err
		}
		cut[pk] = true
	}
	kinds, why := map[fossology.Name]fossology.Kinds{}, map[fossology.Name]Reason{}
	for p, err := range m.PartsOf(ctx, names) {
		if err != nil {
			return err
		}
		kinds[p.Name] |= p.Kinds
		switch {
		case busy[p.Upload]:
			why[p.Name] = Job
		case cut[p.Upload] && why[p.Name] == "":
			why[p.Name] = CutShort
		}
	}
	for _, c := range all {
		if c.why != "" {
			continue
		}
		switch k := kinds[c.v.Name]; {
		case k == 0:
			c.why = Unknown
		case !d.p.Level.takes(k):
			c.why = OtherClass
		case k&fossology.Unopened != 0:
			c.why = NotUnpacked
		default:
			c.why = why[c.v.Name]
		}
	}
	return nil
}

// remove removes files that may go.
func (d *deed) remove(batch []*candidate, to int64) error {
	atStep()
	if err := d.j.begin(to, batch); err != nil {
		return err
	}
	for _, c := range batch {
		atStep()
		switch err := unix.Unlinkat(c.dir, path.Base(c.path), 0); {
		case errors.Is(err, unix.ENOENT):
			d.r.Kept.add(Gone, c.v.Name.Size)
			continue
		case err != nil:
			return &fs.PathError{Op: "remove", Path: path.Join(d.p.Repository, c.path), Err: err}
		}
		d.r.Removed.add(c.v.Name.Size)
		d.r.Freed += c.v.Freed
		if c.stat.Ino == d.gold.stat.Ino && c.stat.Dev == d.gold.stat.Dev { // gold has one name less
			unix.Lstat(d.gold.path, &d.gold.stat)
		}
		c.close()
		d.clear(path.Dir(c.path), d.p.emptyTo(c.v.Host))
	}
	return nil
}

// emptyTo is the directory above those that go when they are empty.
func (p *Plan) emptyTo(host string) string { return path.Join(host, "files") }

// clear removes directories that are empty. FOSSology may be about to put a file into
// one: then it finds the directory missing. That takes a new file whose Name begins with
// the same six digits, at the same microsecond.
func (d *deed) clear(dir, end string) {
	for ; dir != end && len(dir) > len(end); dir = path.Dir(dir) {
		at, err := fossology.OpenBeneath(d.top, path.Dir(dir))
		if err != nil {
			return
		}
		atStep()
		err = unix.Unlinkat(at, path.Base(dir), unix.AT_REMOVEDIR)
		unix.Close(at)
		if err != nil {
			return // not empty, mostly
		}
		d.r.Directories++
	}
}
