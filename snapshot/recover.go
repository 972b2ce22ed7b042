package snapshot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/store"
)

// A manifest that is lost, or a segment of it, is made anew from the snapshot's day
// directory: every file of it is read again, and stored if its object is lost, too. What a
// day does not show is taken from the nearest snapshot that can be read, for files that are
// the same there: modes, owners, times, and the hashes of what was left out. The rest has
// FOSSology's usual ones. The snapshot says that it was recovered; what there was before
// is kept in trash/.

// RecoverOptions say what is known beside the store.
type RecoverOptions struct {
	Repository string // if no other snapshot tells it
	Depth      int    // the same; 0: FOSSology's
	Command    string
	Version    string // of repotool
	Now        func() time.Time
	Progress   *Progress
}

// A Recovery says what became of a snapshot.
type Recovery struct {
	Installation string `json:"installation"`
	Snapshot     string `json:"snapshot"`
	Like         string `json:"like,omitempty"` // the snapshot that told what a day does not show
	Files        Totals `json:"files"`          // of the manifest
	Plain        int64  `json:"plain"`          // files whose mode, owner and time are not known
	LeftOut      int64  `json:"leftOut"`        // files that gold brings back
	Unknown      int64  `json:"unknown"`        // the same, of which nobody knows enough: they are not in the manifest
	Databases    int    `json:"databases"`
	Damaged      int64  `json:"damaged"` // files of the day whose bytes are not those of their names: left out
	Aside        string `json:"aside,omitempty"`

	FindingCount map[FindingKind]int64 `json:"findings"`
	First        []Finding             `json:"firstFindings"`
}

// ErrNoDay means that a snapshot has no day to recover it from.
var ErrNoDay = errors.New("it has no day directory")

// recovery is one run of Recover.
type recovery struct {
	o        RecoverOptions
	st       *store.Store
	day      string
	fd       int // of the day
	reader   *fileReader
	like     *Manifest // nil: none can be read
	manifest *Manifest
	report   Recovery
	findings Findings
	other    []Entry // below other/, few
}

// Recover makes the manifest of a snapshot anew from its day. The caller sees to it that
// it is needed.
func Recover(ctx context.Context, st *store.Store, installation, name string, o RecoverOptions) (_ *Recovery, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Progress == nil {
		o.Progress = new(Progress)
	}
	at, err := time.Parse(TimeFormat, name)
	if err != nil {
		return nil, fmt.Errorf("recover %s: it is no name of a snapshot", name)
	}
	lock, err := st.Lock(ctx, "snapshot-"+installation, o.Command, o.Now())
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	lease, err := st.Lease(ctx, store.Lease{Writes: true, Command: o.Command}, nil)
	if err != nil {
		return nil, err
	}
	defer lease.Release()
	r := &recovery{o: o, st: st, day: filepath.Join(daysDir(st, installation), name), report: Recovery{Installation: installation, Snapshot: name}}
	defer func() {
		if err != nil {
			err = fmt.Errorf("recover snapshot %s of %s: %w", name, installation, err)
		}
	}()
	r.fd, err = unix.Open(r.day, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil, ErrNoDay
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: r.day, Err: err}
	}
	defer unix.Close(r.fd)
	record, err := r.record()
	if err != nil {
		return nil, err
	}
	defer record.Close()
	r.reader = &fileReader{rootFD: r.fd, md5: true, w: st.NewWriter()}
	if r.like, err = nearest(ctx, st, installation, name); err != nil {
		return nil, err
	}
	r.begin(installation, at)
	if err := r.make(ctx); err != nil {
		return nil, err
	}
	r.report.FindingCount, r.report.First = r.findings.Counts(), r.findings.First()
	return &r.report, r.publish(ctx, record)
}

// record is the file of all findings, until the snapshot is published.
func (r *recovery) record() (*os.File, error) {
	dir, err := r.st.TempDir()
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "findings-")
	if err == nil {
		r.findings.Record(f)
	}
	return f, err
}

// nearest is the manifest of the nearest snapshot that can be read: the one before, or the
// one behind; nil if there is none.
func nearest(ctx context.Context, st *store.Store, installation, name string) (*Manifest, error) {
	names, err := listNames(st, installation)
	if err != nil {
		return nil, err
	}
	i, _ := slices.BinarySearch(names, name)
	before, behind := slices.Clone(names[:i]), names[i:]
	slices.Reverse(before)
	for _, n := range slices.Concat(before, behind) {
		if n == name {
			continue
		}
		m, err := loadManifest(st, installation, n)
		if err == nil {
			err = checkAllSegments(ctx, st, []*Manifest{m})
		}
		if err == nil {
			return m, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return nil, nil
}

// begin begins the manifest with what is known beforehand.
func (r *recovery) begin(installation string, at time.Time) {
	r.manifest = &Manifest{Version: Version, Installation: installation, Time: at.UTC(), Strategy: "full",
		Depth: cmp.Or(r.o.Depth, fossology.DefaultDepth), Repository: r.o.Repository, Totals: map[string]Totals{},
		DirMode: DirMeta{Mode: usualDirMode}}
	if like := r.like; like != nil {
		r.manifest.Depth, r.manifest.Repository, r.manifest.DirMode = like.Depth, like.Repository, like.DirMode
		r.manifest.Owners = like.Owners
		r.report.Like = like.Name()
	}
}

// What FOSSology gives its files and directories.
const (
	usualDirMode  = 0o2770
	usualFileMode = 0o660
)

// publish puts the snapshot into its place. What stood there goes to trash/.
func (r *recovery) publish(ctx context.Context, record *os.File) error {
	m := r.manifest
	dir := snapshotsDir(r.st, m.Installation)
	draft := filepath.Join(dir, building+m.Name())
	t := &taker{TakeOptions: TakeOptions{Store: r.st, Installation: m.Installation}, manifest: m, record: record}
	t.summary = Summary{Version: summaryVersion, Installation: m.Installation, Name: m.Name(), Time: m.Time, Strategy: m.Strategy,
		Repotool: r.o.Version, FindingCount: r.findings.Counts(), First: r.findings.First(), Layout: r.shape()}
	t.summary.count(m)
	err := store.RemoveTree(ctx, draft)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = os.MkdirAll(draft, 0o755)
	}
	if err != nil {
		return err
	}
	b, err := m.encode()
	if err != nil {
		return err
	}
	if err := errors.Join(r.findings.Flush(), os.WriteFile(filepath.Join(draft, "manifest"), b, 0o644), t.writeFindings(draft), t.summary.write(draft), r.st.Sync(ctx)); err != nil {
		return errors.Join(err, store.RemoveTree(context.WithoutCancel(ctx), draft))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return r.st.Exclusive(context.WithoutCancel(ctx), func() error {
		place := filepath.Join(dir, m.Name())
		if exists(place) {
			r.report.Aside = filepath.Join("trash", fmt.Sprintf("recover-%s-%s", m.Name(), r.o.Now().UTC().Format(TimeFormat)))
			if err := os.MkdirAll(r.st.Path("trash"), 0o755); err != nil {
				return err
			}
			// A pin stays with its snapshot.
			if pin, err := os.ReadFile(filepath.Join(place, pinFile)); err == nil {
				if err := store.WriteFile(filepath.Join(draft, pinFile), pin); err != nil {
					return err
				}
			}
			if err := renameDurably(place, r.st.Path(r.report.Aside)); err != nil {
				return err
			}
		}
		return renameDurably(draft, place)
	})
}
