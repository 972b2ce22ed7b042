package fossology_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"repotool/fossology"
	"repotool/repotest"
)

// options are those of a usual run against a double.
func options(t *testing.T, double *repotest.Scheduler) fossology.QuiesceOptions {
	return fossology.QuiesceOptions{
		Scheduler: fossology.Scheduler{Address: double.Address()}, AgentsDir: double.AgentsDir(),
		StartCommand: double.StartCommand(), NoteDir: t.TempDir(), Installation: "internal",
		Timeout: patience, StartTimeout: patience,
	}
}

func quiesce(t *testing.T, o fossology.QuiesceOptions) *fossology.Standstill {
	t.Helper()
	s, err := fossology.Quiesce(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Release(context.Background()) })
	return s
}

// quiesceBeside calls Quiesce beside the test. It sends nil for a standstill that
// came to nothing.
func quiesceBeside(t *testing.T, o fossology.QuiesceOptions) <-chan *fossology.Standstill {
	still := make(chan *fossology.Standstill, 1)
	go func() {
		s, err := fossology.Quiesce(t.Context(), o)
		if err != nil {
			t.Error(err)
		}
		still <- s
	}()
	return still
}

// refused calls Quiesce, which must not succeed, and returns its error.
func refused(t *testing.T, ctx context.Context, o fossology.QuiesceOptions) *fossology.QuiesceError {
	t.Helper()
	s, err := fossology.Quiesce(ctx, o)
	if err == nil {
		s.Release(ctx)
	}
	var quiesceErr *fossology.QuiesceError
	if !errors.As(err, &quiesceErr) {
		t.Fatalf("error %v, want a QuiesceError", err)
	}
	return quiesceErr
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(dir + "/*")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestQuiesce(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{StartDelay: 50 * time.Millisecond})
	o := options(t, double)
	s := quiesce(t, o)
	if double.Running() || !s.Stopped {
		t.Error("the scheduler runs during the standstill")
	}
	notes := pending(t, o.NoteDir)
	if len(notes) != 1 {
		t.Fatalf("notes %+v, want one", notes)
	}
	n := notes[0]
	if !n.Held() || n.Installation != "internal" || n.Scheduler != double.Address() || n.SchedulerPID != repotest.FirstPID || n.Owner.PID != os.Getpid() || n.Watchdog.PID == 0 {
		t.Errorf("note %+v", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Release(ctx); err != nil { // also when the context has ended
		t.Fatal(err)
	}
	runsAgain(t, double, o.NoteDir)
	d := s.Duration()
	if d < 50*time.Millisecond || d > patience {
		t.Errorf("Duration = %v, want at least the time that the start took", d)
	}
	if err := s.Release(t.Context()); err != nil || double.Starts() != 2 || s.Duration() != d {
		t.Errorf("second Release: %v, %d starts, %v", err, double.Starts(), s.Duration())
	}
	if left := files(t, o.NoteDir); len(left) != 0 {
		t.Errorf("files left: %q", left)
	}
	if syscall.Kill(n.Watchdog.PID, 0) == nil {
		t.Error("the watchdog lives")
	}
}

func TestQuiesceWaitsForAgents(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	double.StartAgent(1, "nomos", time.Hour)
	double.StartAgent(2, "ununpack", time.Hour)
	double.Queue(3, "adj2nest")
	still := quiesceBeside(t, options(t, double))
	eventually(t, "the stop is sent", func() bool { return has(double, "stop") })
	for job := range int64(2) {
		time.Sleep(500 * time.Millisecond)
		if len(still) > 0 {
			t.Errorf("it stands still although job %d has not ended: %q", job+1, double.Events())
		}
		double.EndAgent(job + 1)
	}
	s := <-still
	if s == nil {
		return
	}
	if has(double, "killed") {
		t.Errorf("the scheduler was killed: %q", double.Events())
	}
	if err := s.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestQuiesceWaitsForSilentScheduler has a scheduler that takes connections on its
// way out and answers none.
func TestQuiesceWaitsForSilentScheduler(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{SilentEnd: 6 * time.Second})
	o := options(t, double)
	o.Scheduler.Timeout = 2 * time.Second // for its answers before that, too
	s := quiesce(t, o)
	if s.Duration() < 5*time.Second {
		t.Errorf("stood still after %v, while the port took connections", s.Duration())
	}
	if err := s.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	runsAgain(t, double, o.NoteDir)
}

// TestQuiesceAfterKilledScheduler finds an agent that outlived its scheduler, and
// a row of the database that says that it still runs afterwards.
func TestQuiesceAfterKilledScheduler(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	db, dsn := connect(t)
	sql(t, dsn, `UPDATE jobqueue SET jq_starttime = now(), jq_endtext = 'Paused' WHERE jq_pk = 194`)
	double.StartAgent(191, "nomos", time.Hour)
	double.Kill()
	o := options(t, double)
	o.DB = db
	still := quiesceBeside(t, o)
	time.Sleep(time.Second)
	if len(still) > 0 {
		t.Error("it stands still although the agent has not ended")
	}
	double.EndAgent(191)
	s := <-still
	if s == nil {
		return
	}
	if s.Stopped {
		t.Error("it says that it has stopped a scheduler that did not run")
	}
	if len(s.Stale) != 1 || s.Stale[0].PK != 191 || s.Stale[0].Sched != "localhost.5699" {
		t.Errorf("stale jobs %+v, want 191 alone", s.Stale)
	}
	if err := s.Release(t.Context()); err != nil {
		t.Error(err)
	}
	if double.Running() || len(files(t, o.NoteDir)) != 0 {
		t.Error("a scheduler that did not run was started, or a note is left")
	}
}

func TestQuiesceTimesOut(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	double.StartAgent(89, "nomos", time.Hour)
	o := options(t, double)
	o.Timeout = 25 * time.Second // long enough for the watchdog and one look, on any machine
	err := refused(t, t.Context(), o)
	if !strings.Contains(err.Error(), "job 89 (nomos)") || !strings.Contains(err.Error(), "25s") || !strings.Contains(err.Hint(), "--quiesce-timeout") {
		t.Errorf("error %v with hint %q", err, err.Hint())
	}
	// Another run finds that the watchdog is waiting.
	o.Timeout = time.Second
	if err := refused(t, t.Context(), o); !strings.Contains(err.Error(), "watchdog") || err.Hint() == "" {
		t.Errorf("second run: error %v", err)
	}
	r, rerr := recoverDouble(t, double, o)
	if rerr != nil || r.Action != fossology.RecoveredHeld {
		t.Errorf("Recover = %+v, %v; want held", r, rerr)
	}
	double.EndAgent(89)
	runsAgain(t, double, o.NoteDir)
}

func TestQuiesceTimesOutOnAgentWithoutScheduler(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	pid := double.StartAgent(89, "nomos", time.Hour)
	double.Kill()
	o := options(t, double)
	o.Timeout = 25 * time.Second // long enough for one look, on any machine
	err := refused(t, t.Context(), o)
	if len(err.Running) != 1 || !strings.Contains(err.Error(), "(nomos)") {
		t.Errorf("error %v, want one that names process %d", err, pid)
	}
}

// TestQuiesceRefuses lists what must be known before the scheduler is stopped.
func TestQuiesceRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*fossology.QuiesceOptions)
		want   string
		hint   string
	}{
		"no start command":     {func(o *fossology.QuiesceOptions) { o.StartCommand = nil }, "command that starts", "--quiesce=none"},
		"start command absent": {func(o *fossology.QuiesceOptions) { o.StartCommand = []string{"/no/such/program"} }, "/no/such/program", "start command"},
		"no agents directory":  {func(o *fossology.QuiesceOptions) { o.AgentsDir += "-none" }, "mods-enabled-none", ""},
		"agents not named":     {func(o *fossology.QuiesceOptions) { o.AgentsDir = "" }, "mods-enabled", "--sysconf"},
		"notes not writable":   {func(o *fossology.QuiesceOptions) { o.NoteDir = "/proc/self/none" }, "directory of the note", ""},
		"no watchdog":          {func(o *fossology.QuiesceOptions) { o.Executable = "/bin/false" }, "did not get ready", ""},
		"watchdog absent":      {func(o *fossology.QuiesceOptions) { o.Executable = "/no/such/program" }, "start the watchdog", ""},
		"not a scheduler": {func(o *fossology.QuiesceOptions) {
			o.Scheduler = answering(t, "SSH-2.0\n", func(c net.Conn) { c.Close() })
		}, "no FOSSology scheduler", "port"},
	} {
		double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
		o := options(t, double)
		c.change(&o)
		err := refused(t, t.Context(), o)
		if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Hint(), c.hint) {
			t.Errorf("%s: error %q with hint %q, want %q and %q", name, err, err.Hint(), c.want, c.hint)
		}
		if has(double, "stop") || double.Starts() != 1 {
			t.Errorf("%s: the scheduler was touched: %q", name, double.Events())
		}
		if notes := pending(t, o.NoteDir); len(notes) != 0 {
			t.Errorf("%s: notes left: %+v", name, notes)
		}
	}
}

