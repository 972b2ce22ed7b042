package snapshot

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"repotool/fossology"
	"repotool/store"
)

// make makes segments, totals and dump of the manifest from the day.
func (r *recovery) make(ctx context.Context) error {
	r.o.Progress.Begin(PhaseScan, 0, 0)
	if err := r.chain(ctx); err != nil {
		return err
	}
	if err := r.segment(ctx, r.files(ctx)); err != nil {
		return err
	}
	slices.SortFunc(r.other, func(a, b Entry) int { return fossology.ComparePaths(a.Path, b.Path) })
	if err := r.segment(ctx, inOrder(r.other)); err != nil {
		return err
	}
	if err := r.segment(ctx, r.leftOut()); err != nil {
		return err
	}
	if err := r.settle(ctx); err != nil {
		return err
	}
	if err := r.database(ctx); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(r.day, "RESTORE.txt"))
	if err == nil {
		r.manifest.RestoreText = store.Sum(text)
	}
	detail := "made anew from its day directory"
	if r.report.Plain > 0 {
		detail += fmt.Sprintf("; of %d files mode, owner and time are not known", r.report.Plain)
	}
	if r.report.Unknown > 0 {
		detail += fmt.Sprintf("; %d files that were left out are not known any more", r.report.Unknown)
	}
	r.findings.Add(RecoveredManifest, r.manifest.Name(), detail)
	r.report.Files = r.manifest.Total()
	return nil
}

func inOrder(list []Entry) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// segment writes entries, which come in order, with what the nearest snapshot knows of them.
func (r *recovery) segment(ctx context.Context, all iter.Seq2[Entry, error]) (err error) {
	w, err := newSegmentWriter(r.st, r.manifest.Depth)
	if err != nil {
		return err
	}
	defer w.discard()
	var like *cursor
	if r.like != nil {
		if like, err = openCursor(r.st, r.like.Segments); err != nil {
			return err
		}
		defer like.close()
	}
	n := 0
	for e, err := range all {
		if err != nil {
			return err
		}
		keep, err := r.likewise(like, &e)
		if err != nil {
			return err
		}
		if !keep {
			continue
		}
		if err := w.add(&e); err != nil {
			return err
		}
		n++
		r.o.Progress.Files.Add(1)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if n == 0 {
		return nil
	}
	seg, err := w.close()
	r.manifest.Segments = append(r.manifest.Segments, seg)
	return err
}

// likewise completes an entry by that of the nearest snapshot, if it is the same file. An
// entry that is left out is not kept if nobody knows its hash.
func (r *recovery) likewise(like *cursor, e *Entry) (keep bool, err error) {
	left := !e.Gold.Name.IsZero()
	if like != nil {
		for {
			known, err := like.peek()
			if err != nil {
				return false, err
			}
			if known == nil || fossology.ComparePaths(known.Path, e.Path) > 0 {
				break
			}
			same := known.Path == e.Path && known.Kind == e.Kind && known.Size == e.Size && (left || known.Object == e.Object)
			if same {
				e.Mode, e.UID, e.GID, e.Mtime, e.Inode = known.Mode, known.UID, known.GID, known.Mtime, known.Inode
				if left {
					e.Object = known.Object
					if known.LeftOut() {
						e.Gold = known.Gold
					}
					r.report.LeftOut++
				}
				return true, nil
			}
			if err := like.pass(); err != nil {
				return false, err
			}
		}
	}
	if left {
		r.report.Unknown++
		return false, nil
	}
	if e.Kind == File {
		r.report.Plain++
	}
	e.Mode, e.UID, e.GID = usualFileMode, r.manifest.DirMode.UID, r.manifest.DirMode.GID
	return true, nil
}
