package snapshot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"repotool/store"
)

// building is what a run calls that which is not complete; the next run
// removes it.
const building = ".building-"

// prepare clears up after a killed run and finds the parent.
func (t *taker) prepare(ctx context.Context) error {
	t.started = t.Now()
	if err := t.begin(ctx); err != nil {
		return err
	}
	for _, dir := range []string{snapshotsDir(t.Store, t.Installation), daysDir(t.Store, t.Installation)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("prepare store: %w", err)
		}
		left, err := os.ReadDir(dir)
		if err != nil {
			return fmt.Errorf("clear up after an interrupted run: %w", err)
		}
		for _, x := range left {
			if !strings.HasPrefix(x.Name(), building) {
				continue
			}
			name := filepath.Join(dir, x.Name())
			if finished, err := t.finishDay(name); err != nil {
				return fmt.Errorf("finish the day of an interrupted run: %w", err)
			} else if finished {
				continue
			}
			if err := store.RemoveTree(ctx, name); err != nil {
				return fmt.Errorf("clear up after an interrupted run: %w", err)
			}
		}
	}
	if err := t.temporary(ctx); err != nil {
		return err
	}
	names, err := listNames(t.Store, t.Installation)
	if err != nil {
		return err
	}
	parent, err := t.findParent(ctx, names)
	if err != nil {
		return err
	}
	t.parent = parent
	if parent != nil {
		var all bool
		if t.suspects, all = wrongFiles(t.Store, parent, maxSuspects); !all {
			t.Detect = DetectRead
		}
	}
	t.manifest = &Manifest{Version: Version, Installation: t.Installation, Time: t.started.UTC().Truncate(time.Second),
		Strategy: "full", Depth: t.Depth, Repository: t.Repository, Totals: map[string]Totals{}}
	if t.Prover != nil {
		t.manifest.Strategy, t.manifest.Unpacker = "gold", t.Unpacker
	}
	if err := t.follow(); err != nil {
		return err
	}
	// A day whose snapshot was deleted keeps its name.
	for t.Layout != LayoutNone && exists(filepath.Join(daysDir(t.Store, t.Installation), t.manifest.Name())) {
		t.manifest.Time = t.manifest.Time.Add(time.Second)
	}
	if t.Changes {
		if parent == nil {
			return errNoBase
		}
		t.manifest.Chain = append(slices.Clone(parent.Chain), parent.Name())
	}
	if parent != nil && parent.Depth == t.Depth {
		t.manifest.Segments = append(t.manifest.Segments, parent.Segments...)
		t.manifest.DirMode, t.manifest.LeftOut, t.manifest.Gone = parent.DirMode, parent.LeftOut, parent.Gone
		t.manifest.Owners = parent.Owners.clone()
		for k, v := range parent.Totals {
			t.manifest.Totals[k] = v
		}
	}
	t.owners = newOwnerNamer(&t.manifest.Owners)
	t.summary = Summary{Version: summaryVersion, Installation: t.Installation, Name: t.manifest.Name(), Time: t.manifest.Time,
		Strategy: t.manifest.Strategy, Detection: t.Detect, Layout: t.Layout, Repotool: t.Version}
	return nil
}

// errNoBase means that the snapshots that a day would build on cannot be read.
var errNoBase = errors.New("no snapshot can be read that this one could build on")

// follow gives the snapshot a later name than all have, also if two are taken in one
// second, or the clock went back; those that are damaged, too.
func (t *taker) follow() error {
	newest, err := newestName(t.Store, t.Installation)
	if err != nil {
		return err
	}
	if t.Before != nil {
		newest = max(newest, t.Before.Name())
	}
	last, err := time.Parse(TimeFormat, newest)
	if err != nil || t.manifest.Time.After(last) {
		return nil
	}
	t.manifest.Time = last.Add(time.Second)
	if ahead := last.Sub(t.started); ahead > clockTolerance {
		t.findings.Add(ClockBehind, newest, fmt.Sprintf("it is %v ahead of this host's clock", ahead.Round(time.Second)))
	}
	return nil
}

// finishDay gives a day its name whose snapshot is published: the run was killed between
// the two. It was complete and on the disk before.
func (t *taker) finishDay(draft string) (bool, error) {
	days := daysDir(t.Store, t.Installation)
	name := strings.TrimPrefix(filepath.Base(draft), building)
	if filepath.Dir(draft) != days || !exists(filepath.Join(snapshotsDir(t.Store, t.Installation), name)) || exists(filepath.Join(days, name)) {
		return false, nil
	}
	if err := renameDurably(draft, filepath.Join(days, name)); err != nil {
		return false, err
	}
	current := filepath.Join(days, building+"current")
	if to, err := os.Readlink(current); err == nil && to == name {
		return true, renameDurably(current, filepath.Join(days, "current"))
	}
	return true, nil
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// clockTolerance is by how much a clock may be set back without a word.
const clockTolerance = time.Minute

// temporary removes what killed processes left in tmp/, and makes a place for
// this run.
func (t *taker) temporary(ctx context.Context) error {
	if _, err := t.Store.Sweep(ctx); err != nil {
		t.Log.Warn("clear up after an interrupted run", "err", err)
	}
	var err error
	if t.tmp, err = t.Store.TempDir(); err != nil {
		return err
	}
	if t.record, err = os.CreateTemp(t.tmp, "findings-"); err != nil {
		return fmt.Errorf("write findings: %w", err)
	}
	t.findings.Record(t.record)
	return nil
}

// findParent is the newest snapshot that can be read. Others are findings.
func (t *taker) findParent(ctx context.Context, names []string) (*Manifest, error) {
	checked := map[store.Hash]error{} // snapshots share segments
	for i := len(names) - 1; i >= 0; i-- {
		m, err := loadManifest(t.Store, t.Installation, names[i])
		if err == nil {
			err = t.checkSegments(ctx, m.Segments, checked)
		}
		if err == nil {
			held, err := t.holdParent(ctx, m)
			if held || err != nil {
				return m, err
			}
			continue // forgotten meanwhile
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		t.findings.Add(OldSnapshot, names[i], err.Error())
	}
	return nil, nil
}

// checkSegments reads all of them, since damage met on the way would end the
// run, and every later one.
func (t *taker) checkSegments(ctx context.Context, segments []Segment, checked map[store.Hash]error) error {
	buf := make([]byte, 1<<20)
	for _, seg := range segments {
		err, known := checked[seg.Object]
		if !known {
			_, err = t.Store.Check(ctx, seg.Object, buf)
			checked[seg.Object] = err
		}
		if err != nil {
			return fmt.Errorf("manifest segment: %w: %w", ErrDamagedManifest, err)
		}
	}
	c, err := openCursor(t.Store, segments)
	if err != nil {
		return err
	}
	c.close()
	return nil
}

// maxSuspects is how many wrong files are asked for by name. Beyond, all files
// are read.
const maxSuspects = 100_000

// wrongFiles are the files whose content a snapshot found wrong. A file that
// is damaged in place looks unchanged ever after, so it must be asked for. all
// is false if there are more than most.
func wrongFiles(st *store.Store, m *Manifest, most int) (wrong map[string]bool, all bool) {
	wrong = map[string]bool{}
	for x, err := range recordedFindings(st, m) {
		if err != nil {
			return nil, false
		}
		if x.Kind != ContentDiffers && x.Kind != Unreadable && x.Kind != Changing && x.Kind != ObjectLost {
			continue
		}
		if wrong[x.Path] = true; len(wrong) > most {
			return nil, false
		}
	}
	return wrong, true
}
