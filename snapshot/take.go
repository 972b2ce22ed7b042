package snapshot

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

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
	Detect       Detection
	FullScan     bool // read every directory this time
	CheckMD5     bool // check the whole Name of new files, not its SHA-1 alone
	Layout       Layout
	Command      string // describes the run to others who want the lock
	Version      string // of repotool
	Now          func() time.Time
	Log          *slog.Logger
	Progress     *Progress
}

// Take takes a snapshot. It appears complete or not at all; what was stored
// before an error is found again by the next run. The installation is never
// changed, but for the standstill. A result with Findings is a good snapshot
// of what could be read.
func Take(ctx context.Context, o TakeOptions) (*Summary, error) {
	if o.Layout == "" {
		o.Layout = LayoutFlat
	}
	if o.Detect == "" {
		o.Detect = DetectWalk
	}
	if o.Progress == nil {
		o.Progress = new(Progress)
	}
	if err := checkRepository(o.Repository); err != nil {
		return nil, err
	}
	lock, err := o.Store.Lock(ctx, "snapshot-"+o.Installation, o.Command, o.Now())
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	t := &taker{TakeOptions: o}
	defer t.close()
	if err := t.prepare(ctx); err != nil {
		return nil, err
	}
	if err := t.copy(ctx); err != nil {
		return nil, err
	}
	return t.publish(ctx)
}

// A taker is one run of Take.
type taker struct {
	TakeOptions
	started  time.Time
	manifest *Manifest // the one being made
	parent   *Manifest // the one before, or nil
	findings Findings
	summary  Summary
	cache    *scanCache      // of the run before
	fresh    *cacheWriter    // of this run
	full     time.Time       // when every directory was last read
	suspects map[string]bool // files that were wrong the last time
	tmp      string
}

