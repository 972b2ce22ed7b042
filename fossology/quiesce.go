package fossology

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// QuiesceOptions say which FOSSology is to stand still and how it goes on.
type QuiesceOptions struct {
	Scheduler    Scheduler
	AgentsDir    string        // <sysconf>/mods-enabled
	StartCommand []string      // starts the scheduler; see DefaultStartCommand
	Timeout      time.Duration // until nobody else stands still and nothing runs any more; 0 is DefaultQuiesceTimeout
	StartTimeout time.Duration // for one start; 0 is a minute
	NoteDir      string        // directory of the note; made if missing
	Executable   string        // has the command WatchdogCommand; "" is the present program
	Installation string        // its name, for the note
	DB           *Database     // tells which jobs are stale; nil: nobody asks
	Unseen       []Host        // where agents may run that are not seen here; see Installation.UnseenHosts
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
	// Unseen are the hosts whose agents could not be looked for: that none runs
	// there is known from scheduler and database alone.
	Unseen []Host
	// Broken tells, after Release, that somebody else has started a scheduler in
	// the meantime: FOSSology may have worked before the end of the standstill.
	Broken bool

	o        QuiesceOptions
	note     Note
	watchdog *watchdog
	sent     bool // the stop, or an attempt to send it
	settled  bool // FOSSology stood still
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
	s := &Standstill{o: o, Unseen: o.Unseen}
	limit, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	for {
		err := s.settle(ctx, limit)
		if errors.Is(err, errOtherScheduler) {
			o.Log.Warn("a scheduler was started meanwhile; it is stopped too")
			continue
		}
		if err != nil {
			return nil, s.giveUp(ctx, err)
		}
		s.settled = true
		o.Log.Info("FOSSology stands still", "after", o.Now().Sub(s.begin), "stale", len(s.Stale))
		return s, nil
	}
}

// errOtherScheduler means that a scheduler runs which was not told to stop: it did
// not listen yet when it was looked for, or somebody has started it since.
var errOtherScheduler = errors.New("a scheduler was started meanwhile")

// settle stops the scheduler that runs now, if one does, and waits until nothing
// runs. It may be called again.
func (s *Standstill) settle(ctx, limit context.Context) error {
	status, err := s.prepare(ctx, limit)
	if err != nil {
		return err
	}
	if err := s.stop(ctx, status); err != nil {
		return err
	}
	return s.wait(ctx, limit)
}

// prepare checks what can be checked while nothing has been touched, and leaves
// the note. The status is nil if no scheduler runs.
func (s *Standstill) prepare(ctx, limit context.Context) (*SchedulerStatus, error) {
	if s.Stopped {
		return s.look(ctx)
	}
	if s.o.AgentsDir == "" {
		return nil, &QuiesceError{Step: "look for agents", Err: errors.New("the directory mods-enabled is not known"),
			hint: "name FOSSology's configuration with --sysconf, or do without a standstill (--quiesce=none)"}
	}
	if _, err := AgentProcesses(s.o.AgentsDir); err != nil {
		return nil, &QuiesceError{Step: "look for agents", Err: err,
			hint: "is " + s.o.AgentsDir + " FOSSology's? Name its configuration with --sysconf, or do without a standstill (--quiesce=none)"}
	}
	return s.claimPatiently(ctx, limit)
}

// look asks the scheduler, and checks that it can be stopped and started.
func (s *Standstill) look(ctx context.Context) (*SchedulerStatus, error) {
	status, err := s.o.Scheduler.statusIfAlive(ctx)
	if err != nil {
		return nil, &QuiesceError{Step: "look at the scheduler", Err: err,
			hint: "check address and port in fossology.conf, or do without a standstill (--quiesce=none)"}
	}
	if status == nil {
		return nil, nil
	}
	return status, s.check(status)
}

// stop starts the watchdog, if there is none yet, and then sends the stop.
func (s *Standstill) stop(ctx context.Context, status *SchedulerStatus) (err error) {
	if !s.sent {
		s.begin = s.o.Now()
	}
	if !s.Stopped {
		return nil
	}
	if s.watchdog == nil {
		if s.watchdog, err = startWatchdog(s.o, s.note); err != nil {
			return &QuiesceError{Step: "start the watchdog", Err: err}
		}
		s.note.Watchdog = identify(s.watchdog.cmd.Process.Pid)
	}
	if status != nil {
		s.stops(ctx, status)
	}
	if err := s.note.replace(); err != nil {
		return &QuiesceError{Step: "leave a note", Err: err}
	}
	if err := s.watchdog.arm(s.note.SchedulerPID); err != nil {
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
