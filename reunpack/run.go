package reunpack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/unpack"
)

// RunOptions say how a plan is carried out. The zero value is good.
type RunOptions struct {
	Parallel int           // golds at once; 0: one for each processor
	TempDir  string        // see [unpack.Options]
	Prefix   string        // the ledger's
	Limits   unpack.Limits // the ledger's
	Now      func() time.Time
	Log      *slog.Logger

	// Progress, if not nil, is told of every file that was brought back, and of its
	// bytes, from several goroutines.
	Progress func(files, bytes int64)
	// Stir, if not nil, is called in the same way whenever bytes come by, wanted or not:
	// who hears nothing of it for minutes looks at something that is stuck.
	Stir func()
}

func (o *RunOptions) complete() {
	if o.Parallel <= 0 {
		o.Parallel = runtime.GOMAXPROCS(0)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = func(int64, int64) {}
	}
	if o.Stir == nil {
		o.Stir = func() {}
	}
}

// A Report says what was brought back.
type Report struct {
	Missing Sum     `json:"missing"` // when the plan was made
	Written Sum     `json:"written"`
	There   Sum     `json:"there"`   // of the missing, what somebody else has brought meanwhile
	Golds   int64   `json:"golds"`   // opened
	Lost    Losses  `json:"lost"`    // not brought back, those of the plan too
	Foreign int64   `json:"foreign"` // files and directories whose owner or group could not be set
	Seconds float64 `json:"seconds"`
}

// A tally counts from several goroutines.
type tally struct {
	mu       sync.Mutex
	r        Report
	progress func(files, bytes int64)
}

func (t *tally) wrote(n fossology.Name) {
	t.mu.Lock()
	t.r.Written.add(n.Size)
	t.mu.Unlock()
	t.progress(1, n.Size)
}

func (t *tally) opened() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Golds++
}

func (t *tally) there(n fossology.Name) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.There.add(n.Size)
}

func (t *tally) lost(n fossology.Name, r reason, detail string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Lost.add(n, r, detail)
}

// A run is one call of Run.
type run struct {
	*Plan
	o RunOptions
	tally

	tmu     sync.Mutex
	targets map[string]*target
}

// Run does what the plan says. The report is also right if there is an error, which
// is one of this machine, such as a full disk; what no gold gave is in the report.
func (p *Plan) Run(ctx context.Context, o RunOptions) (*Report, error) {
	o.complete()
	begin := o.Now()
	r := &run{Plan: p, o: o, targets: map[string]*target{}}
	r.progress = o.Progress
	r.r.Missing = p.Missing
	r.r.Lost = p.Cannot.clone()
	err := r.tidy()
	if err == nil {
		err = errors.Join(r.golds(ctx), r.finish())
	}
	r.r.Seconds = o.Now().Sub(begin).Seconds()
	if err != nil {
		return &r.r, fmt.Errorf("rebuild from gold: %w", err)
	}
	return &r.r, nil
}

// finish names what waits, also after an error: it is complete.
func (r *run) finish() (err error) {
	for _, t := range r.targets {
		err = errors.Join(err, t.flush(&r.tally))
		if e := unix.Syncfs(t.fd); e != nil {
			err = errors.Join(err, &pathError{"write to the disk of", t.top, e})
		}
		r.r.Foreign += t.foreign.Load()
		unix.Close(t.fd)
	}
	return err
}

// A task is a gold with what is wanted from it.
type task struct {
	gold  fossology.Name
	names []fossology.Name
}

// golds opens the golds of the plan, then others for what these did not give.
func (r *run) golds(ctx context.Context) error {
	if r.direct != nil {
		return r.direct.run(ctx, r)
	}
	var left []leftover
	err := r.side(ctx, func(open func(func() error)) {
		for _, g := range r.Plan.Golds {
			open(func() error {
				names, err := r.wanted.of(g.at)
				if err != nil {
					return err
				}
				return r.one(ctx, task{g.name, names}, &left)
			})
		}
	})
	asked := map[fossology.Name][]fossology.Name{} // of each file that is left, the golds that were asked
	for err == nil && len(left) > 0 {
		var tasks []task
		if tasks, err = r.otherwise(left, asked); err != nil {
			return err
		}
		left = nil
		err = r.side(ctx, func(open func(func() error)) {
			for _, t := range tasks {
				open(func() error { return r.one(ctx, t, &left) })
			}
		})
	}
	return err
}

// side runs things side by side.
func (r *run) side(ctx context.Context, list func(open func(func() error))) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(r.o.Parallel)
	list(func(f func() error) {
		g.Go(func() error {
			if err := gctx.Err(); err != nil {
				return context.Cause(gctx)
			}
			return f()
		})
	})
	return g.Wait()
}

// A leftover is a file that a gold did not give.
type leftover struct {
	name fossology.Name
	gold fossology.Name
	why  error
}

// otherwise finds for what is left golds that were not asked for it; what has none is
// lost.
func (r *run) otherwise(left []leftover, asked map[fossology.Name][]fossology.Name) ([]task, error) {
	numbers := map[fossology.Name]int{}
	var tasks []task
	for _, l := range left {
		asked[l.name] = append(asked[l.name], l.gold)
		golds, err := r.source.Ledger.Golds(l.name)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(golds, func(g fossology.Name) bool { return !slices.Contains(asked[l.name], g) })
		if i < 0 {
			r.lost(l.name, reasonOf(l.why), l.why.Error())
			continue
		}
		at, known := numbers[golds[i]]
		if !known {
			at = len(tasks)
			numbers[golds[i]] = at
			tasks = append(tasks, task{gold: golds[i]})
		}
		tasks[at].names = append(tasks[at].names, l.name)
	}
	return tasks, nil
}

// target returns the files directory of a path.
func (r *run) target(ctx context.Context, top string) (*target, error) {
	r.tmu.Lock()
	defer r.tmu.Unlock()
	if t := r.targets[top]; t != nil {
		return t, nil
	}
	t, err := openTarget(ctx, top)
	if err == nil {
		r.targets[top] = t
	}
	return t, err
}