func (t *taker) close() {
	if t.cache != nil {
		t.cache.close()
	}
	if t.fresh != nil {
		t.fresh.close()
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

// building is what a run calls that which is not complete; the next run
// removes it.
const building = ".building-"

// prepare clears up after a killed run and finds the parent.
func (t *taker) prepare(ctx context.Context) error {
	t.started = t.Now()
	for _, dir := range []string{snapshotsDir(t.Store, t.Installation), daysDir(t.Store, t.Installation)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("prepare store: %w", err)
		}
		left, _ := filepath.Glob(filepath.Join(dir, building+"*"))
		for _, name := range left {
			if err := store.RemoveTree(ctx, name); err != nil {
				return fmt.Errorf("clear up after an interrupted run: %w", err)
			}
		}
	}
	t.tmp = t.Store.Path("tmp")
	parent, err := t.findParent()
	if err != nil {
		return err
	}
	t.parent = parent
	if parent != nil {
		t.suspects = wrongFiles(t.Store, parent)
	}
	t.manifest = &Manifest{Version: Version, Installation: t.Installation, Time: t.started.UTC().Truncate(time.Second),
		Strategy: "full", Depth: t.Depth, Repository: t.Repository, Totals: map[string]Totals{}}
	if parent != nil {
		if !t.manifest.Time.After(parent.Time) {
			// Two in one second, or a clock that went back: names stay in order.
			t.manifest.Time = parent.Time.Add(time.Second)
		}
		if parent.Depth == t.Depth {
			t.manifest.Segments = append(t.manifest.Segments, parent.Segments...)
			t.manifest.DirMode = parent.DirMode
			for k, v := range parent.Totals {
				t.manifest.Totals[k] = v
			}
		}
	}
	t.summary = Summary{Version: Version, Installation: t.Installation, Name: t.manifest.Name(), Time: t.manifest.Time,
		Strategy: t.manifest.Strategy, Detection: t.Detect, Layout: t.Layout, Repotool: t.Version}
	return nil
}

// findParent is the newest snapshot that can be read. Others are findings.
func (t *taker) findParent() (*Manifest, error) {
	names, err := listNames(t.Store, t.Installation)
	if err != nil {
		return nil, err
	}
	for i := len(names) - 1; i >= 0; i-- {
		m, err := loadManifest(t.Store, t.Installation, names[i])
		if err == nil {
			var c *cursor
			if c, err = openCursor(t.Store, m.Segments); err == nil {
				c.close()
				return m, nil
			}
		}
		t.findings.Add(OldSnapshot, names[i], err.Error())
	}
	return nil, nil
}

// copy brings files and database into the store. With a standstill, the long
// first pass runs before it and a short one within; without, the dump comes
// first, since files are only ever added.
func (t *taker) copy(ctx context.Context) error {
	var dirs iter.Seq[fossology.Dir]
	if t.Detect == DetectWalk && !t.FullScan && !onNetwork(t.Repository) {
		t.cache = openScanCache(cacheName(t.Store, t.Installation), cacheKey(t.Repository, t.manifest.Segments))
	}
	t.full = t.started
	if t.cache != nil {
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

// pass scans the repository once and takes up what it finds.
func (t *taker) pass(ctx context.Context, phase Phase, dirs iter.Seq[fossology.Dir]) error {
	readAll := t.Detect == DetectRead && phase == PhaseScan
	var expect Totals // a walk passes over what did not change, and cannot say how much that is
	if readAll {
		expect = t.manifest.Total() // the parent's
	}
	t.Progress.Begin(phase, expect.Files, expect.Bytes)
	s := &scan{st: t.Store, root: t.Repository, depth: t.Depth, segments: t.manifest.Segments, known: dirs,
		readAll: readAll, md5: t.CheckMD5, start: t.Now(), slack: clockSlack,
		totals: t.manifest.Totals, suspects: t.suspects, findings: &t.findings, progress: t.Progress, tmpDir: t.tmp}
	if len(t.manifest.Segments) > 0 {
		s.dirMeta = &t.manifest.DirMode
	}
	r, err := s.run(ctx)
	if err != nil {
		return err
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
	return nil
}

// publish makes the snapshot visible, after all of it is durable.
func (t *taker) publish(ctx context.Context) (*Summary, error) {
	name := t.manifest.Name()
	day := filepath.Join(daysDir(t.Store, t.Installation), building+name)
	if t.Layout != LayoutNone {
		t.Progress.Begin(PhaseDay, t.manifest.Total().Files, 0)
		if err := buildDay(ctx, t.Store, t.manifest, t.Layout, day, t.Progress, t.heal); err != nil {
			return nil, errors.Join(err, store.RemoveTree(context.WithoutCancel(ctx), day))
		}
	}
	t.summary.finish(t)
	draft := filepath.Join(snapshotsDir(t.Store, t.Installation), building+name)
	if err := t.writeDraft(draft); err != nil {
		return nil, errors.Join(err, store.RemoveTree(context.WithoutCancel(ctx), draft))
	}
	t.Progress.Begin(PhaseSync, 0, 0)
	if err := t.Store.Sync(ctx); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err // the last moment to turn back
	}
	if err := renameDurably(draft, filepath.Join(snapshotsDir(t.Store, t.Installation), name)); err != nil {
		return nil, fmt.Errorf("publish snapshot: %w", err)
	}
	if t.Layout != LayoutNone {
		if err := t.publishDay(day, name); err != nil {
			return nil, err
		}
	}
	if err := t.fresh.save(cacheName(t.Store, t.Installation), cacheHead{cacheVersion, cacheKey(t.Repository, t.manifest.Segments), t.full}); err != nil {
		t.Log.Warn("the next snapshot will read every directory", "err", err)
	}
	return &t.summary, nil
}

func (t *taker) writeDraft(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	b, err := t.manifest.encode()
	if err != nil {
		return err
	}
	// Synced all at once with the objects, so not one by one.
	if err := os.WriteFile(filepath.Join(dir, "manifest"), b, 0o644); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return t.summary.write(dir, t.findings.List())
}

func (t *taker) publishDay(day, name string) error {
	dir := daysDir(t.Store, t.Installation)
	if err := renameDurably(day, filepath.Join(dir, name)); err != nil {
		return fmt.Errorf("publish day: %w", err)
	}
	link := filepath.Join(dir, building+"current")
	if err := os.Symlink(name, link); err != nil {
		return fmt.Errorf("publish day: %w", err)
	}
	if err := renameDurably(link, filepath.Join(dir, "current")); err != nil {
		return fmt.Errorf("publish day: %w", err)
	}
	return nil
}

func renameDurably(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return store.SyncDir(filepath.Dir(to))
}

// heal reads a file again whose object the store has lost.
func (t *taker) heal(ctx context.Context, path string, want store.Hash) error {
	fd, err := unix.Open(t.Repository, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	r := &fileReader{rootFD: fd, depth: t.Depth, w: t.Store.NewWriter()}
	it := item{entry: Entry{Path: path}}
	if err := r.read(ctx, &it); err != nil {
		return err
	}
	if it.gone || it.problem != nil || it.put.Object != want {
		return fmt.Errorf("%s: its object %s is missing from the store, and the repository does not have the same bytes any more: %w", path, want, store.ErrNoObject)
	}
	t.findings.Add(StoreDamaged, path, fmt.Sprintf("object %s was missing and was stored again", want))
	return nil
}

// checkRepository refuses a directory that is no repository: an empty mount
// point must not become a snapshot in which everything is gone.
func checkRepository(root string) error {
	hosts, err := os.ReadDir(root)
	if err != nil {
		return fmt.Errorf("open repository: %w", err)
	}
	for _, h := range hosts {
		for _, typ := range []string{"gold", "files"} {
			if h.Name() == typ {
				return nil
			}
			if info, err := os.Stat(filepath.Join(root, h.Name(), typ)); err == nil && info.IsDir() {
				return nil
			}
		}
	}
	return &NotRepositoryError{root}
}

// NotRepositoryError says that a directory is no FOSSology repository.
type NotRepositoryError struct{ Path string }

func (e *NotRepositoryError) Error() string {
	return fmt.Sprintf("%s is no FOSSology repository: no host directory in it holds gold or files", e.Path)
}

// Hint says what to do about it.
func (e *NotRepositoryError) Hint() string {
	return "is it mounted? The path stands in fossology.conf as [FOSSOLOGY] path; --repository overrides it"
}

// onNetwork says whether a directory is on a network file system, whose
// server stamps directories by another clock than ours.
func onNetwork(dir string) bool {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return true
	}
	switch uint32(st.Type) {
	case unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC,
		unix.CEPH_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC, unix.V9FS_MAGIC, unix.AFS_SUPER_MAGIC:
		return true
	}
	return false
}
