package prune

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// How says in which way two files share their bytes.
type How string

// The ways.
const (
	Link    How = "link"    // one inode with two names: what FOSSology does at an upload
	Reflink How = "reflink" // two inodes that share their blocks, where the file system can
	Auto    How = "auto"    // the second where it can be done, else the first
)

// ParseHow reads the name of a way.
func ParseHow(s string) (How, error) {
	switch h := How(s); h {
	case Link, Reflink, Auto:
		return h, nil
	}
	return "", fmt.Errorf("%q: expected link, reflink or auto", s)
}

// DedupOptions say what is to be planned.
type DedupOptions struct {
	Installation string
	Repository   fossology.Repository
	// Deep: every file is compared with all others of its size, whatever it is called.
	Deep bool
	How  How // "" is Link
	// Exact: also gold and files of one Name share an inode only if owner, mode and time
	// are the same. Else they do as FOSSology has it at an upload: those of gold.
	Exact   bool
	MinSize int64  // bytes; smaller ones stay as they are
	TempDir string // for lists; "" is os.TempDir
	Now     func() time.Time
	// Progress, if not nil, is told of every file that was looked at.
	Progress func(files, bytes int64)
}

// A DedupPlan says which files are to share their bytes with which.
type DedupPlan struct {
	Format       int       `json:"format"`
	Kind         string    `json:"kind"` // dedup
	ID           string    `json:"id"`
	Installation string    `json:"installation"`
	Repository   string    `json:"repository"`
	Made         time.Time `json:"made"`
	Deep         bool      `json:"deep"`
	How          How       `json:"how"` // link or reflink
	Exact        bool      `json:"exact,omitempty"`
	MinSize      int64     `json:"minSize,omitempty"`

	Files    int64    `json:"files"`  // that were looked at
	Groups   int64    `json:"groups"` // of files that are to share their bytes
	Same     Sum      `json:"same"`   // files that lose bytes of their own
	Freed    int64    `json:"freed"`  // bytes on the disk; an inode with other names frees none
	Kept     Kept     `json:"kept"`   // files with a double that stay as they are
	Troubles []string `json:"troubles,omitempty"`

	spool *groupSpool
}

// dedupKind is what the plan of a dedup calls itself.
const dedupKind = "dedup"

// A Member is a file as it was when the plan was made.
type Member struct {
	Path  string `json:"path"` // below the repository
	Inode uint64 `json:"inode"`
	Mode  uint32 `json:"mode"` // st_mode
	UID   uint32 `json:"uid"`
	GID   uint32 `json:"gid"`
	Mtime int64  `json:"mtime"` // nanoseconds since 1970

	// What only the making of a plan asks.
	size, blocks int64
	dev, links   uint64
	gold         bool
}

// Duplicates are files with the same bytes: the first keeps its inode (or blocks), the
// others get them.
type Duplicates struct {
	Size int64    `json:"size"`
	Keep Member   `json:"keep"`
	Same []Member `json:"same"`
}

// member is a file of which that is known.
func member(path string, s fossology.Stat, gold bool) Member {
	return Member{path, s.Inode, s.Mode, s.UID, s.GID, s.Mtime, s.Size, s.Blocks, s.Dev, uint64(s.Links), gold}
}

// Each yields the groups from one on.
func (p *DedupPlan) Each(from int64) iter.Seq2[Duplicates, error] { return p.spool.all(from) }

// Close lets go of the list of groups.
func (p *DedupPlan) Close() error { return p.spool.close() }

// Check says whether a plan is for this installation. Files are looked at by the deed.
func (p *DedupPlan) Check(installation, repository string) error {
	if p.Installation != installation || p.Repository != repository {
		return &MovedError{fmt.Sprintf("it is for the installation %s at %s", p.Installation, p.Repository)}
	}
	return nil
}

// A deduper makes a plan.
type deduper struct {
	o   DedupOptions
	top int // the repository, open
	p   *DedupPlan
}

// MakeDedup makes a plan. It changes nothing.
func MakeDedup(ctx context.Context, o DedupOptions) (_ *DedupPlan, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("plan what is kept once: %w", err)
		}
	}()
	d := &deduper{o: o}
	if d.top, err = openRepository(o.Repository.Path); err != nil {
		return nil, err
	}
	defer unix.Close(d.top)
	how, err := d.settleHow()
	if err != nil {
		return nil, err
	}
	d.p = &DedupPlan{Format: planFormat, Kind: dedupKind, ID: newID(), Installation: o.Installation, Repository: o.Repository.Path,
		Made: o.Now().UTC(), Deep: o.Deep, How: how, Exact: o.Exact, MinSize: o.MinSize, Kept: Kept{}}
	if d.p.spool, err = newGroupSpool(o.TempDir); err != nil {
		return nil, err
	}
	find := d.byNames
	if o.Deep {
		find = d.byBytes
	}
	if err := find(ctx); err != nil {
		return nil, errors.Join(err, d.p.Close())
	}
	return d.p, nil
}

func (d *deduper) seen(bytes int64) {
	d.p.Files++
	if d.o.Progress != nil {
		d.o.Progress(1, bytes)
	}
}

func (d *deduper) trouble(format string, args ...any) {
	if len(d.p.Troubles) < maxTroubles {
		d.p.Troubles = append(d.p.Troubles, fmt.Sprintf(format, args...))
	}
}
