package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"repotool/store"
)

// An Init that was cut short is done by the next; a store that has lost its
// store.json is not taken for one.
func TestInitCutShort(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	st, err := store.Init(t.Context(), dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	st.Close()
	again := func() error {
		if err := os.Remove(filepath.Join(dir, "store.json")); err != nil {
			t.Fatal(err)
		}
		st, err := store.Init(t.Context(), dir, time.Now())
		if err == nil {
			st.Close()
		}
		return err
	}
	if err := again(); err != nil {
		t.Errorf("after an init that was cut short: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "objects", "ab", "something"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var unfit *store.UnfitError
	if err := again(); !errors.As(err, &unfit) {
		t.Errorf("over objects: %v", err)
	}
}

// A store whose store.json is missing or damaged goes on once it is adopted;
// nothing else is.
func TestAdopt(t *testing.T) {
	for name, content := range map[string]string{"missing": "-", "empty": "", "noise": "\x00\x00", "no version": "{}"} {
		dir := filepath.Join(t.TempDir(), "store")
		st, err := store.Init(t.Context(), dir, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		put, err := st.NewWriter().PutBytes(t.Context(), []byte("kept"))
		if err != nil {
			t.Fatal(err)
		}
		st.Close()
		if _, err := store.Adopt(t.Context(), dir, time.Now()); !errors.Is(err, store.ErrExists) {
			t.Errorf("%s: a good store: %v", name, err)
		}
		head := filepath.Join(dir, "store.json")
		if err := os.Remove(head); err != nil {
			t.Fatal(err)
		}
		if content != "-" {
			if err := os.WriteFile(head, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := store.Open(dir); !errors.Is(err, store.ErrHeaderLost) {
			t.Errorf("%s: open: %v", name, err)
		}
		if st, err = store.Adopt(t.Context(), dir, time.Now()); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := st.Check(t.Context(), put.Object, make([]byte, 10)); err != nil || len(st.ID()) != 32 {
			t.Errorf("%s: id %q, %v", name, st.ID(), err)
		}
		st.Close()
	}
	other := t.TempDir()
	for _, name := range []string{"objects/ab/file", "refs/file"} { // as in a repository of git
		if err := os.MkdirAll(filepath.Join(other, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{other, t.TempDir(), filepath.Join(other, "nowhere")} {
		if _, err := store.Adopt(t.Context(), dir, time.Now()); !errors.Is(err, store.ErrNoStore) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if err := os.WriteFile(filepath.Join(other, "store.json"), []byte(`{"version":99}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Adopt(t.Context(), other, time.Now()); !errors.Is(err, store.ErrNewerFormat) {
		t.Errorf("a newer store: %v", err)
	}
}
