package snapshot_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
)

// hostOf is the path of a content of localhost on another host.
func hostOf(path, host string) string { return strings.Replace(path, "/localhost/", "/"+host+"/", 1) }

// linkTo makes a hard link, with the directories that it needs.
func linkTo(t testing.TB, old, name string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.Link(old, name)); err != nil {
		t.Fatal(err)
	}
}

// Files that were links to each other come back as links, also if some of them are
// there; and owner, mode and time of what is there are put right.
func TestRebuildLinks(t *testing.T) {
	repository, st, a := t.TempDir(), repotest.Store(t), newArchives()
	a.gold(t, repository, "one", "first", "second")
	first := pathOf(repository, nameOf("first"))
	for _, host := range []string{"alpha", "zeta"} {
		linkTo(t, first, hostOf(first, host))
	}
	if err := errors.Join(os.Chmod(first, 0o2640), os.Chown(first, 1234, 4321), os.Chtimes(first, time.Time{}, time.Unix(1e9, 123))); err != nil {
		t.Fatal(err)
	}
	want := tree(t, repository, true)
	take(t, golden(st, repository, a))
	s := find(t, st, "latest")
	if n := leftOut(t, s, false); n != 4 {
		t.Fatalf("%d left out", n)
	}
	to, _, r := rebuilt(t, s, a)
	if r.Wanted.Files != 4 || r.Rebuilt != r.Wanted || r.Linked != 2 || r.Lost != 0 {
		t.Errorf("%+v", *r)
	}
	compareTrees(t, want, tree(t, to, true))
	restored := pathOf(to, nameOf("first"))
	for _, spoil := range []func() error{
		func() error { return os.Remove(hostOf(restored, "alpha")) }, // which the others were linked to
		func() error { return os.Remove(restored) },
		func() error { return os.Chmod(pathOf(to, nameOf("second")), 0o600) },
		func() error {
			return errors.Join(os.Remove(restored), os.WriteFile(restored, []byte("other"), 0o644))
		},
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if r, err := s.Rebuild(t.Context(), snapshotTo(to), a); err != nil || r.Lost != 0 {
			t.Errorf("%+v, %v", r, err)
		}
		compareTrees(t, want, tree(t, to, true))
	}
	if r, err := s.Rebuild(t.Context(), snapshotTo(to), a); err != nil || r.Wanted.Files != 0 {
		t.Errorf("all is there: %+v, %v", r, err)
	}
}

// A link to a file that does not come back is a finding, as that is.
func TestRebuildLostLinks(t *testing.T) {
	repository, st, a := t.TempDir(), repotest.Store(t), newArchives()
	a.gold(t, repository, "one", "first")
	n := nameOf("claimed")
	keep(t, repository, "claimed")
	a.makers[n], a.sums[n] = a.makers[nameOf("first")], store.Sum([]byte("claimed"))
	linkTo(t, pathOf(repository, n), hostOf(pathOf(repository, n), "zeta"))
	take(t, golden(st, repository, a))
	o := snapshotTo(t.TempDir())
	r, err := find(t, st, "latest").Rebuild(t.Context(), o, a)
	if err != nil || r.Wanted.Files != 3 || r.Rebuilt.Files != 1 || r.Lost != 2 || o.Findings.Counts()[snapshot.NotRebuilt] != 2 {
		t.Errorf("%+v, %v, %v", r, err, o.Findings.First())
	}
}

// A further name whose bytes stand there is not lost with the first; it gets what else it
// had.
func TestRebuildLostFirstName(t *testing.T) {
	repository, st, a := t.TempDir(), repotest.Store(t), newArchives()
	a.gold(t, repository, "one", "first")
	n := nameOf("claimed")
	keep(t, repository, "claimed")
	a.makers[n], a.sums[n] = a.makers[nameOf("first")], store.Sum([]byte("claimed"))
	last := hostOf(pathOf(repository, n), "zeta")
	linkTo(t, pathOf(repository, n), last)
	take(t, golden(st, repository, a))
	o := snapshotTo(t.TempDir())
	write(t, hostOf(pathOf(o.To, n), "zeta"), "claimed")
	r, err := find(t, st, "latest").Rebuild(t.Context(), o, a)
	if err != nil || r.Wanted.Files != 2 || r.Rebuilt.Files != 1 || r.Lost != 1 || o.Findings.Counts()[snapshot.NotRebuilt] != 1 {
		t.Errorf("%+v, %v, %v", r, err, o.Findings.First())
	}
	want, err := os.Stat(last)
	got, e := os.Stat(hostOf(pathOf(o.To, n), "zeta"))
	if err := errors.Join(err, e); err != nil || !got.ModTime().Equal(want.ModTime()) || got.Mode() != want.Mode() {
		t.Errorf("%v; got %v, want %v", err, got, want)
	}
}

