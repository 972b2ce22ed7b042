package snapshot

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"os"
	"time"

	"repotool/fossology"
	"repotool/store"
)

// Detection says how a change is noticed.
type Detection string

// The ways to detect change. The zero value is DetectWalk.
const (
	DetectWalk Detection = "walk" // by names and sizes; directories that have not changed are not read
	DetectRead Detection = "read" // by reading every file
)

// fullScanEvery is how often every directory is read although its times say
// that nothing changed: the short cut trusts the file system's clock.
const fullScanEvery = 7 * 24 * time.Hour

// clockSlack covers clocks that tick slowly: file systems stamp by the tick.
const clockSlack = 100 * time.Millisecond

// clockTick is how much earlier than it was such a stamp may say.
const clockTick = 20 * time.Millisecond

// Quiesce brings an installation to a standstill, and returns how to end it.
type Quiesce func(context.Context) (release func(context.Context) (Standstill, error), err error)

// A Standstill is what is known of one that has ended.
type Standstill struct {
	Duration    time.Duration
	StaleJobs   []int64  // jq_pk: run according to the database, though no agent does
	UnseenHosts []string // whose agents could not be looked for
	Broken      bool     // somebody started the scheduler meanwhile
}

// References are what a database says of files.
type References interface {
	// PfileNames are all content names, GoldNames those of living uploads;
	// both sorted and each once.
	PfileNames(context.Context) iter.Seq2[fossology.Name, error]
	GoldNames(context.Context) iter.Seq2[fossology.Name, error]
}

// A View is one unchanging view of the database: what is dumped, what is
// counted, and what files are checked against.
type View struct {
	References
	SnapshotID string           // for pg_dump
	Rows       map[string]int64 // of upload, pfile, uploadtree, jobqueue
	Close      func()
}

// TakeOptions say what to take a snapshot of, and how.
type TakeOptions struct {
	Store        *store.Store
	Installation string
	Repository   string
	Depth        int                                  // of the fan-out
	Dump         *DumpOptions                         // nil: no dump. Take fills in what concerns store and history
	View         func(context.Context) (*View, error) // nil: no closure check, no row counts
	Quiesce      Quiesce                              // nil: do not stop anything; the dump then precedes the copy
	Prover       Prover                               // what gold brings back is left out: strategy gold. nil: strategy full
	Unpacker     string                               // describes the one that Prover speaks of
	Derived      Prover                               // says of files that the repository has not got whether gold makes them; nil: nobody knows
	Place        func(fossology.Name) string          // where the repository has a derived file; with Derived
	Detect       Detection
	FullScan     bool // read every directory this time
	CheckMD5     bool // check the whole Name of new files, not its SHA-1 alone
	Layout       Layout
	Changes      bool      // the day holds what changed since the one before, on which it builds (see [Rotate])
	Before       *Manifest // the newest snapshot, if that is not in Store; it need not be complete
	Command      string    // describes the run to others who want the lock
	Version      string    // of repotool
	Now          func() time.Time
	Log          *slog.Logger
	Progress     *Progress
}

// Take takes a snapshot. It appears complete or not at all; what was stored
// before an error is found again by the next run. The installation is never
// changed, but for the standstill. A result with Findings is a good snapshot
// of what could be read.
func Take(ctx context.Context, o TakeOptions) (*Summary, error) {
	o.setDefaults()
	if o.Changes && o.Layout == LayoutNone {
		return nil, errors.New("snapshot: a day that builds on others needs a layout")
	}
	if _, err := (fossology.Repository{Path: o.Repository}).Tops(); err != nil {
		return nil, err
	}
	if err := o.Store.Apart(o.Repository); err != nil { // each snapshot would take up those before
		return nil, fmt.Errorf("snapshot of %s: %w", o.Repository, err)
	}
	lock, err := o.Store.Lock(ctx, "snapshot-"+o.Installation, o.Command, o.Now())
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	s, err := takeOnce(ctx, o, false)
	if errors.Is(err, errDisorder) {
		o.Log.Warn("beginning again, and reading every directory", "err", err)
		s, err = takeOnce(ctx, o, true)
	}
	return s, err
}

