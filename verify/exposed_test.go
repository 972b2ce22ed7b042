package verify_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"repotool/store"
	"repotool/verify"
)

// An object that can be written to, and one of another user, are found, once each,
// whether or not their bytes are read; a repair leaves them alone, and one that is
// damaged as well is no more than that.
func TestExposed(t *testing.T) {
	w := newWorld(t)
	var objects []store.Hash
	for u, err := range w.snap.Uses(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if u.Entry != nil && u.Size > 10 {
			objects = append(objects, u.Object)
		}
	}
	writable, foreign, damaged := objects[0], objects[1], objects[2]
	err := os.Chmod(w.object(writable), 0o464)
	want := int64(1)
	if os.Getuid() == 0 { // who else may give files away?
		want = 2
		err = errors.Join(err, os.Chown(w.object(foreign), 4711, -1))
	}
	if err = errors.Join(err, os.Chmod(w.object(damaged), 0o644)); err != nil {
		t.Fatal(err)
	}
	scrub := func(o verify.ScrubOptions) *verify.Report {
		t.Helper()
		o.Now = time.Now
		r, err := verify.Store(t.Context(), w.st, o)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := scrub(verify.ScrubOptions{Sample: 1e-9}); r.Counts[verify.ObjectExposed] != want+1 || r.Wrong() != want+1 {
		t.Errorf("a sample of none: %+v", r.Findings)
	}
	if err := os.Truncate(w.object(damaged), 3); err != nil {
		t.Fatal(err)
	}
	r := scrub(verify.ScrubOptions{})
	if r.Counts[verify.ObjectExposed] != want || r.Counts[verify.ObjectDamaged] != 1 || r.Wrong() != want+1 {
		t.Errorf("all: %+v", r.Findings)
	}
	if err := verify.Repair(t.Context(), w.st, r, verify.RepairOptions{Now: time.Now()}); err != nil || r.Repaired != 1 || r.Wrong() != want {
		t.Errorf("repair: %v, %+v", err, r)
	}
	for _, read := range []bool{false, true} {
		r, err := verify.Complete(t.Context(), w.st, "x", "latest", verify.CompleteOptions{Read: read})
		if err != nil || r.Counts[verify.ObjectExposed] != want || r.Wrong() != want {
			t.Errorf("complete, read %v: %v, %+v", read, err, r.Findings)
		}
	}
}
