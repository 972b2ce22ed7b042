package snapshot_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
)

// A store in the repository, or the other way round, would be taken up by each of
// its own snapshots.
func TestTakeNested(t *testing.T) {
	repository := t.TempDir()
	keep(t, repository, "good")
	within, err := store.Init(t.Context(), filepath.Join(repository, "backup", "store"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer within.Close()
	around := repotest.Store(t)
	inside := around.Path("tmp", "repository")
	keep(t, inside, "good")
	for _, o := range []snapshot.TakeOptions{options(within, repository), options(around, inside)} {
		var nested *store.NestedError
		if _, err := snapshot.Take(t.Context(), o); !errors.As(err, &nested) || nested.Hint() == "" {
			t.Errorf("%s with store %s: %v", o.Repository, o.Store.Dir(), err)
		}
	}
}

// A restore never writes into the store, and not around it either; not even a
// directory is made.
func TestRestoreNested(t *testing.T) {
	repository, st := t.TempDir(), repotest.Store(t)
	keep(t, repository, "good")
	s := take(t, options(st, repository))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(st.Path("days"), link); err != nil {
		t.Fatal(err)
	}
	before := tree(t, st.Dir(), true)
	for _, to := range []string{st.Dir(), st.Path("objects"), st.Path("days", "new"), st.Path("days", "fossology", s.Name),
		link, filepath.Join(link, "new"), filepath.Dir(st.Dir())} {
		for _, plan := range []bool{false, true} {
			var nested *store.NestedError
			o := snapshot.RestoreOptions{To: to, Plan: plan}
			if _, err := find(t, st, "latest").Restore(t.Context(), o); !errors.As(err, &nested) {
				t.Errorf("to %s, plan %v: %v", to, plan, err)
			}
		}
	}
	compareTrees(t, before, tree(t, st.Dir(), true))
}

// A target that shares files with the store, as a day that was copied with cp -l
// does, gets files of its own: the objects and the day stay as they were. That
// holds for objects that have a new inode since, and for empty files.
func TestRestoreOverLinks(t *testing.T) {
	repository, st := repotest.Repository(t), repotest.Store(t)
	write(t, filepath.Join(repository, "localhost", "files", "empty"), "")
	o := options(st, repository)
	o.Layout = snapshot.LayoutNative
	s := take(t, o)
	to := filepath.Join(filepath.Dir(st.Dir()), "linked")
	if out, err := exec.Command(repotest.Tool(t, "cp"), "-al", st.Path("days", "fossology", s.Name), to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var one snapshot.Entry
	for _, e := range held(t, find(t, st, "latest")) {
		if !e.Object.IsZero() {
			one = e
		}
	}
	object := st.Path("objects", one.Object.String()[:2], one.Object.String())
	b, err := os.ReadFile(object)
	if err == nil {
		err = errors.Join(os.Remove(object), os.WriteFile(object, b, 0o444))
	}
	if err != nil {
		t.Fatal(err)
	}
	day := tree(t, st.Dir(), true)
	plan := restore(t, find(t, st, "latest"), snapshot.RestoreOptions{To: to, Plan: true})
	r := restore(t, find(t, st, "latest"), snapshot.RestoreOptions{To: to})
	if r.Replaced == 0 || plan.Replaced == 0 {
		t.Errorf("replaced %d, in the plan %d", r.Replaced, plan.Replaced)
	}
	compareTrees(t, day, tree(t, st.Dir(), true))
	restored := filepath.Join(t.TempDir(), "restored")
	restore(t, find(t, st, "latest"), snapshot.RestoreOptions{To: restored})
	want, got := tree(t, restored, true), tree(t, to, true)
	for path := range want {
		if strings.HasSuffix(path, "/") { // directories that are there keep their mode
			delete(want, path)
		}
	}
	for path := range got {
		if want[path] == "" { // a directory, or of the day alone
			delete(got, path)
		}
	}
	compareTrees(t, want, got)
	if r := restore(t, find(t, st, "latest"), snapshot.RestoreOptions{To: to}); r.Kept != r.Files {
		t.Errorf("a second restore: %+v", r)
	}
}
