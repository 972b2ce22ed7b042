package fossology_test

import (
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repotool/fossology"
	"repotool/repotest"
)

func named(names ...fossology.Name) iter.Seq2[fossology.Name, error] {
	return func(yield func(fossology.Name, error) bool) {
		for _, n := range names {
			if !yield(n, nil) {
				return
			}
		}
	}
}

// TestHolding: the uploads of all contents but those that nobody holds, each once.
func TestHolding(t *testing.T) {
	v := openedView(t)
	var names []fossology.Name
	want := map[int64]bool{}
	for u, err := range v.Uses(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if u.Name.SHA1[0] < 0x20 || u.Name.SHA1[0] > 0x30 {
			continue
		}
		want[u.Upload] = true
		if n := len(names); n == 0 || names[n-1] != u.Name {
			names = append(names, u.Name)
		}
	}
	if len(names) < 10 || len(want) < 5 {
		t.Fatalf("%d names, %d uploads", len(names), len(want))
	}
	names = slices.Concat([]fossology.Name{{Size: 1}}, names, []fossology.Name{{SHA1: [20]byte{0xff, 0xff, 0xff}, Size: 1}})
	got, unheld, err := v.Holding(t.Context(), named(names...))
	if err != nil || len(got) != len(want) || unheld != 2 || !slices.IsSorted(got) {
		t.Errorf("%d uploads, want %d; %d unheld, want 2: %v", len(got), len(want), unheld, err)
	}
	for _, u := range got {
		if !want[u] {
			t.Errorf("upload %d holds none of them", u)
		}
	}
	if got, unheld, err := v.Holding(t.Context(), named()); err != nil || len(got) != 0 || unheld != 0 {
		t.Errorf("of nothing: %v, %d, %v", got, unheld, err)
	}
	broken := errors.New("the list broke off")
	_, _, err = v.Holding(t.Context(), func(yield func(fossology.Name, error) bool) { yield(fossology.Name{}, broken) })
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

// TestRequeue: a job for each upload, also for one that has none, and all or nothing.
func TestRequeue(t *testing.T) {
	db, name, interrupted := resuming(t)
	sql := func(s string) string { return strings.TrimSpace(repotest.Postgres(t).SQL(t, name, s)) }
	const all = `SELECT (SELECT md5(string_agg(q::text, '|' ORDER BY jq_pk)) FROM jobqueue q), (SELECT count(*) FROM job), (SELECT count(*) FROM jobdepends)`
	before := sql(all)
	if _, err := db.Requeue(t.Context(), []int64{7, 999999}, interrupted, nil); err == nil {
		t.Error("an upload that is not there has a job")
	}
	if after := sql(all); after != before {
		t.Errorf("the queue is %s, was %s", after, before)
	}
	sql(`DELETE FROM jobdepends; DELETE FROM jobqueue WHERE jq_job_fk IN (SELECT job_pk FROM job WHERE job_upload_fk = 2); DELETE FROM job WHERE job_upload_fk = 2`)
	r, err := db.Requeue(t.Context(), []int64{2, 7}, interrupted, nil)
	if err != nil || len(r.Queued) != 2 || !slices.Equal(r.Reset, []int64{191}) || r.Waits != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	got := sql(`SELECT string_agg(format('%s %s %s', q.jq_type, q.jq_args, j.job_user_fk = u.user_fk), ', ' ORDER BY jq_pk)
		FROM jobqueue q JOIN job j ON j.job_pk = q.jq_job_fk JOIN upload u ON u.upload_pk = j.job_upload_fk WHERE jq_pk > 198 AND jq_starttime IS NULL`)
	if got != "reporeunpack 2 t, reporeunpack 7 t" {
		t.Errorf("inserted %q", got)
	}
	v, err := db.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	again, err := v.InterruptedUploads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r, err := db.Requeue(t.Context(), []int64{2, 7}, again, nil); err != nil || len(r.Queued)+len(r.Reset) != 0 || r.Waits != 0 {
		t.Errorf("a second time: %+v, %v", r, err)
	}
}

// TestNeedAgent: an agent needs a configuration and a program.
func TestNeedAgent(t *testing.T) {
	in := &fossology.Installation{Sysconf: t.TempDir()}
	var none *fossology.NoAgentError
	dir := filepath.Join(in.AgentsDir(), "one")
	for _, make := range []func() error{
		func() error { return nil },
		func() error { return os.MkdirAll(filepath.Join(dir, "agent"), 0o755) },
		func() error { return os.WriteFile(filepath.Join(dir, "one.conf"), nil, 0o644) },
		func() error { return os.WriteFile(filepath.Join(dir, "agent", "one"), nil, 0o644) },
	} {
		if err := make(); err != nil {
			t.Fatal(err)
		}
		if err := in.NeedAgent("one"); !errors.As(err, &none) || none.Hint() == "" {
			t.Errorf("error %v", err)
		}
	}
	if err := errors.Join(os.Chmod(filepath.Join(dir, "agent", "one"), 0o755), in.NeedAgent("one")); err != nil {
		t.Error(err)
	}
	if err := (&fossology.Installation{}).NeedAgent("one"); err == nil {
		t.Error("no configuration, and no error")
	}
}
