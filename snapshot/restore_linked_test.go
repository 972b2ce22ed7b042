package snapshot_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repotool/repotest"
	"repotool/snapshot"
)

// A link to a directory in the target is not followed: what it leads to stays as
// it is, and what belongs there is in the way of. A file that has a further name
// elsewhere is restored there, with its own bytes.
func TestRestoreFollowsNoLink(t *testing.T) {
	repository, st := repotest.Repository(t), repotest.Store(t)
	write(t, filepath.Join(repository, "localhost", "gold", "deep", "one"), "one")
	if err := os.Link(filepath.Join(repository, "localhost", "gold", "deep", "one"), filepath.Join(repository, "localhost", "two")); err != nil {
		t.Fatal(err)
	}
	take(t, options(st, repository))
	to, victim := t.TempDir(), t.TempDir()
	write(t, filepath.Join(victim, "deep", "one"), "not one")
	if err := os.Chmod(victim, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(to, "localhost"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(to, "localhost", "gold")); err != nil {
		t.Fatal(err)
	}
	gold := int64(0)
	want := tree(t, repository, true)
	for path := range want {
		if strings.HasPrefix(path, "localhost/gold/") {
			delete(want, path)
		}
	}
	for path := range held(t, find(t, st, "latest")) {
		if strings.HasPrefix(path, "localhost/gold/") {
			gold++
		}
	}
	before := tree(t, victim, true)
	for _, plan := range []bool{true, false, false} {
		o := snapshot.RestoreOptions{To: to, Plan: plan, Findings: new(snapshot.Findings)}
		r := restore(t, find(t, st, "latest"), o)
		if n := o.Findings.Counts()[snapshot.InTheWay]; n < gold || r.Kept+r.Written+r.Replaced != r.Files-gold {
			t.Errorf("plan %v: %d in the way, want %d: %+v", plan, n, gold, r)
		}
	}
	compareTrees(t, before, tree(t, victim, true))
	if info, err := os.Stat(victim); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("what the link leads to: %v, %v", info, err)
	}
	got := tree(t, to, true)
	delete(got, "localhost/gold")
	compareTrees(t, withoutLinkLines(want), withoutLinkLines(got))
}

// A plain file in the place of a directory ends no restore.
func TestRestoreFileForDirectory(t *testing.T) {
	repository, st := t.TempDir(), repotest.Store(t)
	keep(t, repository, "good")
	if err := os.MkdirAll(filepath.Join(repository, "localhost", "gold", "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	take(t, options(st, repository))
	to := t.TempDir()
	write(t, filepath.Join(to, "localhost", "gold"), "a file")
	o := snapshot.RestoreOptions{To: to, Findings: new(snapshot.Findings)}
	r := restore(t, find(t, st, "latest"), o)
	if r.Written != 1 || o.Findings.Counts()[snapshot.InTheWay] != 2 {
		t.Errorf("%+v, %v", r, o.Findings.First())
	}
}
