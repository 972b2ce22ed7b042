package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/store"
)

// Layout is the shape of a day directory.
type Layout string

// The layouts. The zero value is LayoutFlat.
const (
	LayoutFlat   Layout = "flat"   // <host>/<type>/aa/<name>: at most 256 directories for each type
	LayoutNative Layout = "native" // as in the repository
	LayoutNone   Layout = "none"   // no day directory
)

// A worker takes batches of links. A batch ends where the next one may make
// names in other directories, since two workers in one directory wait for each
// other; but it is never larger than dayBatchMax.
const (
	dayBatch    = 256
	dayBatchMax = 4096
)

// sameShard says whether two paths share host, type and the first directory
// of the fan-out.
func sameShard(a, b string) bool {
	at := 0
	for range 3 {
		i := strings.IndexByte(a[at:], '/')
		if i < 0 {
			return false
		}
		at += i + 1
	}
	return strings.HasPrefix(b, a[:at])
}

// dayReserved are names at the top of a day that are not the repository's.
var dayReserved = map[string]bool{"database": true, "other": true, "RESTORE.txt": true, RebuildList: true, RemovedList: true}

// dayPath is where an entry stands in a day. What is not where FOSSology's
// rule puts it, and what would collide with a name of the day's own, keeps
// its path below other/.
func dayPath(e *Entry, layout Layout, depth int) string {
	top, _, _ := strings.Cut(e.Path, "/")
	if dayReserved[top] {
		return "other/" + e.Path
	}
	if layout == LayoutNative {
		return e.Path
	}
	i := strings.LastIndexByte(e.Path, '/')
	base := e.Path[i+1:]
	fan := fossology.FanOut(base, depth)
	if i <= len(fan) || e.Path[i-len(fan):i] != fan || e.Path[i-len(fan)-1] != '/' || base[0] == '.' {
		return "other/" + e.Path
	}
	return e.Path[:i-len(fan)] + fan[:2] + "/" + base
}

// DayPath is where an entry stands in the day directory of a snapshot,
// relative to the store's directory. ok is false where there is none.
func (s *Snapshot) DayPath(e *Entry, layout Layout) (path string, ok bool) {
	if layout == LayoutNone || e.Kind == Dir || e.LeftOut() {
		return "", false
	}
	return "days/" + s.Manifest.Installation + "/" + s.Name() + "/" + dayPath(e, layout, s.Manifest.Depth), true
}

// dayBuilder makes the links of a day.
type dayBuilder struct {
	st    *store.Store
	fd    int
	links chan []dayLink
	heal  healer
	tops  map[string]bool // directories that hold the fan-out, for RESTORE.txt
	left  *leftOutList
	gone  *removedList // nil: of a complete day

	mu      sync.Mutex
	missing []dayLink // left out: their objects are lost
}

type dayLink struct {
	path   string
	source string // in the repository; "" for a piece of the database
	kind   EntryKind
	object store.Hash
	target string
}

// A healer brings back an object that the store has lost, for the cause given,
// from the file at path, and says whether it could.
type healer func(ctx context.Context, path string, want store.Hash, cause error) (healed bool, err error)

// buildDay makes the day directory of a manifest at dir, which must not be
// there, and notes in the manifest what RESTORE.txt says. A file whose object is
// lost, and which heal cannot bring back, is left out.
func buildDay(ctx context.Context, st *store.Store, m *Manifest, layout Layout, dir string, progress *Progress, heal healer) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("build day: %w", err)
	}
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("build day: %w", &fs.PathError{Op: "open", Path: dir, Err: err})
	}
	defer unix.Close(fd)
	b := &dayBuilder{st: st, fd: fd, links: make(chan []dayLink, 8), heal: heal, tops: map[string]bool{}, left: newLeftOutList(filepath.Join(dir, RebuildList))}
	defer b.left.discard()
	if len(m.Chain) > 0 {
		b.gone = newRemovedList(filepath.Join(dir, RemovedList))
		defer b.gone.list.discard()
	}
	parent := ctx
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(b.links)
		return b.list(ctx, m, layout)
	})
	for range max(2, runtime.GOMAXPROCS(0)) {
		g.Go(func() error { return b.work(ctx, progress) })
	}
	if err := errors.Join(g.Wait(), b.left.close()); err != nil {
		return fmt.Errorf("build day: %w", err)
	}
	if err := b.linkMissing(parent); err != nil {
		return fmt.Errorf("build day: %w", err)
	}
	if b.gone != nil {
		sum, err := b.gone.close()
		if err != nil {
			return fmt.Errorf("build day: %w", err)
		}
		m.Removed = sum
	}
	text := restoreText(m, layout, slices.Sorted(maps.Keys(b.tops)))
	m.RestoreText = store.Sum(text) // for those who check the day
	return store.WriteFile(filepath.Join(dir, "RESTORE.txt"), text)
}

