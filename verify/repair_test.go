package verify_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
	"repotool/verify"
)

// A flipped bit is found, put right from the live repository, in the day as
// well, and the bad object is kept.
func TestRepair(t *testing.T) {
	w := newWorld(t)
	e := w.some(t)
	flip(t, w.object(e.Object))
	r := w.scrub(t)
	if r.Counts[verify.ObjectDamaged] != 1 || r.Findings[0].What != e.Object.String() {
		t.Fatalf("scrub: %+v", r)
	}
	if err := verify.Repair(t.Context(), w.st, r, verify.RepairOptions{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if r.Repaired != 1 || !r.Good() || !r.Findings[0].Repaired {
		t.Errorf("repair: %+v", r)
	}
	kept, err := os.ReadFile(w.st.Path(r.Quarantine, e.Object.String()))
	if err != nil || int64(len(kept)) != e.Size || store.Sum(kept) == e.Object {
		t.Errorf("the bad object was not kept as it was: %v", err)
	}
	if r := w.scrub(t); !r.Good() {
		t.Errorf("scrub after repair: %+v", r)
	}
	if c := w.complete(t); !c.Good() {
		t.Errorf("complete after repair: %+v", c.Findings)
	}
	path, _ := w.snap.DayPath(&e, snapshot.LayoutFlat)
	got, err := os.ReadFile(w.st.Path(path))
	if err != nil || store.Sum(got) != e.Object {
		t.Errorf("the day still shows the bad bytes: %v", err)
	}
}

// A damaged object whose file is damaged in the repository too is not
// "repaired".
func TestRepairNothingGood(t *testing.T) {
	w := newWorld(t)
	e := w.some(t)
	flip(t, w.object(e.Object))
	for typ := range strings.SplitSeq("gold files", " ") {
		name := filepath.Join(w.repository, strings.Replace(e.Path, "/files/", "/"+typ+"/", 1))
		if _, err := os.Stat(name); err == nil {
			flip(t, name)
		}
	}
	r := w.scrub(t)
	if err := verify.Repair(t.Context(), w.st, r, verify.RepairOptions{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if r.Repaired != 0 || r.Good() {
		t.Errorf("repair: %+v", r)
	}
}

// A repository that has moved is found where the caller says.
func TestRepairElsewhere(t *testing.T) {
	w := newWorld(t)
	os.Remove(w.object(w.some(t).Object))
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(w.repository, moved); err != nil {
		t.Fatal(err)
	}
	r := w.complete(t)
	for _, from := range []string{"", moved} {
		if err := verify.Repair(t.Context(), w.st, r, verify.RepairOptions{Repository: from, Now: time.Now()}); err != nil {
			t.Fatal(err)
		}
		if r.Good() != (from == moved) || r.Quarantine != "" {
			t.Errorf("from %q: %+v", from, r)
		}
	}
}

// More objects are bad than a report lists: all are repaired, and the report
// says how many it leaves out.
func TestRepairMany(t *testing.T) {
	w := world{repository: t.TempDir(), st: repotest.Store(t)}
	dir := filepath.Join(w.repository, "localhost", "gold")
	os.MkdirAll(dir, 0o755)
	const many = 10_007
	for i := range many {
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), []byte(strconv.Itoa(i)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w.take(t, time.Now)
	for i := range many {
		if err := os.Remove(w.object(store.Sum([]byte(strconv.Itoa(i))))); err != nil {
			t.Fatal(err)
		}
	}
	r := w.complete(t)
	if r.Wrong() != many || int64(len(r.Findings))+r.NotListed != many || r.NotListed == 0 {
		t.Fatalf("%d wrong, %d listed, %d not", r.Wrong(), len(r.Findings), r.NotListed)
	}
	if err := verify.Repair(t.Context(), w.st, r, verify.RepairOptions{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if r.Repaired != many || !r.Good() {
		t.Errorf("%d of %d repaired", r.Repaired, many)
	}
}

// A repair puts objects back whose directory is lost, too.
func TestRepairFolderMissing(t *testing.T) {
	w := newWorld(t)
	e := w.some(t)
	for _, dir := range []string{filepath.Dir(w.object(e.Object)), w.st.Path("trash")} {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	r, err := verify.Store(t.Context(), w.st, verify.ScrubOptions{})
	if err != nil {
		t.Fatal(err)
	}
	missing := r.Counts[verify.ObjectMissing]
	if missing == 0 {
		t.Fatalf("%+v", r)
	}
	if err := verify.Repair(t.Context(), w.st, r, verify.RepairOptions{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if r.Repaired == 0 {
		t.Errorf("%d of %d were repaired", r.Repaired, missing)
	}
	if _, err := w.st.Stat(e.Object); err != nil {
		t.Error(err)
	}
}
