package fossology_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"repotool/fossology"
	"repotool/repotest"
)

// TestUsesOfSome: the uses of some uploads, and of one content, are those among all.
func TestUsesOfSome(t *testing.T) {
	v := openedView(t)
	var in, of []fossology.Use
	var name fossology.Name
	all := []fossology.Use{}
	for u, err := range v.Uses(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, u)
		if u.Upload == 4 || u.Upload == 94 {
			in = append(in, u)
		}
		if n := len(all); n > 1 && all[n-2].Name == u.Name && name.IsZero() {
			name = u.Name // of several uploads
		}
	}
	for _, u := range all {
		if u.Name == name {
			of = append(of, u)
		}
	}
	if len(in) < 10 || len(of) < 2 {
		t.Fatalf("%d uses of the uploads, %d of the content", len(in), len(of))
	}
	got := []fossology.Use{}
	for u, err := range v.UsesIn(t.Context(), 4, 94) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, u)
	}
	if !slices.Equal(got, in) {
		t.Errorf("of two uploads: %d uses, want %d", len(got), len(in))
	}
	got = got[:0]
	for u, err := range v.UsesOf(t.Context(), name) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, u)
	}
	if !slices.Equal(got, of) {
		t.Errorf("of one content: %v, want %v", got, of)
	}
}

// resuming is a database with the interrupted uploads in it.
func resuming(t *testing.T) (*fossology.Database, string, []fossology.Interrupted) {
	t.Helper()
	dsn := repotest.Fossology(t)
	db, err := fossology.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(t.Context()) })
	v, err := db.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	uploads, err := v.InterruptedUploads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, name, _ := strings.Cut(dsn, "dbname=")
	return db, strings.Fields(name)[0], uploads
}

// TestResume: what seemed to run waits again; with Queue it waits for a job that unpacks
// its upload. Nothing else in the queue changes.
func TestResume(t *testing.T) {
	const others = `SELECT md5(string_agg(q::text, '|' ORDER BY jq_pk)) FROM jobqueue q WHERE jq_pk <> 191 AND jq_pk <= 198`
	const row = `SELECT jq_starttime IS NULL, jq_endtime IS NULL, jq_endtext IS NULL, jq_schedinfo IS NULL, jq_end_bits FROM jobqueue WHERE jq_pk = 191`
	for _, queue := range []bool{false, true} {
		db, name, uploads := resuming(t)
		var numbers []int64
		for _, u := range uploads {
			numbers = append(numbers, u.Upload)
		}
		if !slices.Equal(numbers, []int64{7, 14, 94, 95}) || !slices.Equal(uploads[0].Running(), []int64{191}) || len(uploads[0].Jobs) != 2 {
			t.Fatalf("interrupted: %+v", uploads)
		}
		sql := func(s string) string { return strings.TrimSpace(repotest.Postgres(t).SQL(t, name, s)) }
		before := sql(others)
		r, err := db.Resume(t.Context(), uploads, fossology.ResumeOptions{Queue: queue})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(r.Reset, []int64{191}) || sql(row) != "t|t|t|t|0" || sql(others) != before {
			t.Errorf("queue %v: %+v, row 191: %s", queue, *r, sql(row))
		}
		news := sql(`SELECT string_agg(format('%s %s %s %s', q.jq_type, q.jq_args, j.job_name, j.job_user_fk), ', ' ORDER BY jq_pk)
			FROM jobqueue q JOIN job j ON j.job_pk = q.jq_job_fk WHERE jq_pk > 198 AND jq_starttime IS NULL AND j.job_upload_fk::text = jq_args`)
		waits := sql(`SELECT string_agg(format('%s %s', d.jdep_jq_fk, q.jq_args), ', ' ORDER BY jdep_jq_fk)
			FROM jobdepends d JOIN jobqueue q ON q.jq_pk = d.jdep_jq_depends_fk WHERE q.jq_pk > 198`)
		wantNews, wantWaits := "", ""
		if queue { // 94 and 95 have an unpack on the list
			wantNews, wantWaits = "ununpack 7 reunpack 3, ununpack 14 reunpack 3", "191 7, 192 7, 194 14"
		}
		if news != wantNews || waits != wantWaits || len(r.Queued) != strings.Count(news, "ununpack") || r.Waits != int64(len(strings.Fields(waits))/2) {
			t.Errorf("queue %v: %+v; inserted %q, waits %q", queue, *r, news, waits)
		}
		done := sql(`SELECT count(*) FROM ununpack_ars WHERE upload_fk IN (7, 14) AND ars_success`)
		if (done == "0") != queue {
			t.Errorf("queue %v: %s successes of the uploads", queue, done)
		}
	}
}

