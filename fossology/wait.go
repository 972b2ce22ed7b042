package fossology

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// sight is what is seen at work at one moment.
type sight struct {
	busy     []string // nothing: FOSSology stands still
	doubtful bool     // by the database alone, on hosts that are not seen
}

// wait returns when the scheduler's port refuses connections and nothing is seen
// at work.
func (s *Standstill) wait(ctx, limit context.Context) error {
	last := sight{busy: []string{"the scheduler itself"}}
	for {
		now, err := s.working(limit)
		switch {
		case ctxOver(limit) != nil: // the question was cut short: what was seen last counts
		case errors.Is(err, errOtherScheduler):
			if pause(limit, quiescePoll) {
				return err
			}
			last = sight{busy: []string{err.Error()}}
		case err != nil:
			return &QuiesceError{Step: "wait for the agents", Err: err}
		case len(now.busy) == 0:
			return nil
		default:
			last = now
		}
		if pause(limit, quiescePoll) {
			continue
		}
		if ctx.Err() != nil {
			return &QuiesceError{Step: "wait for the agents", Err: ctx.Err()}
		}
		return s.timeOver(last)
	}
}

// timeOver is the error of a wait that took too long.
func (s *Standstill) timeOver(last sight) error {
	e := &QuiesceError{Step: "wait for the agents", Running: last.busy,
		Err:  fmt.Errorf("still at work after %v: %s", s.o.Timeout, strings.Join(last.busy, ", ")),
		hint: "give them more time (--quiesce-timeout), choose an hour with fewer jobs, or do without a standstill (--quiesce=none)"}
	if last.doubtful {
		e.Err = fmt.Errorf("%w; agents on %s cannot be seen from here", e.Err, hostNames(s.Unseen))
		e.hint = "look there for these jobs; if none runs, their scheduler was killed: FOSSology runs them again now that it starts; " +
			"or do without a standstill (--quiesce=none)"
	}
	return e
}

// working sees what runs still: jobs as long as the scheduler answers, then
// processes, then what the database says of hosts that cannot be seen. What it
// says of this host alone is stale.
func (s *Standstill) working(ctx context.Context) (now sight, err error) {
	if now.busy, err = s.scheduling(ctx); now.busy != nil || err != nil {
		return now, err
	}
	// The scheduler's own process is there before its port is, and may be there
	// after it.
	processes, err := moduleProcesses(s.o.AgentsDir)
	for _, p := range processes {
		now.busy = append(now.busy, p.String())
	}
	if err != nil || now.busy != nil {
		return now, err
	}
	// Again, since one may have begun to listen while processes were looked for.
	if now.busy, err = s.scheduling(ctx); now.busy != nil || err != nil || s.o.DB == nil {
		return now, err
	}
	jobs, err := runningJobs(ctx, s.o.DB)
	if err != nil {
		return now, fmt.Errorf("ask the database for running jobs: %w", err)
	}
	if len(s.Unseen) == 0 {
		s.Stale = jobs
		return now, nil
	}
	now.doubtful = true
	for _, j := range jobs {
		now.busy = append(now.busy, fmt.Sprintf("job %d (%s) according to the database", j.PK, j.Type))
	}
	return now, nil
}

// scheduling returns what the scheduler is at; nothing if nobody listens.
func (s *Standstill) scheduling(ctx context.Context) (busy []string, err error) {
	status, err := s.o.Scheduler.statusIfAlive(ctx)
	switch {
	case err != nil: // it may be about to end
		return []string{err.Error()}, nil
	case status == nil:
		return nil, nil
	case !s.told(status.PID):
		return nil, errOtherScheduler
	}
	for _, j := range status.Working() {
		busy = append(busy, j.String())
	}
	if busy == nil {
		busy = []string{fmt.Sprintf("the scheduler itself (process %d)", status.PID)}
	}
	return busy, nil
}

// told reports whether the scheduler of this process number was told to stop.
func (s *Standstill) told(pid int) bool { return s.sent && s.note.SchedulerPID == pid }

// runningJobs returns the jobs that run according to the database. Paused ones
// do not: they wait for a person.
func runningJobs(ctx context.Context, db *Database) ([]Job, error) {
	jobs, err := db.Unfinished(ctx)
	if err != nil {
		return nil, err
	}
	var running []Job
	for _, j := range jobs {
		if j.State == JobRunning {
			running = append(running, j)
		}
	}
	return running, nil
}
