package fossology_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"testing"
	"time"

	"repotool/fossology"
)

// What is known of an earlier walk may be stale the next moment. The tree is
// changed here between two walks, or in the middle of the second one: when it
// asks for a directory that was known. Whatever it meets, each path comes once
// and in order.
func TestWalkStale(t *testing.T) {
	remove := func(names ...string) func(string) error {
		return func(root string) (err error) {
			for _, name := range names {
				err = errors.Join(err, os.RemoveAll(filepath.Join(root, name)))
			}
			return err
		}
	}
	file := func(name string) func(string) error {
		return func(root string) error {
			name := filepath.Join(root, name)
			return errors.Join(os.RemoveAll(name), os.WriteFile(name, nil, 0o644))
		}
	}
	for _, test := range []struct {
		name   string
		at     string // known directory; "": before the walk
		change func(root string) error
		gone   string
	}{
		{"nothing", "", func(string) error { return nil }, ""},
		{"last children", "", remove("logs/99/m5", "logs/99/m7"), "logs/99/m5"},
		{"all children", "", remove("logs/99/m1", "logs/99/m5", "logs/99/m7"), "logs/99/m1"},
		{"last children meanwhile", "logs/99/m1", remove("logs/99/m5", "logs/99/m7"), "logs/99/m5"},
		{"parent meanwhile", "logs/99", remove("logs/99"), "logs/99"},
		{"parent, seen unchanged", "logs/99/m1", remove("logs/99"), "logs/99"},
		{"parent becomes a file", "logs/99", file("logs/99"), "logs/99/m1"},
		{"grandparent", "logs/99", remove("logs"), "logs/99"},
		{"deep", "host/files/aa", remove("host/files/aa/bb/cc", "host/files/aa/bb/dd"), "host/files/aa/bb/cc"},
		{"all of a host", "host/files/aa", remove("host"), "host/files/aa"},
		{"everything", "host", remove("host", "logs", "zz"), "logs"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			for _, dir := range []string{"host/files/aa/bb/cc", "host/files/aa/bb/dd", "host/files/ee/ff/11", "host/gold/aa/bb/cc",
				"logs/98/m1", "logs/99/m1", "logs/99/m5", "logs/99/m7", "logs/99/m7/deep/er", "zz/1/2"} {
				if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(root, dir, "file"), nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			long := fossology.WalkOptions{Start: time.Now().Add(time.Hour)} // so that all is trusted
			var known []fossology.Dir
			for _, e := range ordered(t, root, long) {
				if e.Kind == fossology.DirRead {
					known = append(known, fossology.Dir{Path: e.Path, Signature: e.Known})
				}
			}
			if test.at == "" {
				if err := test.change(root); err != nil {
					t.Fatal(err)
				}
			}
			long.Known = changing(known, test.at, func() {
				if err := test.change(root); err != nil {
					t.Error(err)
				}
			})
			met := map[string]bool{}
			for _, e := range ordered(t, root, long) {
				met[e.Path] = true
			}
			for _, e := range ordered(t, root, fossology.WalkOptions{}) {
				if e.Kind == fossology.DirRead && !met[e.Path] {
					t.Errorf("%q was not met", e.Path)
				}
			}
			if test.gone != "" && test.at == "" && met[test.gone] {
				t.Errorf("%q was met, and is gone", test.gone)
			}
		})
	}
}

// changing yields known directories, and changes the tree before one of them.
func changing(known []fossology.Dir, at string, change func()) iter.Seq[fossology.Dir] {
	return func(yield func(fossology.Dir) bool) {
		for _, d := range known {
			if at != "" && d.Path == at {
				change()
			}
			if !yield(d) {
				return
			}
		}
	}
}

// ordered is a walk to its end, whose paths must come in order, each once.
func ordered(t *testing.T, root string, o fossology.WalkOptions) (events []fossology.Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for e, err := range fossology.Walk(ctx, root, o) {
		if err != nil {
			t.Fatal(err)
		}
		if n := len(events); n > 0 && fossology.ComparePaths(events[n-1].Path, e.Path) >= 0 {
			t.Fatalf("%q comes behind %q", e.Path, events[n-1].Path)
		}
		events = append(events, e)
	}
	return events
}
