package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// RestoreOptions say what of a snapshot's repository to bring back, and where.
type RestoreOptions struct {
	To       string   // directory of the repository; made if it is not there
	Only     []string // types (gold, files, logs), hosts, paths or file names; empty: everything
	NoOwner  bool     // leave owners and groups to the system
	Plan     bool     // count only, change nothing
	Progress *Progress
	Findings *Findings // takes what could not be restored as it was

	// Restored is for Rebuild: what Restore has just done there, by the same options. It
	// does not look at those files again. nil: it looks at all.
	Restored *RestoreReport
}

// A RestoreReport counts what a restore did, or with Plan would do.
type RestoreReport struct {
	Files    int64 `json:"files"`    // in the selection
	Bytes    int64 `json:"bytes"`    // of those
	Written  int64 `json:"written"`  // files that were not there
	Replaced int64 `json:"replaced"` // files that were there with other bytes
	Kept     int64 `json:"kept"`     // files that were right already
	Linked   int64 `json:"linked"`   // of those written, as links to each other
	Damaged  int64 `json:"damaged"`  // files whose object is bad or missing: not restored
	Foreign  int64 `json:"foreign"`  // files whose owner or mode could not be set
	NewBytes int64 `json:"newBytes"` // bytes that are written
	Symlinks int64 `json:"symlinks"` // symbolic links among Files, which a snapshot does not count as files
	LeftOut  int64 `json:"leftOut"`  // files that only gold brings back: see Rebuild
	LeftSize int64 `json:"leftOutBytes"`

	leftovers leftovers
}

// leftovers are what earlier snapshots stored of the files that are left out.
type leftovers struct {
	brought marks           // whether Restore took a file from there, in the order of the manifest
	rotten  map[string]bool // those of them of which the bytes were not good any more
}

// A worker takes batches of entries, cut as those of a day are.
const (
	restoreBatch    = 128
	restoreBatchMax = 1024
)

// restorer is one run of Restore.
type restorer struct {
	*Snapshot
	o         RestoreOptions
	fd        int // of the target; -1 in a plan of a target that is not there
	euid      uint32
	batches   chan []Entry
	dirMode   uint32            // of new directories, see newDirMode
	links     map[uint64]*Entry // files with several names, by their old inode
	again     []linkPair        // files to be linked to one of those
	lackMu    sync.Mutex
	lacks     map[string]bool // those that could not be restored: what is there is something else
	leftovers leftovers       // of which lackMu guards rotten
	syncMu    sync.Mutex
	syncs     map[uint64]int // a handle in each file system below the target
	notSynced error          // of file systems that there is no handle in
	count     struct {
		files, bytes, written, replaced, kept, linked, damaged, foreign, newBytes, symlinks, leftOut, leftSize atomic.Int64
	}
}

type linkPair struct {
	from string
	to   Entry
}

// Restore brings the files of a snapshot back. What is there and right stays,
// so an interrupted restore goes on where it was; what is there and wrong is
// replaced at once; what is there and not in the snapshot is left alone. Every
// byte is checked against its hash on the way, no file appears before it is
// complete, and none becomes a link into the store. Files that were left out of the
// snapshot and are not in the store are passed over: Rebuild brings them back.
func (s *Snapshot) Restore(ctx context.Context, o RestoreOptions) (*RestoreReport, error) {
	r, err := s.atHome(ctx, o.NoOwner, o.Findings).restorer(o)
	if err != nil {
		return nil, err
	}
	defer r.close()
	o = r.o
	total := s.Manifest.Total()
	o.Progress.Begin(PhaseFiles, total.Files, total.Bytes)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(r.batches)
		return r.list(gctx)
	})
	for range max(2, runtime.GOMAXPROCS(0)) {
		g.Go(func() error { return r.work(gctx) })
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("restore to %s: %w", o.To, err)
	}
	if err := r.linkAgain(ctx); err != nil {
		return nil, fmt.Errorf("restore to %s: %w", o.To, err)
	}
	if !o.Plan {
		if err := r.sync(); err != nil {
			return nil, fmt.Errorf("sync %s: %w", o.To, err)
		}
	}
	c := &r.count
	return &RestoreReport{c.files.Load(), c.bytes.Load(), c.written.Load(), c.replaced.Load(), c.kept.Load(),
		c.linked.Load(), c.damaged.Load(), c.foreign.Load(), c.newBytes.Load(), c.symlinks.Load(), c.leftOut.Load(), c.leftSize.Load(), r.leftovers}, nil
}

