package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// RemoveTree removes a directory and all below it, several directories at
// once. A tree that is not there is no error; a file or a symbolic link in its
// place is removed itself, and no link is followed.
func RemoveTree(ctx context.Context, dir string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(2, runtime.GOMAXPROCS(0)))
	if err := emptyTree(ctx, g, dir, 0); err != nil {
		return errors.Join(err, g.Wait())
	}
	if err := g.Wait(); err != nil {
		return err
	}
	// What is left are empty directories, where any went to a worker.
	return os.RemoveAll(dir)
}

// forkDepth is how deep directories are given to workers of their own. Deeper
// ones are small.
const forkDepth = 3

func emptyTree(ctx context.Context, g *errgroup.Group, dir string, depth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil
	case errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP): // a file or a link, that a run was killed over
		return os.Remove(dir)
	case err != nil:
		return &fs.PathError{Op: "remove", Path: dir, Err: err}
	}
	d := os.NewFile(uintptr(fd), dir)
	defer d.Close()
	for {
		entries, err := d.ReadDir(1024)
		for _, e := range entries {
			if err := emptyEntry(ctx, g, fd, filepath.Join(dir, e.Name()), e, depth); err != nil {
				return err
			}
		}
		if err != nil || len(entries) == 0 {
			return nil // the end; anything else shows when the directory is removed
		}
	}
}

func emptyEntry(ctx context.Context, g *errgroup.Group, dirfd int, path string, e fs.DirEntry, depth int) error {
	if !e.IsDir() {
		if err := unix.Unlinkat(dirfd, e.Name(), 0); err != nil && !errors.Is(err, unix.ENOENT) {
			return &fs.PathError{Op: "remove", Path: path, Err: err}
		}
		return nil
	}
	if depth < forkDepth {
		work := func() error { return emptyTree(ctx, g, path, depth+1) }
		if g.TryGo(work) {
			return nil
		}
		if err := work(); err != nil {
			return err
		}
	} else if err := emptyTree(ctx, g, path, depth+1); err != nil {
		return err
	}
	if err := unix.Unlinkat(dirfd, e.Name(), unix.AT_REMOVEDIR); err != nil &&
		!errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTEMPTY) {
		return fmt.Errorf("remove: %w", &fs.PathError{Op: "rmdir", Path: path, Err: err})
	}
	return nil
}
