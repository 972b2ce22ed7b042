package fossology_test

import (
	"testing"

	"repotool/fossology"
)

const sessions = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'repotool'`

// TestViews: each view shows its own moment, with the streams that are open at the next
// one's, too; the connections are the same, none is left in a transaction, and one that the
// server has closed is made anew.
func TestViews(t *testing.T) {
	db, dsn := connect(t)
	views := db.Views()
	defer views.Close()
	look := func() *fossology.View {
		t.Helper()
		v, err := views.View(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	jobs := func(v *fossology.View) int { return len(collect(t, v.Jobs(t.Context()))) }
	first := look()
	defer first.Close() // until then it is in use: the sockets of what nobody refers to are closed
	before := jobs(first)
	for i := range 3 {
		v := look()
		sql(t, dsn, `INSERT INTO jobqueue (jq_job_fk, jq_type, jq_args) SELECT min(job_pk), 'nomos', '0' FROM job`)
		if n := jobs(v); n != before+i {
			t.Errorf("%d jobs, there were %d when the view was opened", n, before+i)
		}
		if counts, err := v.Counts(t.Context()); err != nil || counts.Jobqueue == 0 {
			t.Errorf("%+v, %v", counts, err)
		}
		for range 2 {
			if err := v.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := v.Counts(t.Context()); err == nil {
			t.Error("a view that is closed still counts")
		}
	}
	// That of db, two of the first view, which is open, and two of all the others.
	if got := sql(t, dsn, sessions); got != "5" {
		t.Errorf("%s sessions", got)
	}
	if got := sql(t, dsn, sessions+` AND state LIKE 'idle in transaction%'`); got != "2" {
		t.Errorf("%s are in a transaction, want those of the first view", got)
	}
	sql(t, dsn, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'repotool'`)
	v := look()
	if n := jobs(v); n != before+3 {
		t.Errorf("behind a restart %d jobs, want %d", n, before+3)
	}
	next := look() // while one is open
	if n := jobs(next); n != before+3 {
		t.Errorf("%d jobs", n)
	}
	for _, v := range []*fossology.View{v, next} {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	}
}

// BenchmarkView compares views of their own connections with those that share them.
func BenchmarkView(b *testing.B) {
	for name, look := range map[string]func(*fossology.Database) func() (*fossology.View, error){
		"own": func(db *fossology.Database) func() (*fossology.View, error) {
			return func() (*fossology.View, error) { return db.View(b.Context()) }
		},
		"shared": func(db *fossology.Database) func() (*fossology.View, error) {
			views := db.Views()
			b.Cleanup(func() { views.Close() })
			return func() (*fossology.View, error) { return views.View(b.Context()) }
		},
	} {
		b.Run(name, func(b *testing.B) {
			db, _ := connect(b)
			look := look(db)
			for b.Loop() {
				v, err := look()
				if err != nil {
					b.Fatal(err)
				}
				collect(b, v.Jobs(b.Context()))
				collect(b, v.CutShort(b.Context()))
				if err := v.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
