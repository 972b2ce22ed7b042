package main

import (
	"context"
	"fmt"
	"strings"

	"repotool/fossology"
	"repotool/snapshot"
)

// standstill is how FOSSology is stopped for a snapshot or a restore, and started
// again. db may be nil: then nobody asks for jobs that only seem to run.
func (t *tool) standstill(s settings, in *fossology.Installation, db *fossology.Database) snapshot.Quiesce {
	return func(ctx context.Context) (func(context.Context) (snapshot.Standstill, error), error) {
		still, err := fossology.Quiesce(ctx, fossology.QuiesceOptions{
			Scheduler:    fossology.Scheduler{Address: in.SchedulerAddress()},
			AgentsDir:    in.AgentsDir(),
			StartCommand: startCommand(ctx, s, in),
			Timeout:      s.quiesceTimeout,
			NoteDir:      s.stateDir,
			Installation: s.installation,
			DB:           db,
			Unseen:       in.UnseenHosts(ctx),
			Log:          t.log,
			Now:          t.now,
		})
		if err != nil {
			return nil, err
		}
		t.still = still
		return func(ctx context.Context) (snapshot.Standstill, error) {
			err := still.Release(ctx)
			return ended(still), err
		}, nil
	}
}

// startCommand is the configured one or the service manager's; nil if there is
// none, which matters only if a scheduler runs.
func startCommand(ctx context.Context, s settings, in *fossology.Installation) []string {
	if len(s.startCommand) > 0 {
		return s.startCommand
	}
	command, _ := fossology.DefaultStartCommand(ctx, in.Project, in.SchedulerAddress())
	return command
}

// startLeftover starts a scheduler that a dead run left stopped.
func (t *tool) startLeftover(ctx context.Context, s settings, in *fossology.Installation) (fossology.Recovery, error) {
	return fossology.Recover(ctx, fossology.RecoverOptions{
		NoteDir:      s.stateDir,
		Scheduler:    fossology.Scheduler{Address: in.SchedulerAddress()},
		StartCommand: startCommand(ctx, s, in),
		Log:          t.log,
	})
}

// ended is what a summary keeps of a standstill.
func ended(still *fossology.Standstill) snapshot.Standstill {
	if still == nil {
		return snapshot.Standstill{}
	}
	e := snapshot.Standstill{Duration: still.Duration(), UnseenHosts: hostNames(still.Unseen), Broken: still.Broken}
	for _, j := range still.Stale {
		e.StaleJobs = append(e.StaleJobs, j.PK)
	}
	return e
}

// recorded is what a summary has kept of a standstill.
func recorded(x *snapshot.Summary) snapshot.Standstill {
	return snapshot.Standstill{StaleJobs: x.StaleJobs, UnseenHosts: x.UnseenHosts, Broken: x.Broken}
}

// standstillNotes says what could not be seen of the agents, or is odd: what is
// worth knowing and nobody's fault. It would be the same every night, so it does
// not make the exit code 3.
func standstillNotes(x snapshot.Standstill) (notes []string) {
	if len(x.StaleJobs) > 0 {
		jobs := strings.Trim(fmt.Sprint(x.StaleJobs), "[]")
		notes = append(notes, "jobs that run according to the database, though no agent runs: "+jobs+" (FOSSology runs them again)")
	}
	if len(x.UnseenHosts) > 0 {
		notes = append(notes, "agents on "+strings.Join(x.UnseenHosts, ", ")+" cannot be seen from here; FOSSology says that none runs")
	}
	if x.Broken {
		notes = append(notes, "somebody started FOSSology's scheduler before the standstill was over")
	}
	return notes
}

func hostNames(hosts []fossology.Host) (names []string) {
	for _, h := range hosts {
		names = append(names, h.String())
	}
	return names
}