func TestQuiesceRefusesWhileAnAgentIsSuspended(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	double.StartAgent(7, "nomos", time.Hour)
	conn, err := net.Dial("tcp4", double.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "pause 7")
	io.ReadFull(conn, make([]byte, len("received\n")))
	e := refused(t, t.Context(), options(t, double))
	if !strings.Contains(e.Error(), "job 7 (nomos) is paused") || e.Hint() == "" || has(double, "stop") {
		t.Errorf("error %v with hint %q; events %q", e, e.Hint(), double.Events())
	}
}

func TestQuiesceInterrupted(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	double.StartAgent(1, "nomos", time.Hour)
	o := options(t, double)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { // not sooner: before the stop there is nothing to undo
		for ctx.Err() == nil && !has(double, "stop") {
			time.Sleep(20 * time.Millisecond)
		}
		cancel()
	}()
	if err := refused(t, ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	double.EndAgent(1)
	runsAgain(t, double, o.NoteDir)
}

func TestStartIsTriedAgain(t *testing.T) {
	var err error
	for _, limit := range []time.Duration{3 * time.Second, 20 * time.Second, time.Minute} {
		double := repotest.NewScheduler(t, repotest.SchedulerOptions{StartFails: 2})
		o := options(t, double)
		o.StartTimeout = limit // twice in vain; for the third it is enough, unless the machine is busy
		s := quiesce(t, o)
		err = s.Release(t.Context())
		runsAgain(t, double, o.NoteDir)
		if err == nil {
			return
		}
	}
	t.Errorf("Release: %v, want success at the third try", err)
}

// TestStartFails has a start command that does not work: Release says so with
// the words of the command, and the watchdog goes on trying.
func TestStartFails(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	o := options(t, double)
	mended := filepath.Join(t.TempDir(), "mended")
	o.StartCommand = []string{"/bin/sh", "-c", "test -e " + mended + " || { echo unit is masked >&2; exit 3; }; " + double.StartCommand()[2]}
	s := quiesce(t, o)
	err := s.Release(t.Context())
	var quiesceErr *fossology.QuiesceError
	if !errors.As(err, &quiesceErr) || !strings.Contains(err.Error(), "exit status 3: unit is masked") || !strings.Contains(quiesceErr.Hint(), "by hand") {
		t.Errorf("error %v, want the words of the command, and a hint", err)
	}
	if !errors.Is(err, fossology.ErrLeft) {
		t.Errorf("error %v does not say that the watchdog has the start", err)
	}
	if notes := pending(t, o.NoteDir); len(notes) != 1 {
		t.Errorf("notes %+v, want one for the next run", notes)
	}
	write(t, mended, "")
	runsAgain(t, double, o.NoteDir)
}

// TestGiveUpWithoutStart has a standstill that comes to nothing, and a start command that does
// not work: the error says that the watchdog has the start, and it goes on trying.
func TestGiveUpWithoutStart(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	db, dsn := connect(t)
	sql(t, dsn, `ALTER TABLE jobqueue RENAME TO gone`)
	o := options(t, double)
	o.DB = db
	mended := filepath.Join(t.TempDir(), "mended")
	o.StartCommand = []string{"/bin/sh", "-c", "test -e " + mended + " || exit 3; " + double.StartCommand()[2]}
	_, err := fossology.Quiesce(t.Context(), o)
	if !errors.Is(err, fossology.ErrLeft) || !strings.Contains(err.Error(), "running jobs") {
		t.Errorf("error %v, want that jobs cannot be asked for, and who has the start", err)
	}
	write(t, mended, "")
	runsAgain(t, double, o.NoteDir)
}

func TestReleaseWithoutWatchdog(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	o := options(t, double)
	s := quiesce(t, o)
	syscall.Kill(pending(t, o.NoteDir)[0].Watchdog.PID, syscall.SIGKILL)
	if err := s.Release(t.Context()); err != nil {
		t.Errorf("Release after the death of the watchdog: %v", err)
	}
	runsAgain(t, double, o.NoteDir)
}

// TestWatchdogOutlivesSignals sends it what a session's end sends.
func TestWatchdogOutlivesSignals(t *testing.T) {
	double := repotest.NewScheduler(t, repotest.SchedulerOptions{})
	o := order(t, double, "wait")
	cmd := startVictim(t, o)
	watchdog := pending(t, o.NoteDir)[0].Watchdog.PID
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM} {
		syscall.Kill(watchdog, sig)
	}
	time.Sleep(100 * time.Millisecond)
	if double.Starts() != 1 {
		t.Error("the watchdog started the scheduler although its owner lives")
	}
	cmd.Process.Kill()
	cmd.Wait()
	runsAgain(t, double, o.NoteDir)
}
