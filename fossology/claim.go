package fossology

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// check refuses to stop a scheduler that could not be started, or that would
// not end.
func (s *Standstill) check(status *SchedulerStatus) error {
	if len(s.o.StartCommand) == 0 {
		return &QuiesceError{Step: "stop the scheduler", Err: NoStartCommand()}
	}
	if _, err := exec.LookPath(s.o.StartCommand[0]); err != nil {
		return &QuiesceError{Step: "find the start command of the scheduler", Err: err,
			hint: "correct the start command in the configuration"}
	}
	if others := otherSchedulers(status.PID); restarts(s.o.StartCommand) && len(others) > 0 {
		return &QuiesceError{Step: "stop the scheduler", Err: fmt.Errorf("%q, which starts it again, would end another scheduler on this host, process %d",
			strings.Join(s.o.StartCommand, " "), others[0]), hint: "name a command that starts this one alone: --start-command, or start_command in the configuration"}
	}
	for _, j := range status.Jobs {
		if j.Suspended() {
			return &QuiesceError{Step: "stop the scheduler", Err: fmt.Errorf("%v is paused and would never end", j),
				hint: fmt.Sprintf("continue it (fo_cli -R %d) or cancel it in FOSSology's job list", j.ID)}
		}
	}
	return nil
}

// claimPatiently claims the standstill as soon as nobody else has it: a run that
// stands still with FOSSology, or the watchdog of a dead one that is about to
// start the scheduler.
func (s *Standstill) claimPatiently(ctx, limit context.Context) (*SchedulerStatus, error) {
	for waited := false; ; waited = true {
		status, err := s.claim(limit)
		var held *QuiesceError
		if !errors.As(err, &held) || !held.passing {
			return status, err
		}
		if !waited {
			s.o.Log.Info("waiting for another run to start the scheduler", "reason", held.Err)
		}
		if !pause(limit, quiescePoll) {
			if ctx.Err() != nil {
				held.Err = ctx.Err()
			}
			return nil, held
		}
	}
}

// claim looks at the scheduler and writes the note, if there is something to start
// afterwards: the scheduler runs (it is returned), or somebody who stopped it died.
func (s *Standstill) claim(ctx context.Context) (*SchedulerStatus, error) {
	dir, err := filepath.Abs(s.o.NoteDir)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return nil, &QuiesceError{Step: "make the directory of the note", Err: err}
	}
	unlock, err := lockNotes(ctx, dir)
	if err != nil {
		return nil, &QuiesceError{Step: "leave a note", Err: err, hint: "another run may be starting the scheduler; try again when it has ended"}
	}
	defer unlock()
	file := noteFile(dir, s.o.Scheduler.Address)
	adopted, err := s.inherit(file)
	if err != nil {
		return nil, err
	}
	// Only now: who starts the scheduler removes the note when it answers. So no
	// note and no answer means that none of us is about to start it.
	status, err := s.look(ctx)
	if err != nil || status == nil && !adopted {
		return nil, err
	}
	s.note = Note{
		Version: noteVersion, Installation: s.o.Installation, Scheduler: s.o.Scheduler.Address,
		StartCommand: s.o.StartCommand, Time: s.o.Now(), Host: hostname(), Boot: bootID(), Owner: thisProcess(), Path: file,
	}
	if status != nil {
		s.stops(ctx, status)
	}
	write := s.note.create
	if adopted {
		write = s.note.replace
	}
	if err := write(); err != nil {
		return nil, &QuiesceError{Step: "leave a note", Err: err, hint: "the directory " + dir + " must be writable"}
	}
	s.Stopped = true
	return status, nil
}

// stops enters into the note which scheduler is to be stopped. When a process of
// its number started can be asked of this host alone.
func (s *Standstill) stops(ctx context.Context, status *SchedulerStatus) {
	s.note.SchedulerPID, s.note.SchedulerStart = status.PID, 0
	if host, _, err := net.SplitHostPort(s.o.Scheduler.Address); err == nil && isLocal(ctx, host) {
		s.note.SchedulerStart = processStart(status.PID)
	}
}

// inherit reports whether there is a note whose writer and watchdog are dead.
func (s *Standstill) inherit(file string) (adopted bool, err error) {
	switch old, err := readNote(file); {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, &QuiesceError{Step: "read the note of a former run", Err: err,
			hint: "start the scheduler if it does not run, then remove " + file}
	case old.Held() && !old.dismissFailing():
		return false, heldError(old)
	default:
		s.o.Log.Warn("a former run died while the scheduler was stopped", "since", old.Time, "pid", old.Owner.PID)
		return true, nil
	}
}

// heldError says who has stopped the scheduler and will start it. That passes, but
// for another host's note, of which nothing can be known.
func heldError(n Note) error {
	e := &QuiesceError{Step: "stop the scheduler", passing: !n.Elsewhere()}
	switch {
	case n.Elsewhere():
		e.Err = fmt.Errorf("process %d of host %s has stopped it since %s", n.Owner.PID, n.Host, n.Time.Format(time.DateTime))
		e.hint = "if that process is gone, see that the scheduler runs and remove " + n.Path
	case n.Owner != n.Watchdog && n.Owner.alive():
		e.Err = fmt.Errorf("process %d has stopped it since %s", n.Owner.PID, n.Time.Format(time.DateTime))
	default:
		e.Err = fmt.Errorf("it was stopped at %s and waits for an agent, or is being started; watchdog %d sees to that", n.Time.Format(time.DateTime), n.Watchdog.PID)
		e.hint = "wait for the agent, or cancel its job in FOSSology's job list"
	}
	return e
}
