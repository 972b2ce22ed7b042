package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
)

// StoreBytes is what a store takes on the disk, without its ledger. Files of days are links to
// objects, which are counted where they are objects.
func StoreBytes(ctx context.Context, dir string) (bytes int64, err error) {
	if bytes, err = onDisk(ctx, dir, "ledger"); err != nil {
		return 0, fmt.Errorf("add up the store %s: %w", dir, err)
	}
	return bytes, nil
}

// LedgerBytes is what a ledger takes on the disk: nothing, if there is none.
func LedgerBytes(ctx context.Context, dir string) (bytes int64, err error) {
	if bytes, err = onDisk(ctx, dir, ""); err != nil {
		return 0, fmt.Errorf("add up the ledger %s: %w", dir, err)
	}
	return bytes, nil
}

// onDisk adds up blocks below a directory, but for one name in it. Links are counted where
// they are objects.
func onDisk(ctx context.Context, dir, skip string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) { // somebody is at work
			return nil
		}
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(path, dir), "/")
		if rel == skip && rel != "" {
			return fs.SkipDir
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		if d.IsDir() || st.Nlink == 1 || strings.HasPrefix(rel, "objects/") || strings.Contains(rel, "/objects/") {
			bytes += st.Blocks * 512
		}
		return nil
	})
	return bytes, err
}