// TestResumeMoved: one job that has moved on stops all of it.
func TestResumeMoved(t *testing.T) {
	db, name, uploads := resuming(t)
	const all = `SELECT (SELECT md5(string_agg(q::text, '|' ORDER BY jq_pk)) FROM jobqueue q), (SELECT count(*) FROM job), (SELECT count(*) FROM jobdepends), (SELECT count(*) FROM ununpack_ars WHERE ars_success)`
	sql := func(s string) string { return repotest.Postgres(t).SQL(t, name, s) }
	slices.Reverse(uploads) // the one that fails comes last
	sql(`UPDATE jobqueue SET jq_starttime = now() WHERE jq_pk = 191`)
	before := sql(all)
	if _, err := db.Resume(t.Context(), uploads, fossology.ResumeOptions{Queue: true}); !errors.Is(err, fossology.ErrJobMoved) {
		t.Errorf("error %v, want %v", err, fossology.ErrJobMoved)
	}
	if after := sql(all); after != before {
		t.Errorf("the queue is %s, was %s", after, before)
	}
}

// TestResumeWhole: an upload of which nothing is missing is not unpacked again; its jobs
// go on all the same.
func TestResumeWhole(t *testing.T) {
	db, name, uploads := resuming(t)
	for i := range uploads {
		uploads[i].Whole = uploads[i].Upload != 7
	}
	r, err := db.Resume(t.Context(), uploads, fossology.ResumeOptions{Queue: true})
	if err != nil || !slices.Equal(r.Reset, []int64{191}) || len(r.Queued) != 1 {
		t.Fatalf("%v, %+v", err, r)
	}
	const queued = `SELECT string_agg(jq_args, ' ') FROM jobqueue WHERE jq_pk > 198`
	if got := strings.TrimSpace(repotest.Postgres(t).SQL(t, name, queued)); got != "7" {
		t.Errorf("uploads %s are unpacked again, want 7", got)
	}
}

// TestAbandoned: what the scheduler is at work on is left alone.
func TestAbandoned(t *testing.T) {
	_, _, uploads := resuming(t)
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	double.StartAgent(191, "nomos", time.Minute)
	s := fossology.Scheduler{Address: double.Address()}
	abandoned, working, err := fossology.Abandoned(t.Context(), s, "", uploads)
	if err != nil || len(abandoned) != 3 || len(working) != 1 || working[0].Upload != 7 {
		t.Errorf("%d abandoned, working %+v: %v", len(abandoned), working, err)
	}
	if err := s.Reload(t.Context()); err != nil || !slices.Contains(double.Events(), "database") {
		t.Errorf("reload: %v, %v", err, double.Events())
	}
	double.Kill()
	if abandoned, _, err = fossology.Abandoned(t.Context(), s, "", uploads); err != nil || len(abandoned) != 4 {
		t.Errorf("without a scheduler: %d abandoned: %v", len(abandoned), err)
	}
	if err := s.Reload(t.Context()); err != nil {
		t.Errorf("reload without a scheduler: %v", err)
	}
}

// TestResumeAgent: a job of our own agent for each host; the history of unpacking stays
// as it is, and a tree that was cut short is no hindrance.
func TestResumeAgent(t *testing.T) {
	db, name, uploads := resuming(t)
	sql := func(s string) string { return strings.TrimSpace(repotest.Postgres(t).SQL(t, name, s)) }
	const ars = `SELECT md5(string_agg(a::text, '|' ORDER BY ars_pk)) FROM ununpack_ars a`
	before := sql(ars)
	uploads[0].CutShort = true
	r, err := db.Resume(t.Context(), uploads, fossology.ResumeOptions{Queue: true, Agent: fossology.ReunpackAgent, Hosts: []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	news := sql(`SELECT string_agg(format('%s %s %s', jq_type, jq_args, jq_host), ', ' ORDER BY jq_pk) FROM jobqueue WHERE jq_pk > 198`)
	if news != "reporeunpack 7 a, reporeunpack 7 b, reporeunpack 14 a, reporeunpack 14 b" || len(r.Queued) != 4 || r.Waits != 6 {
		t.Errorf("%+v; inserted %q", *r, news)
	}
	if waits := sql(`SELECT count(*), count(DISTINCT jdep_jq_depends_fk) FROM jobdepends WHERE jdep_jq_depends_fk > 198`); waits != "6|4" {
		t.Errorf("waits: %s", waits)
	}
	if sql(ars) != before {
		t.Error("the history of unpacking has changed")
	}
	// What is on the list is not queued again.
	view, err := db.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	if uploads, err = view.InterruptedUploads(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, err = db.Resume(t.Context(), uploads, fossology.ResumeOptions{Queue: true, Agent: fossology.ReunpackAgent}); err != nil || len(r.Queued) > 0 {
		t.Errorf("again: %+v: %v", r, err)
	}
}
