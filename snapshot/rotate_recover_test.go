package snapshot_test

import (
	"fmt"
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

// The database of each day of a cycle comes back by its RESTORE.txt, too; the dump of a day
// costs the cycle what is new in it.
func TestRotateDatabaseByHand(t *testing.T) {
	repotest.Tool(t, "zstd")
	dsn, pg := repotest.Fossology(t), repotest.Postgres(t)
	st, repository := repotest.Store(t), repotest.Repository(t)
	o := rotating(st, repository, "9")
	o.TakeOptions = dumping(t, o.TakeOptions, snapshot.DumpOptions{DSN: admin(t, dsn)})
	var taken []*snapshot.Summary
	var want []string
	var files []map[string]string
	for day := range 3 {
		pg.SQL(t, dbname(dsn), fmt.Sprintf("CREATE TABLE day_%d AS SELECT n FROM generate_series(1, 1000) n; UPDATE upload SET upload_desc = 'day %[1]d' WHERE upload_pk = 2", day))
		keep(t, repository, fmt.Sprint("day ", day))
		taken = append(taken, rotate(t, o))
		want = append(want, digest(t, dbname(dsn)))
		files = append(files, contents(t, repository))
		nextDay(o)
		if d := taken[day].Database; day > 0 && d.NewBytes >= taken[0].Database.NewBytes {
			t.Errorf("day %d: %+v", day, *d)
		}
	}
	for day, s := range taken {
		pg.SQL(t, "postgres", "DROP DATABASE "+dbname(dsn))
		to := t.TempDir()
		out := runRestoreText(t, st.Path(s.DayDir()), "PGHOST="+pg.Host, fmt.Sprintf("PGPORT=%d", pg.Port), "PGUSER=postgres", "PGPASSWORD="+pg.Password,
			"PATH="+pg.Bin+":"+os.Getenv("PATH"), "REPO="+to)
		if strings.Contains(out, "MISSING") || strings.Contains(out, "NEEDED") || strings.Contains(out, "NOT COPIED") {
			t.Errorf("it says %s", out)
		}
		if got := digest(t, dbname(dsn)); got != want[day] {
			t.Errorf("day %d: the database differs", day)
		}
		maps.DeleteFunc(files[day], func(name, _ string) bool { // of agents at work
			return strings.Contains(name, "/ununpack/") || strings.Contains(name, "/wget/") || strings.HasSuffix(name, ".I")
		})
		if got := contents(t, to); !maps.Equal(files[day], got) {
			t.Errorf("day %d: %d files, want %d, or not the same", day, len(got), len(files[day]))
		}
	}
}
