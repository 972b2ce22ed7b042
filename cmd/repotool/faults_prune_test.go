package main

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repotool/repotest"
)

// prunable is a world of gold in which nothing keeps files from being pruned.
func prunable(t *testing.T) *faultWorld {
	w := goldFaults(t)
	w.nothingHolds()
	return w
}

// nothingHolds has no job wait, and all that is proven in a snapshot.
func (w *faultWorld) nothingHolds() {
	_, name, _ := strings.Cut(w.dsn, "dbname=")
	repotest.Postgres(w.t).SQL(w.t, strings.Fields(name)[0], "UPDATE jobqueue SET jq_endtime = now(), jq_end_bits = 1 WHERE jq_endtime IS NULL")
	w.index(w.t)
	repotoolEnds(w.t, "snapshot", "--quiesce", "none")
}

// pruneJob removes all that gold makes. After a power cut, too, gold is whole, nothing wrong
// stands under a Name, and the journal knows all that is gone.
func pruneJob() faultJob {
	var want, gold map[string]string
	return faultJob{name: "prune", damaged: true, many: true,
		prepare: func(w *faultWorld) {
			w.fillWithGold(w.t)
			w.nothingHolds()
			want, gold = w.derived(), contents(w.t, filepath.Join(w.repository, "localhost", "gold"))
		},
		args: func(*faultWorld) []string { return []string{"prune", "--level", "derived", "--execute"} },
		again: func(w *faultWorld) []string {
			if len(w.derived()) == len(want) && !strings.Contains(repotoolEnds(w.t, "prune", "--list"), "interrupted") {
				return []string{"verify"}
			}
			return []string{"prune", "--undo", "last"} // it knows all that is gone
		},
		roots: func(w *faultWorld) []string { return []string{w.dir} },
		check: func(w *faultWorld, _ map[string]map[string]string, repeated bool) {
			w.neverWrong(want, gold)
			if got := w.derived(); repeated && !maps.Equal(got, want) {
				w.t.Errorf("%d of %d files are there", len(got), len(want))
			}
		}}
}

// pruneUndoJob brings them back.
func pruneUndoJob() faultJob {
	var want, gold map[string]string
	return faultJob{name: "prune --undo", damaged: true, many: true,
		prepare: func(w *faultWorld) {
			w.fillWithGold(w.t)
			w.nothingHolds()
			want, gold = w.derived(), contents(w.t, filepath.Join(w.repository, "localhost", "gold"))
			repotoolEnds(w.t, "prune", "--level", "derived", "--execute")
		},
		args:  func(*faultWorld) []string { return []string{"prune", "--undo", "last"} },
		roots: func(w *faultWorld) []string { return []string{w.dir} },
		check: func(w *faultWorld, _ map[string]map[string]string, repeated bool) {
			w.neverWrong(want, gold)
			if got := w.derived(); repeated && !maps.Equal(got, want) {
				w.t.Errorf("%d of %d files came back", len(got), len(want))
			}
		}}
}

func (w *faultWorld) derived() map[string]string {
	return contents(w.t, filepath.Join(w.repository, "localhost", "files"))
}

// neverWrong says that what stands in the repository are files that stood there before, and
// gold, all of it.
func (w *faultWorld) neverWrong(want, gold map[string]string) {
	w.t.Helper()
	for key, content := range w.derived() {
		if want[key] != content {
			w.t.Errorf("%s has other bytes", key)
		}
	}
	if got := contents(w.t, filepath.Join(w.repository, "localhost", "gold")); !maps.Equal(got, gold) {
		w.t.Errorf("%d of %d golds are there", len(got), len(gold))
	}
}

// TestFaultsPrune cuts a prune short at every change of the repository and of the journal:
// gold stays, what is removed is in the journal, and resume and undo bring all of it back.
func TestFaultsPrune(t *testing.T) {
	program, first := faultProgram(t), prunable(t)
	want, gold := first.derived(), contents(t, filepath.Join(first.repository, "localhost", "gold"))
	args := []string{"prune", "--level", "derived", "--execute"}
	for _, way := range []string{"resume", "undo"} {
		t.Run(way, func(t *testing.T) {
			faultsOf(t, program, first, func(w *faultWorld) string { return w.dir }, args, func(w *faultWorld) {
				switch list := repotoolEnds(t, "prune", "--list"); {
				case strings.Contains(list, "interrupted") && way == "resume":
					repotoolEnds(t, "prune", "--resume", "last")
				case !strings.Contains(list, "interrupted"): // it had not begun, or had ended
					repotoolEnds(t, args...)
				}
			}, func(w *faultWorld, f repotest.Fault, repeated bool) {
				w.neverWrong(want, gold)
				if !repeated {
					return
				}
				if left := len(w.derived()); way == "resume" && left > len(want)/2 {
					t.Errorf("%d of %d files are there still", left, len(want))
				}
				for strings.Contains(repotoolEnds(t, "prune", "--list"), "interrupted") || len(w.derived()) < len(want) {
					before := len(w.derived())
					repotoolEnds(t, "prune", "--undo", "last")
					if len(w.derived()) == before {
						break
					}
				}
				if got := w.derived(); !maps.Equal(got, want) {
					missing := slices.DeleteFunc(slices.Sorted(maps.Keys(want)), func(key string) bool { _, there := got[key]; return there })
					t.Errorf("%d of %d files came back; missing: %v", len(got), len(want), missing)
				}
			})
		})
	}
}

// TestFaultsUndo cuts an undo short: nothing wrong stands under a Name, and the next one
// brings the rest.
func TestFaultsUndo(t *testing.T) {
	program, first := faultProgram(t), prunable(t)
	want, gold := first.derived(), contents(t, filepath.Join(first.repository, "localhost", "gold"))
	repotoolEnds(t, "prune", "--level", "derived", "--execute")
	if left := len(first.derived()); left > len(want)/2 {
		t.Fatalf("%d of %d files are there still", left, len(want))
	}
	args := []string{"prune", "--undo", "last"}
	faultsOf(t, program, first, func(w *faultWorld) string { return w.dir }, args, func(*faultWorld) { repotoolEnds(t, args...) },
		func(w *faultWorld, f repotest.Fault, repeated bool) {
			w.neverWrong(want, gold)
			if got := w.derived(); repeated && !maps.Equal(got, want) {
				t.Errorf("%d of %d files came back", len(got), len(want))
			}
		})
}
