package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Adopt makes a store of a directory that holds all of one but a good
// store.json, which says nothing that could not be said anew. What the objects
// are worth is not looked at: that is for package verify.
func Adopt(_ context.Context, dir string, now time.Time) (*Store, error) {
	switch s, err := Open(dir); {
	case err == nil:
		return nil, errors.Join(fmt.Errorf("adopt %s: %w", dir, ErrExists), s.Close())
	case !errors.Is(err, ErrHeaderLost):
		return nil, fmt.Errorf("adopt %s: %w", dir, err)
	}
	if !hasRemains(dir) {
		return nil, fmt.Errorf("adopt %s: %w", dir, ErrNoStore)
	}
	if err := writeHeader(dir, now); err != nil {
		return nil, fmt.Errorf("adopt %s: %w", dir, err)
	}
	return Open(dir)
}

// hasRemains says whether a directory holds the objects and snapshots of a store,
// and something in them.
func hasRemains(dir string) bool {
	for _, name := range []string{"objects", "snapshots"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || !info.IsDir() {
			return false
		}
	}
	return !isFree(dir)
}

// AdoptAdvice is the way out of a lost store.json.
func AdoptAdvice(dir string) string {
	return "to go on with it, have its store.json made anew: repotool init --adopt " + dir
}
