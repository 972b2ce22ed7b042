package fossology_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"repotool/fossology"
	"repotool/repotest"
)

func TestUnseenHosts(t *testing.T) {
	self, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	hosts := []fossology.Host{
		{Name: "a", Address: "localhost"},
		{Name: "b", Address: "127.0.1.1"},
		{Name: "c", Address: "::1"},
		{Name: "d", Address: self},
		{Name: "e", Address: "192.0.2.7"},       // nobody's
		{Name: "f", Address: "no-such.invalid"}, // nobody can tell
	}
	for _, c := range []struct {
		scheduler string
		want      string
	}{
		{"localhost", "e (192.0.2.7), f (no-such.invalid)"},
		{"127.0.0.1", "e (192.0.2.7), f (no-such.invalid)"},
		{"192.0.2.1", "the scheduler's host (192.0.2.1), a (localhost), b (127.0.1.1), c (::1), d (" + self + "), e (192.0.2.7), f (no-such.invalid)"},
	} {
		in := fossology.Installation{Address: c.scheduler, Hosts: hosts}
		var got []string
		for _, h := range in.UnseenHosts(t.Context()) {
			got = append(got, h.String())
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("scheduler at %s: unseen %q, want %s", c.scheduler, got, c.want)
		}
	}
}

// farAgents is an installation with agents on another host. According to the
// database job 191 runs, on a host that nobody knows.
func farAgents(t *testing.T) (*repotest.Scheduler, fossology.DSN, fossology.QuiesceOptions) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	db, dsn := connect(t)
	sql(t, dsn, `UPDATE jobqueue SET jq_starttime = now(), jq_endtext = 'Paused' WHERE jq_pk = 194`)
	o := options(t, double)
	o.DB, o.Unseen = db, []fossology.Host{{Name: "agent2", Address: "192.0.2.7"}}
	return double, dsn, o
}

func TestQuiesceDoesNotTrustOtherHosts(t *testing.T) {
	double, _, o := farAgents(t)
	o.Timeout = 25 * time.Second // long enough for the watchdog and one look, on any machine
	err := refused(t, t.Context(), o)
	for _, want := range []string{"still at work after 25s", "job 191 (nomos) according to the database", "agent2 (192.0.2.7) cannot be seen"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q, want %q in it", err, want)
		}
	}
	if !strings.Contains(err.Hint(), "--quiesce=none") || len(err.Running) != 1 {
		t.Errorf("running %q, hint %q", err.Running, err.Hint())
	}
	runsAgain(t, double, o.NoteDir)
}

func TestQuiesceWaitsForOtherHosts(t *testing.T) {
	double, dsn, o := farAgents(t)
	still := quiesceBeside(t, o)
	eventually(t, "the scheduler is gone", func() bool { return has(double, "ended") })
	time.Sleep(300 * time.Millisecond)
	if len(still) > 0 {
		t.Error("it stands still although job 191 has not ended")
	}
	sql(t, dsn, `UPDATE jobqueue SET jq_endtime = now(), jq_end_bits = 1 WHERE jq_pk = 191`)
	s := <-still
	if s == nil {
		return
	}
	if len(s.Stale) != 0 || !slices.Equal(s.Unseen, o.Unseen) {
		t.Errorf("stale %v, unseen %v; want none, and agent2", s.Stale, s.Unseen)
	}
	if err := s.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	runsAgain(t, double, o.NoteDir)
}
