package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/snapshot"
)

// rowsOf are the rows of a database that refers to some contents.
type rowsOf struct{ files, golds []fossology.Name }

func (r rowsOf) PfileNames(context.Context) iter.Seq2[fossology.Name, error] { return inNames(r.files) }
func (r rowsOf) GoldNames(context.Context) iter.Seq2[fossology.Name, error]  { return inNames(r.golds) }

func inNames(names []fossology.Name) iter.Seq2[fossology.Name, error] {
	names = slices.SortedFunc(slices.Values(names), fossology.Name.Compare)
	return func(yield func(fossology.Name, error) bool) {
		for _, n := range names {
			if !yield(n, nil) {
				return
			}
		}
	}
}

// referring has a snapshot ask a database with rows for some contents and golds.
func referring(o *snapshot.TakeOptions, rows *rowsOf) {
	o.View = func(context.Context) (*snapshot.View, error) {
		return &snapshot.View{References: *rows, Rows: map[string]int64{}, Close: func() {}}, nil
	}
	o.Place = func(n fossology.Name) string {
		rel, _ := filepath.Rel("/x", pathOf("/x", n))
		return rel
	}
}

// What is pruned stays in the snapshots that follow, by either strategy, until the database
// refers to it no more; what is lost is told of, and kept, too.
func TestTakeAfterPrune(t *testing.T) {
	for _, strategy := range []string{"full", "gold"} {
		t.Run(strategy, func(t *testing.T) {
			st, repository, a := repotest.Store(t), t.TempDir(), newArchives()
			gold := a.gold(t, repository, "one.tar", "made one", "made two", "made three")
			lost := keep(t, repository, "lost")
			keep(t, repository, "stays")
			rows := &rowsOf{files: []fossology.Name{nameOf("made one"), nameOf("made two"), nameOf("made three"), nameOf("lost"), nameOf("stays")},
				golds: []fossology.Name{mustName(t, filepath.Base(gold))}}
			o := options(st, repository)
			if strategy == "gold" {
				o = golden(st, repository, a)
			}
			o.Derived, o.FullScan = a, true
			referring(&o, rows)
			first := take(t, o)
			want := contents(t, repository)
			for _, path := range []string{pathOf(repository, nameOf("made one")), pathOf(repository, nameOf("made two")), lost} {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // the second finds nothing new
				s := take(t, o)
				if s.Files != first.Files || s.Removed != 0 || s.Pruned != (snapshot.Totals{Files: 2, Bytes: 16}) || s.Damage() != "" ||
					s.FindingCount[snapshot.Vanished] != 1 || len(s.FindingCount) != 1 {
					t.Fatalf("%+v", s)
				}
				to, _, r := rebuilt(t, find(t, st, s.Name), a)
				if diff := cmp.Diff(want, contents(t, to)); diff != "" || r.Lost != 0 {
					t.Fatalf("restored (-want +got):\n%s", diff)
				}
			}
			// One comes back, of one the upload is deleted.
			keep(t, repository, "made one")
			rows.files = slices.DeleteFunc(rows.files, func(n fossology.Name) bool { return n == nameOf("made two") })
			s := take(t, o)
			if s.Files != first.Files-1 || s.Pruned.Files != 0 || s.Removed != 1 || find(t, st, s.Name).Manifest.Gone.Files != 1 {
				t.Errorf("%+v", s)
			}
			delete(want, relative(repository, "made two"))
			to, _, _ := rebuilt(t, find(t, st, s.Name), a)
			if diff := cmp.Diff(want, contents(t, to)); diff != "" {
				t.Errorf("restored (-want +got):\n%s", diff)
			}
			// Without a database nobody knows: what is gone stays, what goes now goes.
			if err := os.Remove(pathOf(repository, nameOf("made three"))); err != nil {
				t.Fatal(err)
			}
			o.View = nil
			if s := take(t, o); s.Files != first.Files-2 || find(t, st, s.Name).Manifest.Gone.Files != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func relative(repository, content string) string {
	rel, _ := filepath.Rel(repository, pathOf(repository, nameOf(content)))
	return rel
}

func mustName(t testing.TB, s string) fossology.Name {
	t.Helper()
	n, ok := fossology.ParseName(s)
	if !ok {
		t.Fatalf("%q is no Name", s)
	}
	return n
}

// What was pruned before the first snapshot is in it all the same, if its gold is, and in a
// new base of a cycle, too.
func TestTakeFirstAfterPrune(t *testing.T) {
	st, repository, a := repotest.Store(t), t.TempDir(), newArchives()
	gold := a.gold(t, repository, "one.tar", "made one", "made two")
	noGold := a.gold(t, repository, "two.tar", "made three")
	want := contents(t, repository)
	rows := &rowsOf{files: []fossology.Name{nameOf("made one"), nameOf("made two"), nameOf("made three")},
		golds: []fossology.Name{mustName(t, filepath.Base(gold))}}
	for _, path := range []string{pathOf(repository, nameOf("made one")), pathOf(repository, nameOf("made three")), noGold} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	o := rotating(st, repository, "1")
	o.Derived = a
	referring(&o.TakeOptions, rows)
	for range 2 {
		s := rotate(t, o)
		if s.Pruned.Files != 1 || s.FindingCount[snapshot.NoFile] != 1 || s.LeftOut.Files != 1 {
			t.Errorf("%+v", s)
		}
		to, _, r := rebuilt(t, find(t, st, s.Name), a)
		got := contents(t, to)
		maps.DeleteFunc(want, func(name, _ string) bool { _, ok := got[name]; return !ok })
		if len(got) != 3 || !maps.Equal(want, got) || r.Lost != 0 {
			t.Errorf("restored %v", got)
		}
		nextDay(o)
	}
}

// A disk that is not mounted is no prune, though gold is known to make all files.
func TestTakeManyGoldsGone(t *testing.T) {
	st, repository, a := repotest.Store(t), t.TempDir(), newArchives()
	rows := new(rowsOf)
	for i := range 20 {
		content := string(rune('a' + i))
		rows.golds = append(rows.golds, mustName(t, filepath.Base(a.gold(t, repository, content+".tar", content))))
		rows.files = append(rows.files, nameOf(content))
	}
	o := options(st, repository)
	o.Derived = a
	referring(&o, rows)
	first := take(t, o)
	for _, typ := range []string{"files", "gold"} {
		if err := os.RemoveAll(filepath.Join(repository, "localhost", typ)); err != nil {
			t.Fatal(err)
		}
	}
	keep(t, repository, "a")
	s := take(t, o)
	if s.FindingCount[snapshot.ManyGone] != 1 || s.Damage() == "" {
		t.Errorf("%+v", s)
	}
	if list, err := snapshot.Candidates(st, "fossology"); err != nil || !slices.ContainsFunc(snapshot.Retain(list, snapshot.Policy{Last: 1}, s.Time),
		func(d snapshot.Decision) bool { return d.Snapshot == first.Name && d.Keep }) {
		t.Errorf("%+v, %v", list, err)
	}
}

// A repository and a database that are suddenly empty are those of another FOSSology, though
// gold makes all files, and has made some since they were pruned: no row refers to them.
func TestTakeEmptyFossology(t *testing.T) {
	for _, strategy := range []string{"full", "gold"} {
		for _, pruned := range []int{0, 100, 150} {
			t.Run(fmt.Sprint(strategy, " pruned ", pruned), func(t *testing.T) {
				st, repository, a := repotest.Store(t), t.TempDir(), newArchives()
				rows, made := new(rowsOf), []string(nil)
				for i := range 150 {
					made = append(made, fmt.Sprint("made ", i))
					rows.files = append(rows.files, nameOf(made[i]))
				}
				gold := a.gold(t, repository, "one.tar", made...)
				rows.golds = append(rows.golds, mustName(t, filepath.Base(gold)))
				o := options(st, repository)
				if strategy == "gold" {
					o = golden(st, repository, a)
				}
				o.Derived, o.FullScan = a, true
				referring(&o, rows)
				first := take(t, o)
				for _, content := range made[:pruned] {
					if err := os.Remove(pathOf(repository, nameOf(content))); err != nil {
						t.Fatal(err)
					}
				}
				if s := take(t, o); s.Files != first.Files || s.Findings() != 0 {
					t.Fatalf("%+v", s)
				}
				if err := os.RemoveAll(filepath.Join(repository, "localhost")); err != nil {
					t.Fatal(err)
				}
				keep(t, repository, "another")
				*rows = rowsOf{files: []fossology.Name{nameOf("another")}}
				if s := take(t, o); s.Files != 1 || s.FindingCount[snapshot.ManyGone] != 1 || s.Damage() == "" {
					t.Errorf("%+v", s)
				}
			})
		}
	}
}

// An upload that was deleted, with its gold and its rows, is missed by nobody, whether its
// files were pruned before or not. As long as rows refer to them, another gold that makes
// them takes over, or the bytes of an earlier snapshot; what has neither is told of.
func TestTakeAfterDeletion(t *testing.T) {
	for _, pruned := range []bool{false, true} {
		t.Run(fmt.Sprint("pruned ", pruned), func(t *testing.T) {
			st, repository, a := repotest.Store(t), t.TempDir(), newArchives()
			gold := a.gold(t, repository, "one.tar", "by one", "by both")
			other := a.gold(t, repository, "two.tar", "by both", "by two")
			rows := &rowsOf{files: []fossology.Name{nameOf("by one"), nameOf("by both"), nameOf("by two")},
				golds: []fossology.Name{mustName(t, filepath.Base(gold)), mustName(t, filepath.Base(other))}}
			o := golden(st, repository, a)
			o.Derived, o.FullScan = a, true
			referring(&o, rows)
			if s := take(t, o); s.LeftOut.Files != 3 || s.Damage() != "" {
				t.Fatalf("%+v", s)
			}
			want := contents(t, repository)
			remove := func(contents ...string) {
				for _, c := range contents {
					if err := os.Remove(pathOf(repository, nameOf(c))); err != nil && !errors.Is(err, fs.ErrNotExist) {
						t.Fatal(err)
					}
				}
			}
			if pruned {
				remove("by one", "by both", "by two")
				if s := take(t, o); s.LeftOut.Files != 3 || s.Pruned.Files != 3 || s.Damage() != "" {
					t.Fatalf("%+v", s)
				}
			}
			// FOSSology removes the files first, and the rows second.
			remove("by one")
			if err := os.Remove(gold); err != nil {
				t.Fatal(err)
			}
			half := take(t, o)
			if half.FindingCount[snapshot.NoGold] != 2 || half.LeftOut.Files != 3 { // the upload's, and what only it made
				t.Errorf("while rows refer to it: %+v", half)
			}
			rows.files, rows.golds = rows.files[1:], rows.golds[1:]
			for range 2 {
				s := take(t, o)
				if len(s.FindingCount) != 0 || s.LeftOut.Files != 2 {
					t.Errorf("%+v", s)
				}
				to, _, r := rebuilt(t, find(t, st, s.Name), a)
				delete(want, relative(repository, "by one"))
				rel, _ := filepath.Rel(repository, gold)
				delete(want, rel)
				if diff := cmp.Diff(want, contents(t, to)); diff != "" || r.Lost != 0 {
					t.Fatalf("restored (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// An upload that FOSSology deletes, with its rows, is no loss, and its files are counted once.
func TestTakeManyDeleted(t *testing.T) {
	repository, st := t.TempDir(), repotest.Store(t)
	rows := new(rowsOf)
	for i := range 250 {
		keep(t, repository, fmt.Sprint(i))
		rows.files = append(rows.files, nameOf(fmt.Sprint(i)))
	}
	slices.SortFunc(rows.files, fossology.Name.Compare)
	o := options(st, repository)
	referring(&o, rows)
	take(t, o)
	for i := range 80 {
		if err := os.Remove(pathOf(repository, nameOf(fmt.Sprint(i)))); err != nil {
			t.Fatal(err)
		}
		rows.files = slices.DeleteFunc(rows.files, func(n fossology.Name) bool { return n == nameOf(fmt.Sprint(i)) })
	}
	if s := take(t, o); s.Files != 170 || s.Findings() != 0 {
		t.Errorf("%+v", s)
	}
}

// What was pruned and whose only gold is lost comes from the bytes that an earlier snapshot
// stored, with a database and without.
func TestTakeGoldLostStored(t *testing.T) {
	for _, database := range []bool{true, false} {
		st, repository, a := repotest.Store(t), t.TempDir(), newArchives()
		gold := a.gold(t, repository, "one.tar", "by one")
		full := options(st, repository)
		take(t, full)
		rows := &rowsOf{files: []fossology.Name{nameOf("by one")}, golds: []fossology.Name{mustName(t, filepath.Base(gold))}}
		o := golden(st, repository, a)
		o.Derived, o.FullScan = a, true
		referring(&o, rows)
		take(t, o)
		if err := os.Remove(pathOf(repository, nameOf("by one"))); err != nil {
			t.Fatal(err)
		}
		take(t, o)
		if err := os.Remove(gold); err != nil {
			t.Fatal(err)
		}
		rows.golds = nil
		if !database {
			o.View = nil
		}
		s := take(t, o)
		if s.LeftOut.Files != 0 || s.FindingCount[snapshot.NoGold] != 0 || s.Files != 1 {
			t.Errorf("%+v", s)
		}
		to := snapshotTo(filepath.Join(t.TempDir(), "to"))
		restore(t, find(t, st, s.Name), to)
		if b, err := os.ReadFile(pathOf(to.To, nameOf("by one"))); err != nil || string(b) != "by one" {
			t.Errorf("%q, %v", b, err)
		}
	}
}
