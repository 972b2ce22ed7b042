package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
	"repotool/verify"
)

// worn makes a store with something in every state: a snapshot to be forgotten and
// four to be kept, one forgotten whose day still stands, objects that nobody needs, in
// quarantine and out of it, and one in quarantine that is needed again.
func worn(t testing.TB) (dir string, goes string, m *keepModel) {
	t.Helper()
	m = newKeepModel(t, 1)
	var names []string
	for i := range 6 {
		content := fmt.Sprint("in no other ", i)
		path, _ := filepath.Rel(m.repository, keep(t, m.repository, content))
		m.files[path] = content
		m.now = m.now.Add(time.Hour)
		o := options(m.st, m.repository)
		o.Now, o.Detect, o.FullScan = func() time.Time { return m.now }, snapshot.DetectRead, true
		if i == 2 || i == 3 {
			o.Layout = snapshot.LayoutNone
		}
		s := take(t, o)
		names = append(names, s.Name)
		m.snapshots[s.Name] = map[string]string{}
		for p, c := range m.files {
			m.snapshots[s.Name][p] = c
		}
		if o.Layout != snapshot.LayoutNone {
			m.days[s.Name] = true
		}
		delete(m.files, path)
		if err := os.Remove(filepath.Join(m.repository, path)); err != nil {
			t.Fatal(err)
		}
	}
	forget := func(name string) {
		if _, _, err := snapshot.Forget(t.Context(), m.st, "fossology", []string{name}); err != nil {
			t.Fatal(err)
		}
		delete(m.snapshots, name)
		delete(m.days, name)
	}
	forget(names[2])
	collect(t, m.st, snapshot.CollectOptions{})
	// Needed again, as by a run that published while garbage was collected.
	h := store.Sum([]byte("in no other 3")).String()
	if err := os.MkdirAll(m.st.Path("quarantine", "1", h[:2]), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(m.st.Path("objects", h[:2], h), m.st.Path("quarantine", "1", h[:2], h)); err != nil {
		t.Fatal(err)
	}
	// As a killed run of forget leaves it.
	forget(names[0])
	trash, _ := filepath.Glob(m.st.Path("trash", "forgotten*"))
	if err := os.Rename(filepath.Join(trash[0], "day"), m.st.Path("days", "fossology", names[0])); err != nil {
		t.Fatal(err)
	}
	if _, err := m.st.NewWriter().PutBytes(t.Context(), []byte("nobody's")); err != nil {
		t.Fatal(err)
	}
	return m.st.Dir(), names[5], m
}

// keepAll is all that deletes: the newest snapshot goes (so "current" moves), and
// garbage is collected twice.
func keepAll(ctx context.Context, st *store.Store, goes string) error {
	if _, _, err := snapshot.Forget(ctx, st, "fossology", []string{goes}); err != nil {
		return err
	}
	for range 2 {
		if _, err := snapshot.Collect(ctx, st, snapshot.CollectOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// Every change is cut off in turn, once as an error of the disk, once as a kill, after
// which nothing happens any more. Whatever was listed before and is still to be kept can
// be restored at once, nothing is half forgotten, and the next run does the rest.
func TestKeepCutOff(t *testing.T) {
	from, goes, m := worn(t)
	points := 0
	for _, kill := range []bool{false, true} {
		for n := int64(1); ; n++ {
			dir := filepath.Join(t.TempDir(), "store")
			if out, err := exec.Command("cp", "-a", from, dir).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			fired := cutOff(t, dir, goes, n, kill)
			st, err := store.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			model := *m
			model.st = st
			model.snapshots, model.days = map[string]map[string]string{}, map[string]bool{}
			for name, files := range m.snapshots {
				if name != goes || exists(st.Path("snapshots", "fossology", goes)) {
					model.snapshots[name], model.days[name] = files, m.days[name]
				}
			}
			for name := range model.snapshots {
				model.restore(t, name)
			}
			if r := current(t, st); r != "" && !exists(st.Path("days", "fossology", r)) {
				t.Fatalf("change %d: current leads to %s, which is not there", n, r)
			}
			model.check(t, false)
			if r, err := verify.Store(t.Context(), st, verify.ScrubOptions{}); err != nil || !r.Good() {
				t.Fatalf("change %d: verify: %v, %v", n, r.Findings, err)
			}
			if err := keepAll(t.Context(), st, goes); err != nil {
				t.Fatalf("change %d, the next run: %v", n, err)
			}
			collect(t, st, snapshot.CollectOptions{})
			delete(model.snapshots, goes)
			for name := range model.days {
				if name == goes || !m.days[name] {
					delete(model.days, name)
				}
			}
			model.check(t, true)
			st.Close()
			os.RemoveAll(filepath.Dir(dir))
			if !fired {
				break
			}
			points++
		}
	}
	t.Logf("%d points were tried", points)
	if points < 100 {
		t.Errorf("only %d points were tried", points)
	}
}

// cutOff does everything with the n-th change cut off, and says whether there was one.
func cutOff(t testing.TB, dir, goes string, n int64, kill bool) bool {
	t.Helper()
	st, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var at atomic.Int64
	where := ""
	st.SetFault(func(op, path string) error {
		i := at.Add(1)
		if i == n {
			where = op + " " + path
		}
		if i == n || kill && i > n {
			return unix.EIO
		}
		return nil
	})
	err = keepAll(t.Context(), st, goes)
	fired := at.Load() >= n
	tolerated := strings.HasPrefix(where, "rmdir") && strings.Count(strings.TrimPrefix(where, "rmdir "+dir), "/") > 2
	if fired && err == nil && !kill && !tolerated { // a folder of the quarantine that stays costs nothing
		t.Fatalf("change %d (%s) failed, and nobody noticed", n, where)
	}
	if !fired && err != nil || err != nil && !errors.Is(err, unix.EIO) {
		t.Fatalf("change %d (%s): %v", n, where, err)
	}
	return fired
}

func current(t testing.TB, st *store.Store) string {
	t.Helper()
	to, err := os.Readlink(st.Path("days", "fossology", "current"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return to
}

// TestKeepVictim is the process that TestKeepKilled kills.
func TestKeepVictim(t *testing.T) {
	dir := os.Getenv("VICTIM_KEEP")
	if dir == "" {
		return // run by itself it has nothing to do
	}
	st, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if err := keepAll(t.Context(), st, os.Getenv("VICTIM_GOES")); err != nil {
		t.Fatal(err)
	}
}

// The same with a real process and a real SIGKILL, at random moments.
func TestKeepKilled(t *testing.T) {
	from, goes, m := worn(t)
	killed := 0
	for round := range killRounds {
		dir := filepath.Join(t.TempDir(), "store")
		if out, err := exec.Command("cp", "-a", from, dir).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if err := os.Remove(filepath.Join(dir, "locks", "gc")); err != nil {
			t.Fatal(err)
		}
		cmd := repotest.Again(t, "TestKeepVictim", "VICTIM_KEEP="+dir, "VICTIM_GOES="+goes)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		for !exists(filepath.Join(dir, "locks", "gc")) && len(ended) == 0 { // it forgets before
			time.Sleep(100 * time.Microsecond)
		}
		time.Sleep(time.Duration(m.random.IntN(60_000*(round+1)/killRounds)) * time.Microsecond)
		cmd.Process.Kill()
		if err := <-ended; err != nil {
			killed++
		}
		st, err := store.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := keepAll(t.Context(), st, goes); err != nil {
			t.Fatal(err)
		}
		collect(t, st, snapshot.CollectOptions{})
		model := *m
		model.st = st
		model.snapshots, model.days = map[string]map[string]string{}, map[string]bool{}
		for name, files := range m.snapshots {
			if name != goes {
				model.snapshots[name] = files
				if m.days[name] {
					model.days[name] = true
				}
			}
		}
		model.check(t, true)
		for name := range model.snapshots {
			model.restore(t, name)
		}
		st.Close()
	}
	if killed < killRounds/4 {
		t.Errorf("only %d of %d runs were killed", killed, killRounds)
	}
	t.Logf("%d of %d runs were killed", killed, killRounds)
}
