package snapshot_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/snapshot"
)

// TestTakeEndsTheStandstill ends a snapshot in the middle of its standstill in
// every way there is: FOSSology is told to go on once each time, also when the run
// has been interrupted.
func TestTakeEndsTheStandstill(t *testing.T) {
	repository := repotest.Repository(t)
	broken := errors.New("no view of the database")
	for name, c := range map[string]struct {
		during  func(cancel func()) (*snapshot.View, error)
		release error
		want    error
		panics  bool
	}{
		"success":        {},
		"error":          {during: func(func()) (*snapshot.View, error) { return nil, broken }, want: broken},
		"interrupted":    {during: func(cancel func()) (*snapshot.View, error) { cancel(); return nil, context.Canceled }, want: context.Canceled},
		"panic":          {during: func(func()) (*snapshot.View, error) { panic("a bug") }, panics: true},
		"does not start": {release: broken, want: broken},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			o := options(repotest.Store(t), repository)
			stopped, releases := false, 0
			o.Quiesce = func(context.Context) (func(context.Context) (snapshot.Standstill, error), error) {
				stopped = true
				return func(ctx context.Context) (snapshot.Standstill, error) {
					if stopped, releases = false, releases+1; ctx.Err() != nil {
						t.Errorf("release with a context that has ended: %v", ctx.Err())
					}
					return snapshot.Standstill{Duration: 1500 * time.Millisecond, StaleJobs: []int64{7}}, c.release
				}, nil
			}
			if c.during != nil {
				o.View = func(context.Context) (*snapshot.View, error) {
					if !stopped {
						t.Error("the database is looked at before the standstill")
					}
					return c.during(cancel)
				}
			}
			sum, err, panicked := takePanicking(ctx, o)
			if releases != 1 || !errors.Is(err, c.want) || panicked != c.panics {
				t.Errorf("%d releases, error %v, panic %v; want 1, %v, %v", releases, err, panicked, c.want, c.panics)
			}
			if c.want == nil && !c.panics && (err != nil || sum.Standstill != 1.5 || len(sum.StaleJobs) != 1) {
				t.Errorf("error %v, summary %+v; want 1.5 seconds of standstill", err, sum)
			}
			list, err := snapshot.List(o.Store, o.Installation)
			if published := len(list) == 1; err != nil || published != (c.want == nil && !c.panics) {
				t.Errorf("%d snapshots, %v", len(list), err)
			}
		})
	}
}

// takePanicking takes a snapshot and survives its panic.
func takePanicking(ctx context.Context, o snapshot.TakeOptions) (s *snapshot.Summary, err error, panicked bool) {
	defer func() { panicked = recover() != nil }()
	s, err = snapshot.Take(ctx, o)
	return s, err, false
}

// TestTakeCopiesWhatCameMeanwhile adds a file between the first pass and the
// standstill, as FOSSology does while it works: it is in the snapshot.
func TestTakeCopiesWhatCameMeanwhile(t *testing.T) {
	repository := repotest.Repository(t)
	o := options(repotest.Store(t), repository)
	late := filepath.Join(repository, "localhost", "files", "late")
	o.Quiesce = func(context.Context) (func(context.Context) (snapshot.Standstill, error), error) {
		return func(context.Context) (snapshot.Standstill, error) { return snapshot.Standstill{}, nil }, os.WriteFile(late, []byte("late"), 0o660)
	}
	with := take(t, o)
	if err := os.Remove(late); err != nil {
		t.Fatal(err)
	}
	without := take(t, options(repotest.Store(t), repository))
	if with.Files != without.Files+1 {
		t.Errorf("%d files, without the late one %d", with.Files, without.Files)
	}
}

// TestTakeWithoutStandstill is told why there is none, and publishes nothing.
func TestTakeWithoutStandstill(t *testing.T) {
	o := options(repotest.Store(t), repotest.Repository(t))
	busy := errors.New("still at work")
	o.Quiesce = func(context.Context) (func(context.Context) (snapshot.Standstill, error), error) { return nil, busy }
	if _, err := snapshot.Take(t.Context(), o); !errors.Is(err, busy) {
		t.Errorf("error %v, want %v", err, busy)
	}
	if list, err := snapshot.List(o.Store, o.Installation); err != nil || len(list) != 0 {
		t.Errorf("snapshots %v, %v; want none", list, err)
	}
}

// TestTakeEndsAtALock has a session that keeps a table to itself: one that the view counts, or one that only the
// dump reads. FOSSology does not stand still for ever, and somebody is told what to do.
func TestTakeEndsAtALock(t *testing.T) {
	dsn := repotest.Fossology(t)
	for _, table := range []string{"jobqueue", "agent"} {
		t.Run(table, func(t *testing.T) {
			lockTable(t, dsn, table)
			o := options(repotest.Store(t), repotest.Repository(t))
			withDatabase(&o, fossology.DSN(dsn), snapshot.DumpPlain)
			o.Dump.LockTimeout = 200 * time.Millisecond
			stopped, released := false, false
			o.Quiesce = func(context.Context) (func(context.Context) (snapshot.Standstill, error), error) {
				stopped = true
				return func(context.Context) (snapshot.Standstill, error) {
					released = true
					return snapshot.Standstill{}, nil
				}, nil
			}
			_, err := snapshot.Take(t.Context(), o)
			var hint interface{ Hint() string }
			if !errors.As(err, &hint) || !strings.Contains(hint.Hint(), "pg_locks") || !strings.Contains(err.Error(), "timeout") {
				t.Errorf("error %v, want one of the lock with a hint", err)
			}
			if !stopped || !released {
				t.Errorf("stopped %v, released %v; want both", stopped, released)
			}
		})
	}
}

// lockTable keeps a table locked by another session until the end of the test.
func lockTable(t *testing.T, dsn, table string) {
	t.Helper()
	psql := exec.Command(filepath.Join(repotest.Postgres(t).Bin, "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", dsn)
	in, err := psql.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := psql.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := psql.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); psql.Wait() })
	fmt.Fprintf(in, "BEGIN; LOCK TABLE %s;\n\\echo locked\n", table)
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "locked\n" {
		t.Fatalf("lock %s: %q, %v", table, line, err)
	}
}
