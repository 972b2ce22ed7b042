package snapshot_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"repotool/repotest"
	"repotool/snapshot"
	"repotool/verify"
)

// bare is what a snapshot holds, without what a day does not show.
func bare(t testing.TB, s *snapshot.Snapshot) map[string]snapshot.Entry {
	t.Helper()
	all := held(t, s)
	maps.DeleteFunc(all, func(_ string, e snapshot.Entry) bool { return e.Kind == snapshot.Dir })
	for path, e := range all {
		e.Mode, e.UID, e.GID, e.Mtime, e.Inode = 0, 0, 0, 0, 0
		all[path] = e
	}
	return all
}

// Manifests of a cycle that are lost, one or all, are made anew from the days; and days
// from manifests.
func TestRotateRecover(t *testing.T) {
	for _, lost := range [][]int{{0}, {1}, {3}, {0, 1, 2, 3}} {
		st, repository := repotest.Store(t), t.TempDir()
		o := rotating(st, repository, "9")
		var names []string
		var want []map[string]snapshot.Entry
		var wantDay []map[string]string
		for day := range 4 {
			changeDaily(t, repository, day)
			names = append(names, rotate(t, o).Name)
			want = append(want, bare(t, find(t, st, names[day])))
			nextDay(o)
		}
		in := mustCycles(t, st)[0].Store
		for day, name := range names {
			wantDay = append(wantDay, contents(t, in.Path("days", "fossology", name)))
			if slices.Contains(lost, day) {
				if err := os.RemoveAll(in.Path("snapshots", "fossology", name)); err != nil {
					t.Fatal(err)
				}
			} else if err := os.RemoveAll(in.Path("days", "fossology", name)); err != nil {
				t.Fatal(err)
			}
		}
		broken, err := snapshot.FindBroken(t.Context(), in, true)
		if err != nil || len(broken) != len(names) {
			t.Fatalf("%+v, %v", broken, err)
		}
		for _, b := range broken { // in their order: one builds on the other
			if b.Layout != "" {
				err = find(t, st, b.Snapshot).MakeDay(t.Context(), b.Layout, nil)
			} else {
				_, err = snapshot.Recover(t.Context(), in, "fossology", b.Snapshot, snapshot.RecoverOptions{Repository: repository, Depth: 3})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for day, name := range names {
			s := find(t, st, name)
			if diff := cmp.Diff(want[day], bare(t, s)); diff != "" {
				t.Errorf("%v lost: day %d (-want +got):\n%s", lost, day, diff)
			}
			if diff := cmp.Diff(wantDay[day], contents(t, in.Path("days", "fossology", name))); diff != "" {
				t.Errorf("%v lost: the directory of day %d (-want +got):\n%s", lost, day, diff)
			}
		}
		if err := checkAll(t.Context(), in); err != nil {
			t.Errorf("%v lost: %v", lost, err)
		}
		// The next day goes on.
		changeDaily(t, repository, 4)
		if s := rotate(t, o); s.Rotation.NewBase != "" {
			t.Errorf("%v lost: %+v", lost, s.Rotation)
		}
	}
}

// Whatever is wrong with a day of a cycle is found, and made again.
func TestRotateRepairDay(t *testing.T) {
	st, repository := repotest.Store(t), t.TempDir()
	o := rotating(st, repository, "9")
	var last *snapshot.Summary
	for day := range 3 {
		changeDaily(t, repository, day)
		last = rotate(t, o)
		nextDay(o)
	}
	in := mustCycles(t, st)[0].Store
	day := in.Path("days", "fossology", last.Name)
	want := contents(t, day)
	for name := range want {
		for _, spoil := range []func() error{
			func() error { return os.Remove(day + "/" + name) },
			func() error {
				return os.WriteFile(day+"/new", []byte("another"), 0o644)
			},
		} {
			if strings.HasPrefix(name, "database/") {
				continue
			}
			if err := spoil(); err != nil {
				t.Fatal(err)
			}
			if exists(day + "/new") {
				if err := os.Rename(day+"/new", day+"/"+name); err != nil {
					t.Fatal(err)
				}
			}
			r, err := verify.All(t.Context(), st, verify.ScrubOptions{}, nil)
			if err != nil || r.Counts[verify.DayIncomplete] != 1 || len(r.Counts) != 1 || r.Findings[0].Cycle != last.Cycle {
				t.Fatalf("%s: %+v, %v", name, r, err)
			}
			r, err = verify.All(t.Context(), st, verify.ScrubOptions{}, &verify.RepairOptions{Now: o.Now()})
			if err != nil || !r.Good() {
				t.Fatalf("%s: %+v, %v", name, r, err)
			}
			if diff := cmp.Diff(want, contents(t, day)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			nextDay(o) // another place for what is replaced
		}
	}
}