func (o *TakeOptions) setDefaults() {
	if o.Layout == "" {
		o.Layout = LayoutFlat
	}
	if o.Detect == "" {
		o.Detect = DetectWalk
	}
	if o.Progress == nil {
		o.Progress = new(Progress)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// takeOnce takes a snapshot. With distrust, no directory is passed over for what
// an earlier walk knew of it.
func takeOnce(ctx context.Context, o TakeOptions, distrust bool) (*Summary, error) {
	t := &taker{TakeOptions: o, distrust: distrust}
	defer t.close()
	if err := t.prepare(ctx); err != nil {
		return nil, err
	}
	if err := t.copy(ctx); err != nil {
		return nil, err
	}
	t.compareWithParent()
	return t.publish(ctx)
}

// fewFiles is a repository so small that all of it may be replaced in a day.
const fewFiles = 100

// fewGolds is the same for uploads.
const fewGolds = 10

// compareWithParent makes a finding of a repository that has lost most of what it
// held: a disk that is not mounted, or a wrong path, looks just like that.
func (t *taker) compareWithParent() {
	last, gone := t.parent, t.gone()
	if last == nil && t.Before != nil { // a new base
		last = t.Before
		gone = last.Total().Files - t.manifest.Total().Files
	}
	if last == nil {
		return
	}
	if had := last.Total().Files; had > fewFiles && gone > had/2 {
		t.findings.Add(ManyGone, t.Repository, fmt.Sprintf("%d of the %d files of snapshot %s are gone", gone, had, last.Name()))
	} else if had, has := last.Totals["gold"].Files, t.manifest.Totals["gold"].Files; had > fewGolds && has < had/2 {
		t.findings.Add(ManyGone, t.Repository, fmt.Sprintf("of the %d archives in gold of snapshot %s, %d are gone", had, last.Name(), had-has))
	}
}

// gone is how many files have gone since the last snapshot, at least. What vanished tonight
// and was dropped is among the removed, and counts once. Much that is dropped has not been
// counted as vanished, though: gold makes it, or it had gone before. As nobody keeps track of
// each, the larger number stands for both.
func (t *taker) gone() int64 {
	return t.summary.Removed - t.dropped + max(t.vanished, t.dropped)
}

// A taker is one run of Take.
type taker struct {
	TakeOptions
	started  time.Time
	manifest *Manifest // the one being made
	parent   *Manifest // the one before, or nil
	findings Findings
	record   *os.File // all findings, a line each
	summary  Summary
	cache    *scanCache      // of the run before
	fresh    *cacheWriter    // of this run
	full     time.Time       // when every directory was last read
	suspects map[string]bool // files that were wrong the last time
	golds    goldSet         // in the manifest; nil: not known yet
	owners   *ownerNamer
	lost     lostFiles
	leases   []*store.Lease
	tmp      string // of this run alone
	vanished int64  // files that the repository has not got, of which gold is not known to make them
	dropped  int64  // files that it has not got, to which the database refers no more: some have vanished, all are removed
	distrust bool   // read every directory in every pass
}

// completeDay says whether the snapshot's day shows all of it, so that building it meets
// every object that is lost.
func (t *taker) completeDay() bool { return t.Layout != LayoutNone && !t.Changes }

func (t *taker) close() {
	if t.cache != nil {
		t.cache.close()
	}
	if t.fresh != nil {
		t.fresh.close()
	}
	if t.record != nil {
		t.record.Close()
		os.Remove(t.record.Name()) // if the snapshot was not published
	}
	for _, l := range t.leases {
		if err := l.Release(); err != nil {
			t.Log.Warn("others wait for this run until its process ends", "err", err)
		}
	}
}

// dirs of an installation in the store.
func snapshotsDir(st *store.Store, installation string) string {
	return st.Path("snapshots", installation)
}

func daysDir(st *store.Store, installation string) string { return st.Path("days", installation) }

func cacheName(st *store.Store, installation string) string {
	return st.Path("cache", installation+".scan")
}

// copy brings files and database into the store. With a standstill, the long
// first pass runs before it and a short one within; without, the dump comes
// first, since files are only ever added.
func (t *taker) copy(ctx context.Context) error {
	var dirs iter.Seq[fossology.Dir]
	if t.Detect == DetectWalk && !t.FullScan && !store.OnNetwork(t.Repository) {
		t.cache = openScanCache(cacheName(t.Store, t.Installation), cacheKey(t.Repository, t.manifest.Segments))
	}
	t.full = t.started
	if t.cache != nil && !t.distrust {
		if age := t.started.Sub(t.cache.head.Full); age >= 0 && age < fullScanEvery {
			t.full, dirs = t.cache.head.Full, t.cache.dirs()
		}
	}
	t.summary.FullScan = dirs == nil
	if t.Quiesce == nil {
		return t.database(ctx, func(ctx context.Context) error { return t.pass(ctx, PhaseScan, dirs) })
	}
	if err := t.pass(ctx, PhaseScan, dirs); err != nil {
		return err
	}
	t.Progress.Begin(PhaseQuiesce, 0, 0)
	release, err := t.Quiesce(ctx)
	if err != nil {
		return err
	}
	released := false
	end := func() error {
		if released {
			return nil
		}
		released = true
		// Started again after an error and after an interruption, too.
		standstill, err := release(context.WithoutCancel(ctx))
		t.summary.addStandstill(standstill)
		return err
	}
	defer end() // a panic
	err = t.database(ctx, func(ctx context.Context) error {
		return errors.Join(t.pass(ctx, PhaseRescan, t.fresh.dirs()), end())
	})
	return errors.Join(err, end())
}

// pass scans the repository and takes up what it finds. After the last pass every
// file that is left out has its gold.
func (t *taker) pass(ctx context.Context, phase Phase, dirs iter.Seq[fossology.Dir]) error {
	first := phase == PhaseScan
	review := first && (t.Prover != nil || t.manifest.LeftOut.Files > 0)
	if err := t.scan(ctx, phase, dirs, review); err != nil {
		return err
	}
	if first && t.Quiesce != nil {
		return nil
	}
	return t.settle(ctx)
}

// scan scans the repository once.
func (t *taker) scan(ctx context.Context, phase Phase, dirs iter.Seq[fossology.Dir], review bool) error {
	readAll := t.Detect == DetectRead && phase == PhaseScan
	var expect Totals // a walk passes over what did not change, and cannot say how much that is
	if readAll {
		expect = t.manifest.Total() // the parent's
	}
	t.Progress.Begin(phase, expect.Files, expect.Bytes)
	if t.distrust {
		dirs = nil
	}
	s := &scan{st: t.Store, root: t.Repository, depth: t.Depth, segments: t.manifest.Segments, known: dirs,
		readAll: readAll, noDay: !t.completeDay() && !t.summary.FullScan, md5: t.CheckMD5, start: t.Now(), slack: clockSlack,
		totals: t.manifest.Totals, leftOut: &t.manifest.LeftOut, gone: &t.manifest.Gone, prover: t.Prover, derived: t.Derived, keepGone: t.View != nil, golds: t.golds, review: review, suspects: t.suspects, findings: &t.findings, progress: t.Progress, tmpDir: t.tmp,
		owners: t.owners}
	if len(t.manifest.Segments) > 0 && t.manifest.DirMode != (DirMeta{}) { // the parent may have had no directory to learn it of
		s.dirMeta = &t.manifest.DirMode
	}
	if phase == PhaseScan && t.Quiesce != nil {
		s.again = map[string]bool{}
	}
	r, err := s.run(ctx)
	if err != nil {
		return err
	}
	if len(s.again) > 0 {
		maps.Copy(s.again, t.suspects)
		t.suspects = s.again
	}
	if t.fresh != nil {
		t.fresh.close()
	}
	t.fresh = r.cache
	t.manifest.DirMode = r.dirMeta
	if r.segment != nil {
		segments := append(append([]Segment(nil), t.manifest.Segments...), *r.segment)
		if t.manifest.Segments, err = compact(ctx, t.Store, t.Depth, segments); err != nil {
			return err
		}
	}
	t.summary.addScan(r)
	t.vanished += r.vanished
	return nil
}
