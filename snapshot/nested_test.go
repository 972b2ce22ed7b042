package snapshot_test

import (
	"errors"
	"os"
	"path/filepath"
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
