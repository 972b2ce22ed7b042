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
