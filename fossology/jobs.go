package fossology

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"
)

// A JobState says where a job is on its way.
type JobState string

// The states of a job that has not ended.
const (
	JobWaiting       JobState = "waiting"
	JobWaitingPaused JobState = "paused"         // told to wait
	JobRunning       JobState = "running"        // or believed to run by the database
	JobRunningPaused JobState = "running,paused" // its agent is suspended in the middle
)

// A Job is a row of table jobqueue that has not ended.
type Job struct {
	PK     int64 // jq_pk, the number that the scheduler speaks of
	Job    int64 // job_pk
	Name   string
	Type   string // name of the agent
	Args   string
	Upload int64 // 0 if the job is about no upload
	State  JobState
	Start  time.Time // zero unless it runs
	Text   string    // jq_endtext: Started, Paused, Restarted
	Sched  string    // host.pid of the scheduler that started it
}

// jobsSQL selects the jobs that have not ended. A job that waits because it was
// told to has a start in the year 9999; a running one that was paused keeps its
// start and has the text Paused.
const jobsSQL = `SELECT q.jq_pk, q.jq_job_fk, coalesce(j.job_name, ''), q.jq_type, coalesce(q.jq_args, ''), coalesce(j.job_upload_fk, 0),
		CASE WHEN q.jq_starttime IS NULL THEN 'waiting'
		     WHEN q.jq_starttime >= '9999-01-01' THEN 'paused'
		     WHEN q.jq_endtext = 'Paused' THEN 'running,paused'
		     ELSE 'running' END,
		CASE WHEN q.jq_starttime < '9999-01-01' THEN q.jq_starttime END,
		coalesce(q.jq_endtext, ''), coalesce(q.jq_schedinfo, '')
	FROM jobqueue q LEFT JOIN job j ON j.job_pk = q.jq_job_fk
	WHERE q.jq_endtime IS NULL ORDER BY q.jq_pk`

// Jobs streams the jobs that run or wait, in the order of their keys.
func (v *View) Jobs(ctx context.Context) iter.Seq2[Job, error] {
	return stream(ctx, v, jobsSQL, nil, scanJob)
}

func scanJob(rows pgx.CollectableRow) (j Job, err error) {
	var start sql.NullTime
	err = rows.Scan(&j.PK, &j.Job, &j.Name, &j.Type, &j.Args, &j.Upload, &j.State, &start, &j.Text, &j.Sched)
	j.Start = start.Time
	return j, err
}

// Unfinished returns the jobs that run or wait at the present moment. Their
// number is that of a queue, so they come as a slice.
func (d *Database) Unfinished(ctx context.Context) ([]Job, error) {
	var jobs []Job
	err := d.use(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, jobsSQL)
		if err != nil {
			return err
		}
		jobs, err = pgx.CollectRows(rows, scanJob)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read jobs: %w", err)
	}
	return jobs, nil
}