// list names the links, in the order of the manifest, which is that of the
// directories.
func (b *dayBuilder) list(ctx context.Context, m *Manifest, layout Layout) error {
	batch := make([]dayLink, 0, dayBatch)
	send := func() error {
		select {
		case b.links <- batch:
			batch = make([]dayLink, 0, dayBatch)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for e, err := range dayEntries(ctx, b.st, m) {
		if err != nil {
			return err
		}
		if e.remove {
			if err := b.gone.add(e.Path); err != nil {
				return err
			}
		}
		if e.absent || e.Kind == Dir {
			continue
		}
		if e.LeftOut() {
			if err := b.left.add(&e.Entry, m.Depth); err != nil {
				return err
			}
			continue
		}
		path := dayPath(&e.Entry, layout, m.Depth)
		b.note(path)
		if !e.shown {
			continue
		}
		if n := len(batch); n == dayBatchMax || n >= dayBatch && !sameShard(batch[n-1].path, path) {
			if err := send(); err != nil {
				return err
			}
		}
		batch = append(batch, dayLink{path, e.Path, e.Kind, e.Object, e.Target})
	}
	for path, object := range m.databaseFiles() {
		batch = append(batch, dayLink{path: path, object: object})
	}
	return send()
}

// note remembers which directories hold files: host and type of a flat day,
// the top of any other.
func (b *dayBuilder) note(path string) {
	if strings.HasPrefix(path, "other/") {
		path = "other/x/x"
	}
	i := strings.LastIndexByte(path, '/')
	top := path[:max(0, strings.LastIndexByte(path[:max(0, i)], '/'))]
	if !b.tops[top] {
		b.tops[strings.Clone(top)] = true
	}
}

func (b *dayBuilder) work(ctx context.Context, progress *Progress) error {
	last := ""
	for batch := range b.links {
		for i := range batch {
			l := &batch[i]
			dir := l.path[:max(0, strings.LastIndexByte(l.path, '/'))]
			if dir != last {
				if err := mkdirs(b.fd, dir, last, 0o755, nil); err != nil {
					return err
				}
				last = dir
			}
			if err := b.link(ctx, l); err != nil {
				return err
			}
		}
		progress.Files.Add(int64(len(batch)))
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (b *dayBuilder) link(ctx context.Context, l *dayLink) error {
	switch {
	case l.kind == Symlink:
		return unix.Symlinkat(l.target, b.fd, l.path)
	case l.object.IsZero(): // an empty file: never linked, it costs no block
		fd, err := unix.Openat(b.fd, l.path, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o444)
		if err != nil {
			return &fs.PathError{Op: "create", Path: l.path, Err: err}
		}
		return unix.Close(fd)
	}
	err := b.st.Link(ctx, l.object, b.fd, l.path)
	if l.source != "" && isLost(err) {
		healed, failure := b.heal(ctx, l.source, l.object, err)
		switch {
		case failure != nil:
			return failure
		case !healed:
			b.mu.Lock()
			b.missing = append(b.missing, *l)
			b.mu.Unlock()
			return nil
		}
		err = b.st.Link(ctx, l.object, b.fd, l.path)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", l.path, err)
	}
	return nil
}

// linkMissing tries those again that were left out: another file may have brought
// back the object that they share.
func (b *dayBuilder) linkMissing(ctx context.Context) error {
	for _, l := range b.missing {
		if err := b.st.Link(ctx, l.object, b.fd, l.path); err != nil && !isLost(err) {
			return fmt.Errorf("%s: %w", l.path, err)
		}
	}
	return nil
}

// mkdirs makes dir and what leads to it below dirfd, knowing that last is
// there already. pass is called for each directory on the way, new or not.
func mkdirs(dirfd int, dir, last string, mode uint32, pass func(dir string, isNew bool) error) error {
	for i := 0; i <= len(dir); i++ {
		if i < len(dir) && dir[i] != '/' || i == 0 {
			continue
		}
		part := dir[:i]
		if fossology.Within(last, part) && last != "" {
			continue
		}
		err := unix.Mkdirat(dirfd, part, mode)
		if err != nil && !errors.Is(err, unix.EEXIST) {
			return &fs.PathError{Op: "mkdir", Path: part, Err: err}
		}
		if pass != nil {
			if err := pass(part, err == nil); err != nil {
				return err
			}
		}
	}
	return nil
}
