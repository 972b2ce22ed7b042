package snapshot

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/zeebo/blake3"
)

// A day of a cycle, but for the base, shows what changed since the day before. So its
// manifest is made of that day's, the list of what is gone, and what the day shows. Which
// days it builds on stands in its RESTORE.txt. Of a file that did not change but for mode,
// owner or time, those of the day before are taken.

// chain begins the manifest with that of the day before, if the day builds on one.
func (r *recovery) chain(ctx context.Context) error {
	if !exists(filepath.Join(r.day, RemovedList)) {
		return nil
	}
	m := r.manifest
	days, err := chainIn(filepath.Join(r.day, "RESTORE.txt"), m.Name())
	if err != nil {
		return fmt.Errorf("the days that it builds on: %w", err)
	}
	before, err := loadManifest(r.st, m.Installation, days[len(days)-1])
	if err == nil {
		err = checkAllSegments(ctx, r.st, []*Manifest{before})
	}
	if err != nil {
		return fmt.Errorf("the day before, on which it builds: %w", err)
	}
	r.like, r.report.Like = before, before.Name()
	m.Chain, m.Segments = days, append([]Segment(nil), before.Segments...)
	m.Depth, m.Repository, m.DirMode = before.Depth, before.Repository, before.DirMode
	m.Owners = before.Owners
	return r.removals()
}

// chainIn reads the days that RESTORE.txt goes through, but for the last.
func chainIn(name, last string) ([]string, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(b)) {
		list, ok := strings.CutPrefix(line, "    for day in ")
		if !ok {
			continue
		}
		days := strings.Fields(strings.TrimSuffix(strings.TrimSpace(list), "; do"))
		for _, day := range days {
			if _, err := parseTime(day); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		if len(days) > 1 && days[len(days)-1] == last {
			return days[:len(days)-1], nil
		}
	}
	return nil, fmt.Errorf("%s does not name them", name)
}

// removals writes a segment of what the day's list says is gone.
func (r *recovery) removals() error {
	w, err := newSegmentWriter(r.st, r.manifest.Depth)
	if err != nil {
		return err
	}
	defer w.discard()
	hash, n := blake3.New(), 0
	err = readRemoved(r.day, func(path string) error {
		n++
		hash.Write(append([]byte(path), 0))
		return w.add(&Entry{Path: path, Kind: removed})
	})
	if err != nil {
		return err
	}
	hash.Sum(r.manifest.Removed[:0])
	if n == 0 {
		return nil
	}
	seg, err := w.close()
	r.manifest.Segments = append(r.manifest.Segments, seg)
	return err
}

// settle merges the segments as far as a snapshot would, and counts.
func (r *recovery) settle(ctx context.Context) (err error) {
	m := r.manifest
	if m.Segments, err = compact(ctx, r.st, m.Depth, m.Segments); err != nil {
		return err
	}
	return m.count(entries(ctx, r.st, m.Segments, ""))
}

// count counts the files of a manifest.
func (m *Manifest) count(all iter.Seq2[Entry, error]) error {
	for e, err := range all {
		if err != nil {
			return err
		}
		if e.Kind == File {
			t := m.Totals[typeOf(e.Path)]
			t.Files++
			t.Bytes += e.Size
			m.Totals[typeOf(e.Path)] = t
		}
		if e.LeftOut() {
			m.LeftOut.Files++
			m.LeftOut.Bytes += e.Size
		}
	}
	return nil
}
