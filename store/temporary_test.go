package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"repotool/repotest"
	"repotool/store"
)

// TestRoomVictim is a process that ends without clearing up.
func TestRoomVictim(t *testing.T) {
	dir := os.Getenv("VICTIM_STORE")
	if dir == "" {
		return // run by itself it has nothing to do
	}
	st, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, st)
	os.Exit(0)
}

// fill makes a file and a directory in a store's TempDir, and returns that.
func fill(t testing.TB, st *store.Store) string {
	t.Helper()
	dir, err := st.TempDir()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "dump-1", "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "dump-1", "d", "toc.dat"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func names(t testing.TB, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// leftInTmp lists what is in tmp/, but for the lock of the store that is open.
func leftInTmp(t testing.TB, st *store.Store) (left []string) {
	t.Helper()
	for _, room := range names(t, st.Path("tmp")) {
		for _, name := range names(t, st.Path("tmp", room)) {
			if name != "lock" {
				left = append(left, filepath.Join(room, name))
			}
		}
	}
	return left
}

// What a dead process left goes; what a living one uses stays, and so does
// what is no room. Close takes the rest.
func TestSweep(t *testing.T) {
	st := repotest.Store(t)
	cmd := repotest.Again(t, "TestRoomVictim")
	cmd.Env = append(os.Environ(), "VICTIM_STORE="+st.Dir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if left := names(t, st.Path("tmp")); len(left) != 1 {
		t.Fatalf("the dead process left %v", left)
	}
	living, err := store.Open(st.Dir())
	if err != nil {
		t.Fatal(err)
	}
	room := fill(t, living)
	for _, name := range []string{"empty", "foreign/x"} { // a killed sweep's, and nobody knows whose
		if err := os.MkdirAll(st.Path("tmp", name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	n, err := st.Sweep(t.Context())
	if err != nil || n != 2 {
		t.Errorf("%d swept, %v", n, err)
	}
	if left := names(t, st.Path("tmp")); len(left) != 2 || left[0] != filepath.Base(room) || left[1] != "foreign" {
		t.Errorf("left: %v", left)
	}
	if _, err := os.Stat(filepath.Join(room, "dump-1", "d", "toc.dat")); err != nil {
		t.Errorf("of a living process: %v", err)
	}
	if err := living.Close(); err != nil {
		t.Error(err)
	}
	if left := names(t, st.Path("tmp")); len(left) != 1 {
		t.Errorf("left after Close: %v", left)
	}
}

// Rooms that are made while others sweep are never taken away.
func TestSweepBeside(t *testing.T) {
	st := repotest.Store(t)
	stop := make(chan struct{})
	var sweepers, users sync.WaitGroup
	for range 2 {
		sweepers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := st.Sweep(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 4 {
		users.Go(func() {
			for range 100 {
				if err := useRoom(st.Dir()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	users.Wait()
	close(stop)
	sweepers.Wait()
	if left := names(t, st.Path("tmp")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func useRoom(dir string) error {
	st, err := store.Open(dir)
	if err != nil {
		return err
	}
	defer st.Close()
	room, err := st.TempDir()
	if err != nil {
		return err
	}
	for i := range 3 {
		if err := os.WriteFile(filepath.Join(room, fmt.Sprint(i)), nil, 0o600); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(room, "0")); err != nil {
		return err
	}
	return nil
}
