package store_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"repotool/store"
)

// A new store has nothing but empty directories; one that lacks its objects is not
// taken for a new one.
func TestWithoutObjects(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	st, err := store.Init(t.Context(), dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	st.Close()
	lose := func(names ...string) {
		for _, name := range names {
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	lose("objects", "snapshots", "days", "ledger", "trash", "tmp", "locks", "cache")
	if st, err = store.Open(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := st.NewWriter().PutBytes(t.Context(), []byte("first")); err != nil {
		t.Error(err)
	}
	st.Close()
	lose("objects")
	if err := os.MkdirAll(filepath.Join(dir, "snapshots", "fossology", "2026-01-01T000000Z"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a store with snapshots and no objects: %v", err)
	}
}

// A copy of a store without its empty directories is a store: it can be read as
// it is, and what is written makes the directories it needs.
func TestWithoutEmptyDirectories(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	st, err := store.Init(t.Context(), dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	put, err := st.NewWriter().PutBytes(t.Context(), []byte("there before"))
	if err != nil {
		t.Fatal(err)
	}
	st.Close()
	bare := func() {
		for _, pattern := range []string{"objects/*/", "*/"} {
			dirs, _ := filepath.Glob(filepath.Join(dir, pattern))
			for _, name := range dirs {
				_ = unix.Rmdir(name) // only what is empty goes
			}
		}
	}
	for name, use := range map[string]func(*store.Store) error{
		"Check": func(st *store.Store) error {
			_, err := st.Check(t.Context(), put.Object, make([]byte, 100))
			for _, left := range []string{"tmp", "cache"} {
				if _, err := os.Stat(st.Path(left)); err == nil {
					t.Errorf("reading made %s", left)
				}
			}
			return err
		},
		"List": func(st *store.Store) error {
			n := 0
			for _, err := range st.List(t.Context()) {
				if err != nil {
					return err
				}
				n++
			}
			if n == 0 {
				return fs.ErrNotExist
			}
			return nil
		},
		"Sweep":   func(st *store.Store) error { _, err := st.Sweep(t.Context()); return err },
		"TempDir": func(st *store.Store) error { _, err := st.TempDir(); return err },
		"Folder":  func(st *store.Store) error { _, err := st.Folder("cache"); return err },
		"Lock": func(st *store.Store) error {
			lock, err := st.Lock(t.Context(), "x", "test", time.Now())
			if err == nil {
				err = lock.Unlock()
			}
			return err
		},
		"PutBytes": func(st *store.Store) error {
			for i := range 600 { // in all 256 directories, or nearly
				put, err := st.NewWriter().PutBytes(t.Context(), fmt.Append(nil, "new ", i))
				if err != nil {
					return err
				}
				if !put.Added {
					return fmt.Errorf("%d was not added", i)
				}
				if _, err := st.Stat(put.Object); err != nil {
					return err
				}
			}
			return nil
		},
		"Create": func(st *store.Store) error {
			w, err := st.Create()
			if err != nil {
				return err
			}
			if _, err := w.Write([]byte("created")); err != nil {
				return err
			}
			put, err := w.Commit()
			if err == nil {
				_, err = st.Stat(put.Object)
			}
			return err
		},
	} {
		bare()
		st, err := store.Open(dir)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := use(st); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := st.Close(); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
	}
}
