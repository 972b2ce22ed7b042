package fossology

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"
)

// RecoverOptions say how to start a scheduler that a dead run left stopped.
type RecoverOptions struct {
	NoteDir      string
	Scheduler    Scheduler     // only its own note is acted on
	StartCommand []string      // never taken from the note
	StartTimeout time.Duration // 0 is a minute
	Timeout      time.Duration // for an agent that the old scheduler waits for; 0 is DefaultQuiesceTimeout
	Log          *slog.Logger
}

// A Recovery says what was found and done about a note.
type Recovery struct {
	Note   Note
	Action RecoveryAction
}

// A RecoveryAction is what Recover did.
type RecoveryAction string

// The actions.
const (
	RecoveredNothing RecoveryAction = "nothing" // there was no note
	RecoveredHeld    RecoveryAction = "held"    // its writer or watchdog is at work, and not in vain
	RecoveredRunning RecoveryAction = "running" // the scheduler ran already; the note was removed
	RecoveredStarted RecoveryAction = "started" // the scheduler was started and the note removed
)

// Recover starts the scheduler if a note says that a run which is dead had stopped
// it, with its watchdog dead as well. It is what the next run does first, and
// what the doctor does.
func Recover(ctx context.Context, o RecoverOptions) (Recovery, error) {
	file := noteFile(o.NoteDir, o.Scheduler.Address)
	notes, err := PendingNotes(o.NoteDir)
	if err != nil {
		return Recovery{}, err
	}
	for _, n := range notes {
		if n.Path == file {
			return recoverNote(ctx, o, n)
		}
	}
	return Recovery{Action: RecoveredNothing}, nil
}

func recoverNote(ctx context.Context, o RecoverOptions, n Note) (Recovery, error) {
	unlock, err := lockNotes(ctx, filepath.Dir(n.Path))
	if err != nil {
		return Recovery{}, fmt.Errorf("recover: %w", err)
	}
	defer unlock()
	if n.Damaged != nil {
		return Recovery{Note: n}, &hintError{text: "recover", err: n.Damaged,
			hint: "start the scheduler if it does not run, then remove " + n.Path}
	}
	if n.Held() && !n.dismissFailing() {
		return Recovery{Note: n, Action: RecoveredHeld}, nil
	}
	s := starter{scheduler: o.Scheduler, command: o.StartCommand, timeout: o.StartTimeout, log: quiet(o.Log), stopped: n.stillStopped()}
	r := Recovery{Note: n, Action: RecoveredRunning}
	running, err := s.running(ctx)
	if err != nil && !errors.Is(err, errStillStopping) {
		return r, fmt.Errorf("recover: %w", err)
	}
	if !running {
		if len(o.StartCommand) == 0 {
			return r, fmt.Errorf("recover: %w", NoStartCommand())
		}
		r.Action = RecoveredStarted
		if err := s.restartWithin(ctx, o.Timeout); err != nil {
			return r, fmt.Errorf("recover: %w", err)
		}
	}
	return r, n.remove()
}

// restartWithin is restart with a limit for the old scheduler to go.
func (s starter) restartWithin(ctx context.Context, limit time.Duration) error {
	if limit == 0 {
		limit = DefaultQuiesceTimeout
	}
	drain, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if _, err := s.running(drain); errors.Is(err, errStillStopping) {
		s.scheduler.Stop(drain)
	}
	for {
		err := s.start(ctx)
		if !errors.Is(err, errStillStopping) {
			return err
		}
		if !pause(drain, drainPoll) {
			return &hintError{text: fmt.Sprintf("start scheduler: the old one (process %d) did not go within %v", s.stopped, limit), err: err,
				hint: "wait for its agents, or cancel their jobs in FOSSology's job list"}
		}
	}
}
