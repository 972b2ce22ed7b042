package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"

	"repotool/fossology"
)

// queued says whether FOSSology is to bring back what was left out.
func (r *restoration) queued() bool {
	return r.rebuild == "queue" && r.files && r.snap.Manifest.LeftOut.Files > 0
}

// queueHere is an error if the database that is restored is not FOSSology's, where the jobs belong.
func (r *restoration) queueHere() error {
	if r.databaseName == "" {
		return nil
	}
	if own, err := r.ownDatabase(); err != nil || r.databaseName == own {
		return err
	}
	return &usageError{err: fmt.Errorf("restore: --rebuild queue inserts jobs into FOSSology's database, not into %s", r.databaseName),
		hint: "leave --database-name out, or write --rebuild now or later"}
}

// queueRebuild has FOSSology bring back what was left out and is not there: a job for
// each upload that lacks files, for which its interrupted jobs wait.
func (r *restoration) queueRebuild(ctx context.Context) error {
	return connected(ctx, r.in.Database, func(db *fossology.Database) error {
		scheduler := fossology.Scheduler{Address: r.in.SchedulerAddress()}
		lacking, interrupted, err := r.lacking(ctx, db, scheduler)
		if err != nil {
			return err
		}
		hosts, err := r.in.AgentHosts()
		if err != nil {
			return err
		}
		r.result.Queue, err = db.Requeue(ctx, lacking, interrupted, hosts)
		if errors.Is(err, fossology.ErrJobMoved) {
			return withHint(err, "something works on the queue: nothing was changed there; all else is restored; run this again, or repotool reunpack --all-missing")
		}
		if err != nil {
			return err
		}
		return scheduler.Reload(ctx) // one that stands still reads the queue when it starts
	})
}

// lacking are the uploads that lack what was left out, and those whose jobs had not
// ended and nobody is at work on.
func (r *restoration) lacking(ctx context.Context, db *fossology.Database, scheduler fossology.Scheduler) ([]int64, []fossology.Interrupted, error) {
	view, err := db.View(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer view.Close()
	all, err := view.InterruptedUploads(ctx)
	if err != nil {
		return nil, nil, err
	}
	interrupted, _, err := fossology.Abandoned(ctx, scheduler, r.in.AgentsDir(), all)
	if err != nil {
		return nil, nil, err
	}
	left, err := r.snap.LeftOutNames(ctx)
	if err != nil {
		return nil, nil, err
	}
	lacking, unheld, err := view.Holding(ctx, absentOf(left, r.in.Repository))
	r.result.Unheld = unheld
	return lacking, interrupted, err
}

// absentOf passes the Names on that FOSSology does not find in a repository.
func absentOf(names iter.Seq2[fossology.Name, error], repo fossology.Repository) iter.Seq2[fossology.Name, error] {
	return func(yield func(fossology.Name, error) bool) {
		for n, err := range names {
			if err == nil {
				var path string
				if path, err = repo.Find("files", n.String()); err == nil {
					_, err = os.Stat(path)
				}
				if err == nil {
					continue
				}
				if errors.Is(err, fs.ErrNotExist) {
					err = nil
				}
			}
			if !yield(n, err) {
				return
			}
		}
	}
}
