package verify

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"repotool/snapshot"
	"repotool/store"
)

// day makes again what a day lacks or shows wrongly, according to the report,
// and what shows the bytes of an object that was repaired.
func (r *repairer) day(ctx context.Context, s *snapshot.Snapshot) error {
	layout, err := dayLayout(s, s.Summary())
	wrong := r.report.days[dayDir(s)]
	if err != nil || layout == snapshot.LayoutNone || len(wrong) == 0 && len(r.done) == 0 {
		return nil
	}
	isWrong := func(path string) bool { _, is := wrong[pathKey(path)]; return is }
	for _, path := range foreignPieces(s) {
		if isWrong(path) {
			r.settle(wrong, path, r.moveAside(path, store.Hash{}))
		}
	}
	if text := restoreText(s); isWrong(text) {
		r.settle(wrong, text, r.remake(text, store.Hash{}, func(tmp string) error {
			b, err := s.RestoreText(ctx, layout)
			if err != nil {
				return err
			}
			return store.WriteFile(tmp, b)
		}))
	}
	if list := dayDir(s) + "/" + snapshot.RebuildList; isWrong(list) {
		r.settle(wrong, list, r.remake(list, store.Hash{}, func(tmp string) error { return s.WriteRebuildList(ctx, tmp) }))
	}
	if list := removedList(s); isWrong(list) {
		r.settle(wrong, list, r.remake(list, store.Hash{}, func(tmp string) error { return s.WriteRemovedList(ctx, tmp) }))
	}
	for u, err := range s.Uses(ctx) {
		if err != nil {
			break // a finding of another check
		}
		path, ok := dayPath(s, u, layout)
		if !ok || !isWrong(path) && (!r.done[u.Object] || shows(ctx, s, u, path) == nil) {
			continue
		}
		err := r.remake(path, u.Object, func(tmp string) error { return r.showAt(ctx, u, tmp) })
		if ctx.Err() != nil {
			break
		}
		r.settle(wrong, path, err)
	}
	return ctx.Err()
}

// settle notes what became of a file of a day.
func (r *repairer) settle(wrong map[store.Hash]int, path string, err error) {
	i, reported := wrong[pathKey(path)]
	switch {
	case !reported:
	case err == nil:
		r.report.Repaired++
		if i != notListed {
			r.report.Findings[i].Repaired = true
		}
	case i != notListed:
		r.report.Findings[i].Detail += "; not made again: " + err.Error()
	}
}

// showAt makes at name what a day shows: a link, an empty file, or a good object.
func (r *repairer) showAt(ctx context.Context, u snapshot.Use, name string) error {
	switch {
	case u.Entry != nil && u.Entry.Kind == snapshot.Symlink:
		return os.Symlink(u.Entry.Target, name)
	case u.Object.IsZero():
		return os.WriteFile(name, nil, 0o444)
	case !r.done[u.Object]:
		if _, err := r.st.Check(ctx, u.Object, r.buf); err != nil {
			return err
		}
	}
	return r.st.Link(ctx, u.Object, unix.AT_FDCWD, name)
}

// remake puts a new file, which prepare makes, in the place of one of a day.
func (r *repairer) remake(path string, object store.Hash, prepare func(tmp string) error) error {
	dir, err := r.st.TempDir()
	if err != nil {
		return err
	}
	tmp, name := filepath.Join(dir, "repair"), r.st.Path(path)
	if err := prepare(tmp); err != nil {
		return err
	}
	defer os.Remove(tmp) // rename does nothing when both already are one file
	if err := r.moveAside(path, object); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}

// moveAside moves a file of a day into the quarantine, where it keeps its path.
// The bytes of a bad object that is there already are not kept a second time.
func (r *repairer) moveAside(path string, object store.Hash) error {
	name, to := r.st.Path(path), r.st.Path(r.quarantine, path)
	there, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if kept, err := os.Lstat(r.st.Path(r.quarantine, object.String())); err == nil && os.SameFile(kept, there) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.Rename(name, to); err != nil {
		return err
	}
	r.kept++
	return nil
}
