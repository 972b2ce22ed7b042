package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// used returns what the file system that holds dir is filled with.
func used(dir string) (Space, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return Space{}, fmt.Errorf("statfs %s: %w", dir, err)
	}
	return Space{Bytes: int64(st.Blocks-st.Bfree) * st.Bsize, Inodes: int64(st.Files) - int64(st.Ffree)}, nil
}

// walked returns what du -s finds below dir, in one walk by several, where du takes two by
// one: it is done before each step and behind it. Of a file with n names each counts as an
// n-th part of it; all of them lie below dir. To remember the files, as du does, would take
// memory, below which none can be measured of what is run next.
func walked(ctx context.Context, dir string) (Space, error) {
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return Space{}, fmt.Errorf("walk %s: %w", dir, err)
	}
	w := &spaceWalk{by: map[uint64]Space{}}
	w.group, ctx = errgroup.WithContext(ctx)
	w.group.SetLimit(spaceWalkers)
	w.add(map[uint64]Space{1: {st.Blocks * 512, 1}})
	err := w.dir(ctx, dir)
	if err = errors.Join(err, w.group.Wait()); err != nil {
		return Space{}, fmt.Errorf("walk %s: %w", dir, err)
	}
	var s Space
	for names, of := range w.by {
		s.Bytes += of.Bytes / int64(names)
		s.Inodes += of.Inodes / int64(names)
	}
	return s, nil
}

// spaceWalkers is how many directories are read at once.
const spaceWalkers = 8

type spaceWalk struct {
	group *errgroup.Group
	mu    sync.Mutex
	by    map[uint64]Space // by the number of names that a file has
}

func (w *spaceWalk) add(found map[uint64]Space) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for names, s := range found {
		of := w.by[names]
		w.by[names] = Space{of.Bytes + s.Bytes, of.Inodes + s.Inodes}
	}
}

func (w *spaceWalk) dir(ctx context.Context, dir string) error {
	d, err := os.Open(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil // a temporary one of a database, say
	}
	if err != nil {
		return err
	}
	defer d.Close()
	found := map[uint64]Space{}
	for {
		entries, err := d.ReadDir(1024)
		for _, e := range entries {
			var st unix.Stat_t
			if err := unix.Fstatat(int(d.Fd()), e.Name(), &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
				continue // gone meanwhile
			}
			names := uint64(st.Nlink)
			if e.IsDir() {
				names = 1
				if err := beside(w.group, func() error { return w.dir(ctx, filepath.Join(dir, e.Name())) }); err != nil {
					return err
				}
			}
			of := found[names]
			found[names] = Space{of.Bytes + st.Blocks*512, of.Inodes + 1}
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, io.EOF):
			w.add(found)
			return nil
		case err != nil:
			return err
		}
	}
}

// beside does work beside other work, if somebody of a group is free for it, else here.
func beside(g *errgroup.Group, work func() error) error {
	if g.TryGo(work) {
		return nil
	}
	return work()
}
