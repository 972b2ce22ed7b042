package main

import (
	"context"
	"time"

	"repotool/fossology"
	"repotool/snapshot"
)

// standstill is how FOSSology is stopped for a snapshot or a restore, and started
// again. db may be nil: then nobody asks for jobs that only seem to run.
func (t *tool) standstill(s settings, in *fossology.Installation, db *fossology.Database) snapshot.Quiesce {
	return func(ctx context.Context) (func(context.Context) (time.Duration, error), error) {
		still, err := fossology.Quiesce(ctx, fossology.QuiesceOptions{
			Scheduler:    fossology.Scheduler{Address: in.SchedulerAddress()},
			AgentsDir:    in.AgentsDir(),
			StartCommand: startCommand(s, in),
			Timeout:      s.quiesceTimeout,
			NoteDir:      s.stateDir,
			Installation: s.installation,
			DB:           db,
			Log:          t.log,
			Now:          t.now,
		})
		if err != nil {
			return nil, err
		}
		t.stale = still.Stale
		return func(ctx context.Context) (time.Duration, error) {
			err := still.Release(ctx)
			return still.Duration(), err
		}, nil
	}
}

// startCommand is the configured one or the service manager's; nil if there is
// none, which matters only if a scheduler runs.
func startCommand(s settings, in *fossology.Installation) []string {
	if len(s.startCommand) > 0 {
		return s.startCommand
	}
	command, _ := fossology.DefaultStartCommand(in.Project)
	return command
}

// startLeftover starts a scheduler that a dead run left stopped.
func (t *tool) startLeftover(ctx context.Context, s settings, in *fossology.Installation) (fossology.Recovery, error) {
	return fossology.Recover(ctx, fossology.RecoverOptions{
		NoteDir:      s.stateDir,
		Scheduler:    fossology.Scheduler{Address: in.SchedulerAddress()},
		StartCommand: startCommand(s, in),
		Log:          t.log,
	})
}
