package fossology

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Release starts the scheduler again, if Quiesce stopped it, waits until it
// answers, removes the note and ends the watchdog. It does so also when the
// context has ended: an interrupted backup must not leave FOSSology standing.
// Further calls do nothing and return what the first returned.
func (s *Standstill) Release(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.released {
		return s.err
	}
	s.released = true
	ctx = context.WithoutCancel(ctx)
	if s.settled {
		s.Broken, _ = s.starter().running(ctx) // an error is for the start to find
	}
	if s.Stopped {
		s.err = s.release(ctx)
	}
	s.end = s.o.Now()
	return s.err
}

// starter starts the scheduler in the place of the one that was told to stop.
func (s *Standstill) starter() starter {
	start := starter{scheduler: s.o.Scheduler, command: s.o.StartCommand, timeout: s.o.StartTimeout, log: s.o.Log}
	if s.sent {
		start.stopped = s.note.SchedulerPID
	}
	return start
}

func (s *Standstill) release(ctx context.Context) error {
	err := s.starter().start(ctx)
	switch {
	case errors.Is(err, errStillStopping) && s.watchdog != nil:
		// FOSSology has no way to take a stop back, so somebody has to wait.
		return &QuiesceError{Step: "start the scheduler", Err: errors.Join(err, s.leave()), left: true,
			hint: fmt.Sprintf("nothing needs to be done: watchdog %d starts the scheduler when the agent has ended", s.note.Watchdog.PID)}
	case err != nil:
		// The note stays for the next run, and the watchdog has another try.
		return &QuiesceError{Step: "start the scheduler", Err: errors.Join(err, s.leave()), left: s.watchdog != nil}
	}
	s.o.Log.Info("scheduler runs again", "address", s.o.Scheduler.Address)
	err = s.note.remove()
	if s.watchdog != nil {
		s.watchdog.dismiss()
	}
	return err
}

// ErrLeft is what an error of [Quiesce] or [Standstill.Release] is, by errors.Is, if the
// scheduler stands and this run's watchdog goes on trying to start it, by this run's command.
var ErrLeft = errors.New("the start is left to the watchdog")

// leave hands the start over to the watchdog, and the note too, so that others
// do not take this process for its owner.
func (s *Standstill) leave() error {
	if s.watchdog == nil {
		return nil
	}
	s.note.Owner = s.note.Watchdog
	err := s.note.replace()
	s.watchdog.leave()
	return err
}

// giveUp undoes what Quiesce has done so far and returns the reason, with what
// could not be undone.
func (s *Standstill) giveUp(ctx context.Context, reason error) error {
	if err := s.Release(ctx); err != nil {
		return errors.Join(reason, err)
	}
	return reason
}

// Duration is how long FOSSology stood still: from the stop to the answer of the
// new scheduler, or to the present if it is not released yet.
func (s *Standstill) Duration() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end.IsZero() {
		return s.o.Now().Sub(s.begin)
	}
	return s.end.Sub(s.begin)
}

// A QuiesceError says why there is no standstill, or why it could not be ended
// properly.
type QuiesceError struct {
	Step    string   // what was being done
	Running []string // what still ran when the time was over
	Err     error
	hint    string
	passing bool // it may be over without anybody's doing
	left    bool // it is ErrLeft
}

func (e *QuiesceError) Error() string { return e.Step + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *QuiesceError) Unwrap() error { return e.Err }

// Is implements errors.Is for [ErrLeft].
func (e *QuiesceError) Is(target error) bool { return target == ErrLeft && e.left }

// Hint returns advice: this error's, or that of its cause.
func (e *QuiesceError) Hint() string {
	var cause interface{ Hint() string }
	if e.hint == "" && errors.As(e.Err, &cause) {
		return strings.TrimSpace(cause.Hint())
	}
	return e.hint
}
