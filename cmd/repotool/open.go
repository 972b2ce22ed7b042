package main

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"repotool/snapshot"
	"repotool/store"
)

// openStore opens the store that the settings name.
func openStore(s settings) (*store.Store, error) {
	if err := s.needStore(); err != nil {
		return nil, err
	}
	st, err := store.Open(s.store)
	if err != nil {
		return nil, withHint(err, storeHint(s.store, err))
	}
	return st, nil
}

// storeHint says what to do about a store that cannot be opened.
func storeHint(dir string, err error) string {
	switch {
	case errors.Is(err, store.ErrNoStore):
		return "is it on a disk that is not mounted? if there is none yet, make one with: repotool init " + dir
	case errors.Is(err, store.ErrHeaderLost):
		return store.AdoptAdvice(dir)
	case errors.Is(err, store.ErrObjectsLost):
		return "is it on a disk of its own that is not mounted? else get it from another copy of the store, or have repotool recover make anew what the days show"
	case errors.Is(err, fs.ErrNotExist):
		return "a part of the store is missing: is it a part of its own disk that is not mounted? else get it from another copy of the store"
	case errors.Is(err, fs.ErrPermission):
		return "run repotool as root, or as the user who made the store"
	}
	return ""
}

// openSnapshot opens the store, and in it the snapshot that ref names. The
// caller closes the store, which is the snapshot's; nobody forgets it before.
func openSnapshot(ctx context.Context, s settings, ref string) (*snapshot.Snapshot, error) {
	st, err := openStore(s)
	if err != nil {
		return nil, err
	}
	snap, err := findSnapshot(ctx, s, st, ref)
	if err != nil {
		st.Close()
		return nil, err
	}
	return snap, nil
}

// findSnapshot opens a snapshot of a store that is open. Of a store that cannot be
// written to, which a disaster leaves at times, snapshots are read all the same.
func findSnapshot(ctx context.Context, s settings, st *store.Store, ref string) (*snapshot.Snapshot, error) {
	snap, err := snapshot.Find(st, s.installation, ref)
	if err == nil {
		if _, err = snap.Hold(ctx, commandLine()); store.CannotWrite(err) {
			err = nil
		}
	}
	return snap, whoseSnapshots(s, st, err)
}

// whoseSnapshots says what was meant by a wrong name, and where an installation
// has no snapshots, which ones have some.
func whoseSnapshots(s settings, st *store.Store, err error) error {
	var wrong *snapshot.RefError
	if !errors.As(err, &wrong) {
		return err
	}
	if len(wrong.Names) > 0 {
		if meant := nearest(wrong.Ref, []string{"latest"}); meant != "" && wrong.Ref != meant && !strings.HasPrefix(wrong.Ref, "latest~") {
			return &hinted{err, "did you mean latest?"}
		}
		return err
	}
	others, e := withSnapshots(st)
	switch {
	case e != nil:
		return err
	case len(others) > 0:
		return &hinted{err, "the store has snapshots of " + strings.Join(others, ", ") + ": choose with --installation"}
	}
	return &hinted{err, "the store is empty: take a snapshot with repotool snapshot"}
}

// withSnapshots are the installations that have snapshots. A first run that
// failed leaves one that has none.
func withSnapshots(st *store.Store) ([]string, error) {
	all, err := snapshot.Installations(st)
	if err != nil {
		return nil, err
	}
	var some []string
	for _, name := range all {
		list, err := snapshot.List(st, name)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			some = append(some, name)
		}
	}
	return some, nil
}
