package goldindex

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"repotool/fossology"
)

// formatVersion is that of everything in a ledger.
const formatVersion = 1

// A Ledger is the directory that says what each gold unpacks to. Several may have
// it open to read; one at a time may update it, which its caller sees to.
type Ledger struct {
	dir      string
	unpacker Unpacker
	present  map[uint64]bool // ids of the unpacker

	mu      sync.Mutex
	golds   map[fossology.Name]entry
	doubles []entry // older records of the same golds, left by a crash
	set     *segmentSet
}

// Open opens the ledger in a directory, or an empty one if there is none yet; it
// makes nothing. What it answers is true of the unpacker: records of any other are
// no proof.
func Open(dir string, unpacker Unpacker) (*Ledger, error) {
	l := &Ledger{dir: dir, unpacker: unpacker, present: unpacker.ids()}
	if err := l.load(); err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", dir, err)
	}
	return l, nil
}

// Empty says whether no gold is known yet.
func (l *Ledger) Empty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.golds) == 0
}

// Close lets go of the ledger's files.
func (l *Ledger) Close() error { return l.set.close() }

// load reads the names of the records and opens the segments.
func (l *Ledger) load() error {
	l.golds, l.doubles = map[fossology.Name]entry{}, nil
	names, err := filepath.Glob(filepath.Join(escapeGlob(l.dir), "golds", "[0-9a-f][0-9a-f]"))
	if err != nil {
		return err
	}
	for _, dir := range names {
		if err := l.loadDir(dir); err != nil {
			return err
		}
	}
	l.set, err = openSegments(l.dir)
	return err
}

// escapeGlob takes a path's own meaning from its wildcards.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func (l *Ledger) loadDir(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		e, ok := parseEntry(f.Name())
		if !ok {
			continue
		}
		info, err := f.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // replaced meanwhile
		}
		if err != nil {
			return err
		}
		e.size = info.Size()
		old, double := l.golds[e.gold]
		if double && l.better(old, e) {
			old, e = e, old
		}
		if double {
			l.doubles = append(l.doubles, old)
		}
		l.golds[e.gold] = e
	}
	return nil
}

// better says whether a is to be believed rather than b. After a crash between the
// new record and the end of the old one, there are two: whichever is kept, the next
// update looks at the gold again if it is not of the present.
func (l *Ledger) better(a, b entry) bool {
	if a.isPresent(l) != b.isPresent(l) {
		return a.isPresent(l)
	}
	return a.kind != Unpacked // doubt is safer
}

// isPresent says whether the entry proves anything about the present.
func (e entry) isPresent(l *Ledger) bool { return e.kind == Unpacked && l.present[e.unpacker] }

// enter makes an entry the one of its gold, and removes what it replaces.
func (l *Ledger) enter(e entry) error {
	l.mu.Lock()
	old, had := l.golds[e.gold]
	l.golds[e.gold] = e
	l.mu.Unlock()
	if had && old.file() != e.file() {
		return remove(l.recordPath(old))
	}
	return nil
}

// forget removes what is known of a gold.
func (l *Ledger) forget(gold fossology.Name) error {
	l.mu.Lock()
	old, had := l.golds[gold]
	delete(l.golds, gold)
	l.mu.Unlock()
	if !had {
		return nil
	}
	return remove(l.recordPath(old))
}

// entry returns what is known of a gold.
func (l *Ledger) entry(gold fossology.Name) (entry, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.golds[gold]
	return e, ok
}

// entries returns all golds in the order of their names.
func (l *Ledger) entries() []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]entry, 0, len(l.golds))
	for _, e := range l.golds {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b entry) int { return a.gold.Compare(b.gold) })
	return all
}

// proves says whether a segment's gold is the record of the present.
func (l *Ledger) proves(g segmentGold) bool {
	e, ok := l.entry(g.name)
	return ok && e.sum == g.sum && e.isPresent(l)
}

// prepare makes the ledger's directories and removes what a crash left behind.
func (l *Ledger) prepare(ctx context.Context) error {
	for _, dir := range []string{"golds", "segments", "tmp"} {
		if err := os.MkdirAll(filepath.Join(l.dir, dir), 0o755); err != nil {
			return fmt.Errorf("make ledger: %w", err)
		}
	}
	for _, dir := range []string{l.dir, filepath.Dir(l.dir)} {
		if err := syncDir(dir); err != nil {
			return fmt.Errorf("make ledger: %w", err)
		}
	}
	left, err := filepath.Glob(filepath.Join(escapeGlob(l.dir), "tmp", "*"))
	if err != nil {
		return err
	}
	for _, name := range left {
		if err := errors.Join(ctx.Err(), remove(name)); err != nil {
			return err
		}
	}
	for _, e := range l.doubles {
		if err := remove(l.recordPath(e)); err != nil {
			return err
		}
	}
	l.doubles = nil
	return l.set.tidy()
}
