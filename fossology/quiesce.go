package fossology

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// QuiesceOptions say which FOSSology is to stand still and how it goes on.
type QuiesceOptions struct {
	Scheduler    Scheduler
	AgentsDir    string        // <sysconf>/mods-enabled
	StartCommand []string      // starts the scheduler; see DefaultStartCommand
	Timeout      time.Duration // until nothing runs any more; 0 is DefaultQuiesceTimeout
	StartTimeout time.Duration // for one start; 0 is a minute
	NoteDir      string        // directory of the note; made if missing
	Executable   string        // has the command WatchdogCommand; "" is the present program
	Installation string        // its name, for the note
	DB           *Database     // tells which jobs are stale; nil: nobody asks
	Log          *slog.Logger  // nil: nothing is logged
	Now          func() time.Time
}

// DefaultQuiesceTimeout is how long agents have to finish.
const DefaultQuiesceTimeout = 10 * time.Minute

// quiescePoll is the pause between looks at whether something runs still.
const quiescePoll = 100 * time.Millisecond

// A Standstill is the time in which no agent runs. It ends with Release.
type Standstill struct {
	// Stopped tells whether the scheduler was stopped. If it did not run in the
	// first place, it is not started by Release.
	Stopped bool
	// Stale are the jobs that run according to the database, although no agent
	// runs: their scheduler was killed. FOSSology runs them again when it starts.
	Stale []Job

	o        QuiesceOptions
	note     Note
	watchdog *watchdog
	sent     bool // the stop, or an attempt to send it
	begin    time.Time

	mu       sync.Mutex
	released bool
	err      error // of the release
	end      time.Time
}

// Quiesce stops the scheduler and waits until no agent runs. Afterwards the
// caller must call Release; if it cannot, because the process dies, a watchdog
// starts the scheduler in its place. On error everything is as it was, or the
// error, a *[QuiesceError], says what is not.
//
// The scheduler is not stopped if it is not known how to start it, or if an agent
// is suspended and so would never end.
func Quiesce(ctx context.Context, o QuiesceOptions) (*Standstill, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Log = quiet(o.Log)
	o.Timeout = cmp.Or(o.Timeout, DefaultQuiesceTimeout)
	s := &Standstill{o: o}
	status, err := s.prepare(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.stop(ctx, status); err != nil {
		return nil, s.giveUp(ctx, err)
	}
	if err := s.wait(ctx); err != nil {
		return nil, s.giveUp(ctx, err)
	}
	if o.DB != nil {
		if s.Stale, err = staleJobs(ctx, o.DB); err != nil {
			return nil, s.giveUp(ctx, &QuiesceError{Step: "ask the database for running jobs", Err: err})
		}
	}
	o.Log.Info("FOSSology stands still", "after", o.Now().Sub(s.begin), "stale", len(s.Stale))
	return s, nil
}

// prepare checks what can be checked while nothing has been touched, and leaves
// the note. The status is nil if no scheduler runs.
func (s *Standstill) prepare(ctx context.Context) (*SchedulerStatus, error) {
	status, err := s.o.Scheduler.statusIfAlive(ctx)
	if err != nil {
		return nil, &QuiesceError{Step: "look at the scheduler", Err: err,
			hint: "check address and port in fossology.conf, or do without a standstill (--quiesce=none)"}
	}
	if s.o.AgentsDir == "" {
		return nil, &QuiesceError{Step: "look for agents", Err: errors.New("the directory mods-enabled is not known"),
			hint: "name FOSSology's configuration with --sysconf, or do without a standstill (--quiesce=none)"}
	}
	if _, err := AgentProcesses(s.o.AgentsDir); err != nil {
		return nil, &QuiesceError{Step: "look for agents", Err: err}
	}
	if status != nil {
		if err := s.check(status); err != nil {
			return nil, err
		}
	}
	adopted, err := s.claim(status)
	if err != nil {
		return nil, err
	}
	s.Stopped = status != nil || adopted
	return status, nil
}

// stop starts the watchdog and then sends the stop.
func (s *Standstill) stop(ctx context.Context, status *SchedulerStatus) error {
	s.begin = s.o.Now()
	if !s.Stopped {
		return nil
	}
	var err error
	if s.watchdog, err = startWatchdog(s.o, s.note); err != nil {
		return &QuiesceError{Step: "start the watchdog", Err: err}
	}
	s.note.Watchdog = identify(s.watchdog.cmd.Process.Pid)
	if err := s.note.replace(); err != nil {
		return &QuiesceError{Step: "leave a note", Err: err}
	}
	if err := s.watchdog.tell(watchdogArmed); err != nil {
		return &QuiesceError{Step: "arm the watchdog", Err: err}
	}
	if status == nil { // stopped by a former run
		return nil
	}
	s.sent = true
	s.o.Log.Info("stopping the scheduler", "address", s.o.Scheduler.Address, "pid", status.PID, "working", len(status.Working()))
	if err := s.o.Scheduler.Stop(ctx); err != nil {
		return &QuiesceError{Step: "stop the scheduler", Err: err}
	}
	return nil
}

// wait returns when the scheduler's port refuses connections and no agent runs.
func (s *Standstill) wait(ctx context.Context) error {
	limit, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	var busy []string
	for {
		now, err := s.busy(limit)
		switch {
		case err != nil:
			return &QuiesceError{Step: "wait for the agents", Err: err}
		case len(now) == 0:
			return nil
		case limit.Err() == nil: // else the question was cut short
			busy = now
		}
		if pause(limit, quiescePoll) {
			continue
		}
		if ctx.Err() != nil {
			return &QuiesceError{Step: "wait for the agents", Err: ctx.Err()}
		}
		return &QuiesceError{Step: "wait for the agents", Running: busy,
			Err:  fmt.Errorf("still at work after %v: %s", s.o.Timeout, strings.Join(busy, ", ")),
			hint: "give them more time (--quiesce-timeout), choose an hour with fewer jobs, or do without a standstill (--quiesce=none)"}
	}
}

// busy returns what runs still: jobs as long as the scheduler answers, then
// processes.
func (s *Standstill) busy(ctx context.Context) ([]string, error) {
	status, err := s.o.Scheduler.statusIfAlive(ctx)
	if err != nil { // it may be about to end
		return []string{err.Error()}, nil
	}
	var busy []string
	if status != nil {
		for _, j := range status.Working() {
			busy = append(busy, j.String())
		}
		if busy == nil {
			busy = []string{fmt.Sprintf("the scheduler itself (process %d)", status.PID)}
		}
		return busy, nil
	}
	processes, err := AgentProcesses(s.o.AgentsDir)
	if err != nil {
		return nil, err
	}
	for _, p := range processes {
		busy = append(busy, p.String())
	}
	return busy, nil
}

// staleJobs returns the jobs that run according to the database. Paused ones
// are not stale: they wait for a person.
func staleJobs(ctx context.Context, db *Database) ([]Job, error) {
	jobs, err := db.Unfinished(ctx)
	if err != nil {
		return nil, err
	}
	var stale []Job
	for _, j := range jobs {
		if j.State == JobRunning {
			stale = append(stale, j)
		}
	}
	return stale, nil
}
