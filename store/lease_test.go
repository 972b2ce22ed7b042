package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"repotool/repotest"
	"repotool/store"
)

// leases asks for them as is right.
func leases(t testing.TB, st *store.Store) (list []store.Lease, err error) {
	t.Helper()
	e := st.Exclusive(t.Context(), func() error {
		list, err = st.Leases()
		return nil
	})
	return list, errors.Join(e, err)
}

// A lease lasts until it is released, its store closed, or its process ended; and what
// is asked before it is taken can forbid it.
func TestLease(t *testing.T) {
	st := repotest.Store(t)
	other, err := store.Open(st.Dir())
	if err != nil {
		t.Fatal(err)
	}
	count := func(want int) {
		t.Helper()
		if list, err := leases(t, st); err != nil || len(list) != want {
			t.Errorf("%d leases, not %d: %+v, %v", len(list), want, list, err)
		}
	}
	no := errors.New("no")
	if _, err := other.Lease(t.Context(), store.Lease{}, func() error { return no }); !errors.Is(err, no) {
		t.Errorf("forbidden: %v", err)
	}
	count(0)
	first, err := other.Lease(t.Context(), store.Lease{Writes: true, Snapshot: "x/y", Command: "a command"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Lease(t.Context(), store.Lease{}, nil); err != nil {
		t.Fatal(err)
	}
	count(2)
	if list, _ := leases(t, st); !list[0].Writes || list[0].Snapshot != "x/y" || list[0].PID != os.Getpid() {
		t.Errorf("%+v", list[0])
	}
	if err := errors.Join(first.Release(), first.Release()); err != nil {
		t.Error(err)
	}
	count(1)
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	count(0)
	cmd := repotest.Again(t, "TestRoomVictim", "VICTIM_STORE="+st.Dir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rooms := names(t, st.Path("tmp"))
	if err := os.WriteFile(st.Path("tmp", rooms[0], "lease-1"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	count(0) // a dead process's
}

// A lease that cannot be read may protect anything.
func TestLeaseUnreadable(t *testing.T) {
	st := repotest.Store(t)
	room, err := st.TempDir()
	if err == nil {
		err = os.WriteFile(filepath.Join(room, "lease-1"), []byte("{"), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if list, err := leases(t, st); err == nil {
		t.Errorf("%+v", list)
	}
}

// Nobody is in Exclusive beside somebody else, and who waits can give up.
func TestExclusive(t *testing.T) {
	st := repotest.Store(t)
	var inside, wrong atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			err := st.Exclusive(t.Context(), func() error {
				if inside.Add(1) > 1 {
					wrong.Add(1)
				}
				time.Sleep(time.Millisecond)
				inside.Add(-1)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if wrong.Load() > 0 {
		t.Errorf("%d were inside with another", wrong.Load())
	}
	err := st.Exclusive(t.Context(), func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		return st.Exclusive(ctx, func() error { return nil })
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while it is held: %v", err)
	}
}

// An object in quarantine is one still; with all links that the file system allows it
// comes back, too.
func TestQuarantine(t *testing.T) {
	st := repotest.Store(t)
	put, err := st.NewWriter().PutBytes(t.Context(), []byte("kept"))
	if err != nil {
		t.Fatal(err)
	}
	for round := range uint64(3) {
		generation, err := st.NewGeneration([]store.Lease{{Generation: 7}})
		if err != nil || generation != 8+round {
			t.Fatalf("generation %d, %v", generation, err)
		}
		if info, err := st.Quarantine(generation, put.Object); err != nil || info.Size != 4 {
			t.Fatalf("%+v, %v", info, err)
		}
		if st.InPlace(put.Object) {
			t.Error("in objects/ still")
		}
		if _, err := st.Check(t.Context(), put.Object, make([]byte, 10)); err != nil {
			t.Error(err)
		}
		if back, err := st.Return(generation, put.Object); err != nil || !back {
			t.Errorf("%v, %v", back, err)
		}
		if back, err := st.Return(generation, put.Object); err != nil || back {
			t.Errorf("again: %v, %v", back, err)
		}
		if info, err := st.Expel(generation, put.Object); err != nil || info.Links != 2 {
			t.Errorf("%+v, %v", info, err)
		}
		if _, err := st.Expel(generation, put.Object); !errors.Is(err, store.ErrNoObject) {
			t.Errorf("again: %v", err)
		}
	}
	if err := st.CloseGenerations(); err != nil {
		t.Error(err)
	}
	if left := names(t, st.Path("quarantine")); len(left) > 0 || !st.InPlace(put.Object) {
		t.Errorf("left: %v", left)
	}
}

// Who reads an object, or links it, finds it while a collection moves it away and back.
func TestQuarantineMoves(t *testing.T) {
	st := repotest.Store(t)
	put, err := st.NewWriter().PutBytes(t.Context(), []byte("kept"))
	if err != nil {
		t.Fatal(err)
	}
	to, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	const rounds = 1000
	var looks, fails atomic.Int64
	done := make(chan struct{})
	go func() { // as two collections do; somebody has looked between them
		defer close(done)
		for generation := uint64(1); generation <= rounds && fails.Load() == 0; generation++ {
			os.MkdirAll(st.Path("quarantine", strconv.FormatUint(generation, 10)), 0o755)
			st.Quarantine(generation, put.Object)
			st.Return(generation, put.Object)
			st.Expel(generation, put.Object)
			st.CloseGenerations()
			for n := looks.Load(); looks.Load() < n+2; {
				runtime.Gosched()
			}
		}
	}()
	for working := true; working; looks.Add(1) {
		select {
		case <-done:
			working = false
		default:
		}
		_, err := st.Stat(put.Object)
		f, e := st.Open(put.Object)
		if e == nil {
			f.Close()
		}
		name := strconv.FormatInt(looks.Load(), 10)
		link := st.Link(t.Context(), put.Object, int(to.Fd()), name)
		if err := errors.Join(err, e, link, unix.Unlinkat(int(to.Fd()), name, 0)); err != nil {
			t.Error(err)
			fails.Add(1)
		}
	}
}
