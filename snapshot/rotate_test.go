package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
	"repotool/verify"
)

// rotating are options of the scheme rotating, with a clock that goes on by a day with
// each snapshot.
func rotating(st *store.Store, repository string, cycle string) *snapshot.RotateOptions {
	length, err := snapshot.ParseCycle(cycle)
	if err != nil {
		panic(err)
	}
	o := &snapshot.RotateOptions{TakeOptions: options(st, repository), Length: length, Check: checkAll}
	now := time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC) // a Sunday
	o.Now = func() time.Time { return now }
	o.Progress = new(snapshot.Progress)
	return o
}

// checkAll reads all of a new base.
func checkAll(ctx context.Context, st *store.Store) error {
	r, err := verify.Store(ctx, st, verify.ScrubOptions{})
	if err == nil && !r.Good() {
		err = fmt.Errorf("%v", r.Findings)
	}
	return err
}

// nextDay lets a day pass.
func nextDay(o *snapshot.RotateOptions) {
	next := o.Now().Add(24 * time.Hour)
	o.Now = func() time.Time { return next }
}

func rotate(t testing.TB, o *snapshot.RotateOptions) *snapshot.Summary {
	t.Helper()
	s, err := snapshot.Rotate(t.Context(), *o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// bases are the names of the cycles of a store.
func bases(t testing.TB, st *store.Store) (names []string) {
	t.Helper()
	cycles, err := snapshot.Cycles(st, "fossology")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cycles {
		names = append(names, c.Base)
	}
	return names
}

// changeDaily makes the changes of a day in a repository of few files.
func changeDaily(t testing.TB, repository string, day int) {
	t.Helper()
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	odd := filepath.Join(repository, "localhost", "logs", "it's odd")
	switch day {
	case 0:
		keep(t, repository, "always there")
		write(t, filepath.Join(odd, "log"), "first")
		write(t, filepath.Join(odd, "goes"), "goes on the second day")
		write(t, filepath.Join(odd, "was/a/directory"), "in a directory")
		write(t, filepath.Join(odd, "was-a-file"), "a file")
		write(t, filepath.Join(odd, "empty"), "")
		do(os.Symlink("log", filepath.Join(odd, "link")))
	case 1:
		write(t, filepath.Join(odd, "log"), "second, which is longer")
		do(os.Remove(filepath.Join(odd, "goes")))
		do(os.RemoveAll(filepath.Join(odd, "was")))
		write(t, filepath.Join(odd, "was"), "a file now")
		do(os.Remove(filepath.Join(odd, "was-a-file")))
		write(t, filepath.Join(odd, "was-a-file/now"), "in a directory now")
	case 2:
		do(os.Remove(filepath.Join(odd, "link")))
		write(t, filepath.Join(odd, "link"), "no link any more")
		write(t, filepath.Join(odd, "goes"), "is there again")
		write(t, filepath.Join(odd, "name\nof two lines"), "x")
	case 3:
		do(os.Remove(filepath.Join(odd, "link")))
		do(os.Symlink("goes", filepath.Join(odd, "link")))
		do(os.Remove(filepath.Join(odd, "log")))
		do(os.Remove(filepath.Join(odd, "name\nof two lines")))
	}
	for i := range 5 {
		keep(t, repository, fmt.Sprint("new on day ", day, ", file ", i))
	}
	if day > 0 {
		do(os.Remove(pathOf(repository, nameOf(fmt.Sprint("new on day ", day-1, ", file 0")))))
	}
	write(t, filepath.Join(repository, "localhost", "gold", "notes", "n"), fmt.Sprint(day))
}

// Every day of a cycle comes back by its RESTORE.txt, executed as it stands, and by
// Restore; it holds what changed and no more.
func TestRotateByHand(t *testing.T) {
	repotest.Tool(t, "zstd")
	for _, layout := range []snapshot.Layout{snapshot.LayoutFlat, snapshot.LayoutNative} {
		t.Run(string(layout), func(t *testing.T) {
			st, repository := repotest.Store(t), filepath.Join(t.TempDir(), "the repository")
			o := rotating(st, repository, "5")
			o.Layout = layout
			var states []map[string]string
			var taken []*snapshot.Summary
			for day := range 5 {
				changeDaily(t, repository, day)
				states = append(states, contents(t, repository))
				taken = append(taken, rotate(t, o))
				nextDay(o)
			}
			if got := bases(t, st); !cmp.Equal(got, []string{taken[0].Name}) {
				t.Fatalf("cycles: %v", got)
			}
			for day, s := range taken {
				dir := st.Path("cycles", "fossology", taken[0].Name, "days", "fossology", s.Name)
				to := filepath.Join(t.TempDir(), "re stored")
				out := runRestoreText(t, dir, "REPO="+to)
				if strings.Contains(out, "NEEDED") || strings.Contains(out, "NOT COPIED") {
					t.Errorf("it says %s", out)
				}
				if diff := cmp.Diff(states[day], contents(t, to)); diff != "" {
					t.Errorf("day %d by hand (-want +got):\n%s", day, diff)
				}
				to = filepath.Join(t.TempDir(), "again")
				restore(t, find(t, st, s.Name), snapshot.RestoreOptions{To: to})
				if diff := cmp.Diff(states[day], contents(t, to)); diff != "" {
					t.Errorf("day %d by repotool (-want +got):\n%s", day, diff)
				}
				if day > 0 {
					if files := len(contents(t, dir)); files > 5+1+3+2 { // new, notes, odd, and its own
						t.Errorf("day %d has %d files", day, files)
					}
				}
			}
			if err := checkAll(t.Context(), st); err != nil {
				t.Error(err)
			}
			for _, c := range mustCycles(t, st) {
				if err := checkAll(t.Context(), c.Store); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func mustCycles(t testing.TB, st *store.Store) []snapshot.Cycle {
	t.Helper()
	cycles, err := snapshot.Cycles(st, "fossology")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cycles {
		if c.Err != nil {
			t.Fatal(c.Err)
		}
	}
	return cycles
}

// contents are the files and links below a directory, with their bytes. Directories do not
// count: a cycle's days keep none that are empty.
func contents(t testing.TB, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(root, path)
		if d.Type() == fs.ModeSymlink {
			to, err := os.Readlink(path)
			all[name] = "-> " + to
			return err
		}
		b, err := os.ReadFile(path)
		all[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A new base is copied and hashed again: it shares no inode with the one before. It is
// checked before the old one goes, which then goes whole.
func TestRotateBase(t *testing.T) {
	st, repository := repotest.Store(t), t.TempDir()
	o := rotating(st, repository, "3")
	var first string
	var before map[string]uint64
	for day := range 4 {
		changeDaily(t, repository, day)
		if day == 3 {
			before = inodesBelow(t, st.Path("cycles"))
			o.Check = func(ctx context.Context, in *store.Store) error {
				if got := bases(t, st); !cmp.Equal(got, []string{first}) {
					t.Errorf("while the new base is checked, there are %v", got)
				}
				return checkAll(ctx, in)
			}
			keepOpen(t, st)
		}
		s := rotate(t, o)
		switch day {
		case 0:
			first = s.Name
			if s.Rotation.NewBase == "" || s.Cycle != s.Name {
				t.Errorf("%+v", s)
			}
		case 1, 2:
			if s.Rotation.NewBase != "" || s.Cycle != first || s.Read.Files > 12 {
				t.Errorf("day %d: %+v", day, s)
			}
		case 3:
			if s.Rotation.NewBase == "" || s.Cycle != s.Name || s.Read.Files != s.Files || !cmp.Equal(s.Rotation.Removed, []string{first}) {
				t.Errorf("%+v, %+v", s, s.Rotation)
			}
			if got := bases(t, st); !cmp.Equal(got, []string{s.Name}) {
				t.Errorf("then there are %v", got)
			}
		}
		nextDay(o)
	}
	old := map[uint64]bool{}
	for _, n := range before {
		old[n] = true
	}
	for name, n := range inodesBelow(t, st.Path("cycles")) {
		if old[n] {
			t.Errorf("%s is an inode of the old cycle", name)
		}
	}
	if left := entriesIn(t, st.Path("trash")); len(left) > 0 {
		t.Errorf("in trash: %v", left)
	}
}

// inodesBelow are the inodes of all files below a directory.
func inodesBelow(t testing.TB, dir string) map[string]uint64 {
	t.Helper()
	all := map[string]uint64{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			all[path] = info.Sys().(*syscall.Stat_t).Ino
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// keepOpen holds all files of a store open until the end of the test, so that no inode
// number is given away again.
func keepOpen(t testing.TB, st *store.Store) {
	t.Helper()
	err := filepath.WalkDir(st.Dir(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err == nil {
			t.Cleanup(func() { f.Close() })
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A base that is not good is removed; the old cycle stays as it was, and the next run tries
// again.
func TestRotateBadBase(t *testing.T) {
	st, repository := repotest.Store(t), t.TempDir()
	o := rotating(st, repository, "1")
	changeDaily(t, repository, 0)
	first := rotate(t, o)
	before := tree(t, st.Path("cycles"), false)
	nextDay(o)
	o.Check = func(ctx context.Context, in *store.Store) error {
		rot(t, filepath.Join(in.Dir(), strings.TrimPrefix(objectAt(st, "always there"), st.Dir()+"/")))
		return checkAll(ctx, in)
	}
	_, err := snapshot.Rotate(t.Context(), *o)
	var bad *snapshot.BaseError
	if !errors.As(err, &bad) {
		t.Fatalf("%v", err)
	}
	compareTrees(t, before, tree(t, st.Path("cycles"), false))
	o.Check = checkAll
	second := rotate(t, o)
	if !cmp.Equal(second.Rotation.Removed, []string{first.Name}) {
		t.Errorf("%+v", second.Rotation)
	}
}

// A file that went bad in the repository is not in the new base: the old cycle, which has
// it, stays, through bases that follow, until one has it again.
func TestRotateKeepsTheLastGoodCopy(t *testing.T) {
	st, repository := repotest.Store(t), t.TempDir()
	o := rotating(st, repository, "2")
	changeDaily(t, repository, 0)
	path := pathOf(repository, nameOf("always there"))
	first := rotate(t, o)
	nextDay(o)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, "always thorn")
	o.FullScan, o.Detect = true, snapshot.DetectRead
	if s := rotate(t, o); s.Damage() == "" || s.Rotation.NewBase != "" { // the old cycle's last day sees it, too
		t.Fatalf("%+v", s)
	}
	for range 3 {
		nextDay(o)
		s := rotate(t, o)
		if s.Damage() == "" || len(s.Rotation.Removed) > 1 || s.Rotation.NewBase != "" && !slices.ContainsFunc(s.Rotation.Kept, func(k snapshot.KeptCycle) bool { return k.Base == first.Name }) {
			t.Fatalf("%+v, %+v", s.FindingCount, s.Rotation)
		}
		if got := bases(t, st); got[0] != first.Name || len(got) != 2 {
			t.Fatalf("cycles: %v", got)
		}
	}
	to := t.TempDir()
	restore(t, find(t, st, first.Name), snapshot.RestoreOptions{To: to})
	if b, err := os.ReadFile(pathOf(to, nameOf("always there"))); err != nil || string(b) != string(good) {
		t.Errorf("%q, %v", b, err)
	}
	write(t, path, string(good))
	nextDay(o)
	s := rotate(t, o)
	if got := bases(t, st); !cmp.Equal(got, []string{s.Cycle}) || s.Damage() != "" {
		t.Errorf("then there are %v, %v, %+v", got, s.FindingCount, s.Rotation)
	}
}

// A repository that is not mounted costs nothing.
func TestRotateManyGone(t *testing.T) {
	st, repository := repotest.Store(t), t.TempDir()
	o := rotating(st, repository, "1")
	for i := range 200 {
		keep(t, repository, fmt.Sprint(i))
	}
	first := rotate(t, o)
	nextDay(o)
	if err := os.RemoveAll(filepath.Join(repository, "localhost")); err != nil {
		t.Fatal(err)
	}
	keep(t, repository, "1")
	s := rotate(t, o)
	if s.FindingCount[snapshot.ManyGone] != 1 || len(s.Rotation.Kept) != 1 || bases(t, st)[0] != first.Name {
		t.Errorf("%v, %+v", s.FindingCount, s.Rotation)
	}
}

// A cycle that is read, or pinned, stays until it is free.
func TestRotateWanted(t *testing.T) {
	st, repository := repotest.Store(t), t.TempDir()
	o := rotating(st, repository, "1")
	changeDaily(t, repository, 0)
	first := rotate(t, o)
	held := find(t, st, first.Name)
	lease, err := held.Hold(t.Context(), "a long restore")
	if err != nil {
		t.Fatal(err)
	}
	nextDay(o)
	if s := rotate(t, o); len(s.Rotation.Kept) != 1 || !strings.Contains(s.Rotation.Kept[0].Why, "a long restore") {
		t.Errorf("%+v", s.Rotation)
	}
	if err := errors.Join(lease.Release(), held.Pin(t.Context(), snapshot.Pin{Note: "evidence"})); err != nil {
		t.Fatal(err)
	}
	nextDay(o)
	s := rotate(t, o)
	if len(s.Rotation.Kept) != 1 || !strings.Contains(s.Rotation.Kept[0].Why, "pinned") || len(s.Rotation.Removed) != 1 {
		t.Errorf("%+v", s.Rotation)
	}
	if _, err := held.Unpin(); err != nil {
		t.Fatal(err)
	}
	nextDay(o)
	if s := rotate(t, o); len(s.Rotation.Removed) != 2 || len(bases(t, st)) != 1 {
		t.Errorf("%+v, %v", s.Rotation, bases(t, st))
	}
	if _, err := held.Hold(t.Context(), "late"); !errors.Is(err, snapshot.ErrNoSnapshot) {
		t.Errorf("a snapshot of a cycle that is gone: %v", err)
	}
}

// Both schemes go on side by side; names are in the order of time, and latest is the
// newest of both.
func TestRotateBesideLinked(t *testing.T) {
	st, repository := repotest.Store(t), t.TempDir()
	o := rotating(st, repository, "3")
	var want []string
	for day := range 4 {
		changeDaily(t, repository, day)
		linked := take(t, o.TakeOptions) // in the same second
		s := rotate(t, o)
		if s.Name <= linked.Name {
			t.Errorf("%s is not behind %s", s.Name, linked.Name)
		}
		if latest := find(t, st, "latest"); latest.Name() != s.Name || latest.Store == st {
			t.Errorf("latest is %s, not %s", latest.Name(), s.Name)
		}
		if latest := find(t, st, "latest~1"); latest.Name() != linked.Name || latest.Store != st {
			t.Errorf("latest~1 is %s, not %s", latest.Name(), linked.Name)
		}
		if want = append(want, linked.Name); day == 3 {
			want = append(want, s.Name)
		}
		nextDay(o)
	}
	list, err := snapshot.List(st, "fossology")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range list {
		got = append(got, x.Name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// Neither is touched by what is done with the other.
	if _, _, err := snapshot.Forget(t.Context(), st, "fossology", want[:3]); err != nil {
		t.Fatal(err)
	}
	collect(t, st, snapshot.CollectOptions{})
	collect(t, st, snapshot.CollectOptions{})
	if err := errors.Join(checkAll(t.Context(), st), checkAll(t.Context(), mustCycles(t, st)[0].Store)); err != nil {
		t.Error(err)
	}
}

// A rotten object spoils one cycle only, and a cycle whose days are broken is followed by a
// new base.
func TestRotateBrokenCycle(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(t testing.TB, c snapshot.Cycle, last string)
		why   string
	}{
		{"no day", func(t testing.TB, c snapshot.Cycle, last string) {
			if err := os.RemoveAll(c.Store.Path("days", "fossology", last)); err != nil {
				t.Fatal(err)
			}
		}, "is not there"},
		{"no manifest", func(t testing.TB, c snapshot.Cycle, last string) {
			damage(t, c.Store.Path("snapshots", "fossology", last, "manifest"))
		}, "cannot be read"},
		{"no store", func(t testing.TB, c snapshot.Cycle, last string) {
			if err := os.Remove(c.Store.Path("store.json")); err != nil {
				t.Fatal(err)
			}
		}, "cannot be opened"},
	} {
		t.Run(test.name, func(t *testing.T) {
			st, repository := repotest.Store(t), t.TempDir()
			o := rotating(st, repository, "9")
			changeDaily(t, repository, 0)
			rotate(t, o)
			nextDay(o)
			changeDaily(t, repository, 1)
			last := rotate(t, o)
			nextDay(o)
			test.spoil(t, mustCycles(t, st)[0], last.Name)
			if s := rotate(t, o); !strings.Contains(s.Rotation.NewBase, test.why) || s.Read.Files != s.Files {
				t.Errorf("%+v, %+v", s, s.Rotation)
			}
		})
	}
}

func TestCycleLength(t *testing.T) {
	st, repository := repotest.Store(t), t.TempDir()
	keep(t, repository, "x")
	o := rotating(st, repository, "tue") // the first snapshot is on a Sunday
	var got []string
	for range 17 {
		if s := rotate(t, o); s.Rotation.NewBase != "" {
			got = append(got, o.Now().Format("Mon 02"))
		}
		nextDay(o)
		if o.Now().Day() == 10 {
			nextDay(o) // no snapshot on that Tuesday
		}
	}
	if diff := cmp.Diff([]string{"Sun 01", "Tue 03", "Wed 11", "Tue 17"}, got); diff != "" {
		t.Error(diff)
	}
	// A base that is from the future does not last until then.
	later := o.Now().AddDate(10, 0, 0)
	ahead := rotating(repotest.Store(t), repository, "tue")
	ahead.Now = func() time.Time { return later }
	rotate(t, ahead)
	bases := 0
	for ahead.Now = o.Now; ahead.Now().Before(o.Now().AddDate(0, 0, 14)); nextDay(ahead) {
		if rotate(t, ahead).Rotation.NewBase != "" {
			bases++
		}
	}
	if bases != 2 {
		t.Errorf("in a fortnight after a base from the future: %d bases", bases)
	}
	for _, v := range []string{"", "0", "-1", "someday", "7 days"} {
		if l, err := snapshot.ParseCycle(v); err == nil {
			t.Errorf("%q is %v", v, l)
		}
	}
	for v, want := range map[string]string{"7": "7", "Sunday": "sunday", "wed": "wednesday"} {
		if l, err := snapshot.ParseCycle(v); err != nil || l.String() != want {
			t.Errorf("%q is %v, %v", v, l, err)
		}
	}
}

// A base that does not fit beside the old cycle leaves all room as it was.
func TestRotateNoRoom(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may mount a small file system; CI does")
	}
	disk := repotest.FileSystem(t, 300<<20, "mkfs.ext4")
	st, err := store.Init(t.Context(), filepath.Join(disk, "store"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	repository := t.TempDir()
	large := make([]byte, 150<<20)
	for i := range large {
		large[i] = byte(i * i >> 7)
	}
	keep(t, repository, string(large))
	keep(t, repository, "small")
	o := rotating(st, repository, "1")
	first := rotate(t, o)
	before := tree(t, st.Path("cycles"), false)
	nextDay(o)
	_, err = snapshot.Rotate(t.Context(), *o)
	var room *snapshot.RoomError
	if !errors.As(err, &room) || room.Hint() == "" {
		t.Fatalf("%v", err)
	}
	compareTrees(t, before, tree(t, st.Path("cycles"), false))
	if free, _, err := store.Free(disk); err != nil || free < 100<<20 {
		t.Errorf("%d bytes are free, %v", free, err)
	}
	if got := bases(t, st); !cmp.Equal(got, []string{first.Name}) {
		t.Errorf("cycles: %v", got)
	}
}
