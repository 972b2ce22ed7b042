package snapshot

import (
	"context"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/store"
)

// database dumps the database, lets copyFiles copy what it refers to, and
// compares the two, all in one view of the database.
func (t *taker) database(ctx context.Context, copyFiles func(context.Context) error) error {
	var view *View
	since := t.Now()
	if t.View != nil {
		var err error
		if view, err = t.View(ctx); err != nil {
			return err
		}
		defer view.Close()
		t.manifest.Rows = view.Rows
	}
	if t.Dump != nil {
		t.Progress.Begin(PhaseDatabase, 0, 0)
		if err := t.dump(ctx, view); err != nil {
			return err
		}
	}
	if err := copyFiles(ctx); err != nil {
		return err
	}
	if view != nil {
		t.Progress.Begin(PhaseClosure, 0, 0)
	}
	if err := t.reviewGone(ctx, view); err != nil || view == nil {
		return err
	}
	tops, err := topNames(t.Store, t.manifest)
	if err != nil {
		return err
	}
	arrived := func(n fossology.Name) bool { return t.arrived(tops, n, since) }
	dirs := map[string]bool{} // of files that were pruned before they were in any manifest
	pruned := func(n fossology.Name) (bool, error) {
		e, err := t.pruned(ctx, n)
		if err != nil || e == nil {
			return false, err
		}
		dir, _, _ := splitCanonical(e.Path, t.Depth)
		dirs[dir] = true
		return true, nil
	}
	if err := checkClosure(ctx, t.Store, t.manifest, view, arrived, pruned, &t.findings); err != nil {
		return err
	}
	return t.takeUpPruned(ctx, view, dirs)
}

// arrived says whether a file in the repository came after a moment, by its
// ctime: FOSSology keeps the mtime of the archive. A file comes before its row.
func (t *taker) arrived(tops []string, n fossology.Name, since time.Time) bool {
	for _, top := range tops {
		dir := top + "/files"
		if top == "files" {
			dir = top
		}
		var st unix.Stat_t
		path := filepath.Join(t.Repository, string(appendCanonical(nil, dir, n, t.Depth)))
		if unix.Lstat(path, &st) == nil && time.Unix(st.Ctim.Unix()).After(since.Add(-clockTick)) {
			return true
		}
	}
	return false
}

// dump stores the dump, piece by piece. A piece that the parent has is not
// stored again, if its object still is there.
func (t *taker) dump(ctx context.Context, view *View) error {
	o := *t.Dump
	if view != nil {
		o.SnapshotID, o.Rows = view.SnapshotID, view.Rows
	}
	if t.parent != nil && t.parent.Database != nil {
		o.RestrictKey = t.parent.Database.RestrictKey
		known := t.parent.Database.Known()
		o.Known = func(raw store.Hash) (DumpPiece, bool) {
			p, ok := known(raw)
			if ok {
				info, err := t.Store.Need(p.Object)
				ok = err == nil && info.Size == p.Len
			}
			return p, ok
		}
	}
	o.TempDir = t.tmp
	w := t.Store.NewWriter()
	o.Put = func(ctx context.Context, frame []byte, _ store.Hash, rawLen int) (store.Hash, error) {
		put, err := w.PutBytes(ctx, frame)
		t.Progress.Bytes.Add(int64(rawLen))
		return put.Object, err
	}
	dump, err := DumpDatabase(ctx, o)
	if err != nil {
		return err
	}
	for _, w := range dump.Warnings {
		t.findings.Add(w.Kind, dump.Main, w.Text)
	}
	t.manifest.Database = dump
	return nil
}