// A file that has something in its way is told of, and did not come back.
func TestRebuildInTheWay(t *testing.T) {
	repository, st, a := t.TempDir(), repotest.Store(t), newArchives()
	a.gold(t, repository, "one", "first", "second")
	take(t, golden(st, repository, a))
	o := snapshotTo(t.TempDir())
	write(t, filepath.Join(pathOf(o.To, nameOf("first")), "of somebody"), "else")
	r, err := find(t, st, "latest").Rebuild(t.Context(), o, a)
	if err != nil || r.Wanted.Files != 2 || r.Rebuilt.Files != 1 || r.Lost != 1 || o.Findings.Counts()[snapshot.InTheWay] != 1 {
		t.Errorf("%+v, %v, %v", r, err, o.Findings.First())
	}
}

// Gold is taken from where it was restored, and from the store if it is not there, or
// is not what it was.
func TestRebuildFromEitherGold(t *testing.T) {
	repository, st, a := t.TempDir(), repotest.Store(t), newArchives()
	gold := a.gold(t, repository, "one", "first", "second")
	want := tree(t, repository, true)
	take(t, golden(st, repository, a))
	s := find(t, st, "latest")
	b, err := os.ReadFile(gold)
	if err != nil {
		t.Fatal(err)
	}
	inTarget := func(to string) string {
		rel, _ := filepath.Rel(repository, gold)
		return filepath.Join(to, rel)
	}
	for _, spoil := range []func(string) error{os.Remove, func(path string) error {
		return os.WriteFile(path, make([]byte, len(b)), 0o644) // a tar without members
	}} {
		o := snapshotTo(filepath.Join(t.TempDir(), "to"))
		restore(t, s, o)
		if err := spoil(inTarget(o.To)); err != nil {
			t.Fatal(err)
		}
		if r, err := s.Rebuild(t.Context(), o, a); err != nil || r.Rebuilt.Files != 2 || r.Lost != 0 {
			t.Errorf("from the store: %+v, %v", r, err)
		}
	}
	o := snapshotTo(filepath.Join(t.TempDir(), "to"))
	restore(t, s, o)
	h := store.Sum(b).String()
	if err := os.Remove(st.Path("objects", h[:2], h)); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Rebuild(t.Context(), o, a); err != nil || r.Rebuilt.Files != 2 || r.Lost != 0 {
		t.Errorf("from what was restored: %+v, %v", r, err)
	}
	compareTrees(t, want, tree(t, o.To, true))
	if r, err := s.Rebuild(t.Context(), snapshotTo(t.TempDir()), a); err != nil || r.Lost != 2 {
		t.Errorf("from nowhere: %+v, %v", r, err)
	}
}

// TestRebuildVictim is the process that TestRebuildKilled kills.
func TestRebuildVictim(t *testing.T) {
	dir, to := os.Getenv("VICTIM_REBUILD_STORE"), os.Getenv("VICTIM_REBUILD_TO")
	if dir == "" {
		return // run by itself it has nothing to do
	}
	st, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := find(t, st, "latest").Rebuild(t.Context(), snapshotTo(to), newArchives()); err != nil {
		t.Fatal(err)
	}
}

// filesBelow counts the files below a directory in which somebody works.
func filesBelow(dir string) (n int) {
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			n++
		}
		return nil
	})
	return n
}

// alive says whether a process that was started has not ended yet.
func alive(cmd *exec.Cmd) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, cmd.Process.Pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err == nil && info.Signo == 0
}

// A rebuild that is killed at any moment leaves nothing under a Name but its bytes, and
// the next one brings the rest.
func TestRebuildKilled(t *testing.T) {
	repository, st, a := t.TempDir(), repotest.Store(t), newArchives()
	for i := range victimGolds {
		a.gold(t, repository, victimGold(i), victimContents(i)...)
	}
	want := tree(t, repository, true)
	take(t, golden(st, repository, a))
	s := find(t, st, "latest")
	victim := func(to string) *exec.Cmd {
		return repotest.Again(t, "TestRebuildVictim", "VICTIM_REBUILD_STORE="+st.Dir(), "VICTIM_REBUILD_TO="+to)
	}
	killed, partly := 0, 0
	const rounds = 5
	for round := range rounds {
		o := snapshotTo(filepath.Join(t.TempDir(), "to"))
		restore(t, s, o)
		cmd := victim(o.To)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// It is slow or fast with what else the machine does, so no clock says when.
		for enough := victimGolds * victimFiles * round / rounds; filesBelow(o.To) < victimGolds+enough && alive(cmd); {
			time.Sleep(time.Millisecond)
		}
		cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
		r, err := s.Rebuild(t.Context(), o, a)
		if err != nil || r.Lost != 0 {
			t.Fatalf("the second run: %+v, %v", r, err)
		}
		if n := r.Wanted.Files; n > 0 && n < victimGolds*victimFiles {
			partly++
		}
		compareTrees(t, want, tree(t, o.To, true))
	}
	if killed < rounds/2 {
		t.Errorf("only %d runs were killed", killed)
	}
	t.Logf("%d of %d runs were killed, %d in the midst of the files", killed, rounds, partly)
}
