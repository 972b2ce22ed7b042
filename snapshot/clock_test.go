package snapshot_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"repotool/repotest"
	"repotool/snapshot"
	"repotool/verify"
)

// TestClocks: two machines with clocks of their own back up into one store. One clock
// jumps back a year, forward ten, and stands still; the other one is always far behind.
// Snapshots keep the order in which they were taken, nothing that is kept loses anything,
// and garbage goes all the same, at its own pace.
func TestClocks(t *testing.T) {
	st := repotest.Store(t)
	random := rand.New(rand.NewPCG(11, 25))
	type machine struct {
		name, repository string
		now              time.Time
		taken            []string
		held             map[string]map[string]bool // by snapshot: contents
	}
	machines := []*machine{
		{name: "fossology", repository: t.TempDir(), now: time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)},
		{name: "behind", repository: t.TempDir(), now: time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC)},
	}
	jumps := []func(time.Time) time.Time{
		func(t time.Time) time.Time { return t.AddDate(0, 0, 1) },
		func(t time.Time) time.Time { return t.AddDate(-1, 0, 0) },
		func(t time.Time) time.Time { return t },
		func(t time.Time) time.Time { return t.AddDate(10, 0, 0) },
		func(t time.Time) time.Time { return t },
		func(t time.Time) time.Time { return t.AddDate(-10, 0, 0) },
		func(t time.Time) time.Time { return t.Add(time.Second) },
	}
	deleted := int64(0)
	for round := range 21 {
		for _, m := range machines {
			m.now = jumps[round%len(jumps)](m.now)
			if m.held == nil {
				m.held = map[string]map[string]bool{}
			}
			now := map[string]bool{"always": true}
			keep(t, m.repository, "always")
			for range 3 {
				content := fmt.Sprint(m.name, random.IntN(1000))
				keep(t, m.repository, content)
				now[content] = true
			}
			for _, before := range m.held {
				maps.Copy(now, before)
			}
			o := options(st, m.repository)
			o.Installation, o.Now, o.FullScan = m.name, func() time.Time { return m.now }, true
			s := take(t, o)
			if n := len(m.taken); n > 0 && s.Name <= m.taken[n-1] {
				t.Fatalf("round %d, %s: %s follows %s", round, m.name, s.Name, m.taken[n-1])
			}
			m.taken = append(m.taken, s.Name)
			m.held[s.Name] = now
			all, err := snapshot.Candidates(st, m.name)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, d := range snapshot.Retain(all, snapshot.Policy{Last: 3}, m.now) {
				if !d.Keep {
					names = append(names, d.Snapshot)
				}
			}
			if _, _, err := snapshot.Forget(t.Context(), st, m.name, names); err != nil {
				t.Fatal(err)
			}
			newest := m.taken[max(0, len(m.taken)-3):]
			left, err := snapshot.List(st, m.name)
			if err != nil || len(left) < len(newest) || left[len(left)-1].Name != s.Name {
				t.Fatalf("round %d, %s: %d are left, %v", round, m.name, len(left), err)
			}
			gc, err := snapshot.Collect(t.Context(), st, snapshot.CollectOptions{Now: func() time.Time { return m.now }})
			if err != nil {
				t.Fatal(err)
			}
			deleted += gc.Deleted.Objects
		}
	}
	for _, m := range machines {
		for back, name := range m.taken[len(m.taken)-3:] {
			s, err := snapshot.Find(st, m.name, name)
			if err != nil {
				t.Fatal(err)
			}
			to := filepath.Join(t.TempDir(), "to")
			if r := restore(t, s, snapshotTo(to)); int(r.Written) != len(m.held[name]) {
				t.Errorf("%s, %d: %d files of %d", m.name, back, r.Written, len(m.held[name]))
			}
		}
	}
	if r, err := verify.Store(t.Context(), st, verify.ScrubOptions{}); err != nil || !r.Good() {
		t.Errorf("%+v, %v", r, err)
	}
	if deleted == 0 {
		t.Error("no garbage was ever deleted")
	}
}