// restorer opens the target. Its user closes it.
func (s *Snapshot) restorer(o RestoreOptions) (*restorer, error) {
	if o.Progress == nil {
		o.Progress = new(Progress)
	}
	if o.Findings == nil {
		o.Findings = new(Findings)
	}
	r := &restorer{Snapshot: s, o: o, fd: -1, euid: uint32(os.Geteuid()), batches: make(chan []Entry, 8), links: map[uint64]*Entry{}, lacks: map[string]bool{}, leftovers: leftovers{rotten: map[string]bool{}}, syncs: map[uint64]int{}}
	if err := r.openTarget(); err != nil {
		return nil, err
	}
	r.dirMode = r.newDirMode()
	return r, nil
}

func (r *restorer) close() {
	r.closeSyncs()
	if r.fd >= 0 {
		unix.Close(r.fd)
	}
}

// toSync has a file system synced at the end: a host of a repository may be a
// mount of its own.
func (r *restorer) toSync(fd int, dev uint64) {
	r.syncMu.Lock()
	defer r.syncMu.Unlock()
	if _, ok := r.syncs[dev]; ok {
		return
	}
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		r.notSynced = errors.Join(r.notSynced, err)
		return
	}
	r.syncs[dev] = own
}

func (r *restorer) sync() error {
	err := errors.Join(r.notSynced, unix.Syncfs(r.fd))
	for _, fd := range r.syncs {
		err = errors.Join(err, unix.Syncfs(fd))
	}
	return err
}

func (r *restorer) closeSyncs() {
	for _, fd := range r.syncs {
		unix.Close(fd)
	}
}

func (r *restorer) openTarget() (err error) {
	if err := r.Store.Apart(r.o.To); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if !r.o.Plan {
		switch err := os.MkdirAll(r.o.To, 0o770); {
		case errors.Is(err, unix.EROFS):
			return &ReadOnlyError{r.o.To}
		case err != nil:
			return fmt.Errorf("restore: %w", err)
		}
	}
	r.fd, err = unix.Open(r.o.To, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if r.o.Plan && errors.Is(err, unix.ENOENT) {
		r.fd = -1
		return nil
	}
	if err != nil {
		return fmt.Errorf("restore: %w", &fs.PathError{Op: "open", Path: r.o.To, Err: err})
	}
	var st unix.Statfs_t
	if !r.o.Plan && unix.Fstatfs(r.fd, &st) == nil && st.Flags&unix.ST_RDONLY != 0 {
		unix.Close(r.fd)
		return &ReadOnlyError{r.o.To}
	}
	return nil
}

// A ReadOnlyError says that a restore has nowhere to write.
type ReadOnlyError struct{ Dir string }

func (e *ReadOnlyError) Error() string {
	return fmt.Sprintf("restore: %s is mounted read-only", e.Dir)
}

// Hint says what to do about it.
func (e *ReadOnlyError) Hint() string {
	return "mount it for writing (mount -o remount,rw), or restore elsewhere with --to"
}

func (r *restorer) work(ctx context.Context) error {
	w := newFileWriter(r)
	for batch := range r.batches {
		for i := range batch {
			if err := w.restore(ctx, &batch[i]); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// linkAgain makes links again what was links to each other in the source.
func (r *restorer) linkAgain(ctx context.Context) error {
	w := newFileWriter(r)
	for i := range r.again {
		p := &r.again[i]
		if err := w.link(ctx, p.from, &p.to); err != nil {
			return err
		}
	}
	return nil
}

// foreign notes what of a file or directory could not be made as it was.
func (r *restorer) foreign(path, what string, err error) {
	r.count.foreign.Add(1)
	r.o.Findings.Add(OwnerNotSet, path, what+": "+err.Error())
}

func owner(uid, gid uint32) string { return fmt.Sprintf("owner %d:%d", uid, gid) }
func mode(m uint32) string         { return fmt.Sprintf("mode %04o", m) }

func orDot(path string) string {
	if path == "" {
		return "."
	}
	return path
}
