package fossology

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// This file continues what FOSSology was doing when the database was copied. In a
// database that was restored, jobs are running that nobody runs; those that wait find
// files missing that were not in the backup.

// An Interrupted upload has jobs that ran or waited.
type Interrupted struct {
	Upload   int64
	Jobs     []Job // in the order of their keys
	CutShort bool  // its first unpack did not end: its tree stays as it is, whatever is unpacked again
	Whole    bool  // who has looked found all its files: there is nothing to unpack again
}

// Running are the keys of the jobs that the database believes to run.
func (i Interrupted) Running() (keys []int64) {
	for _, j := range i.Jobs {
		if j.State == JobRunning || j.State == JobRunningPaused {
			keys = append(keys, j.PK)
		}
	}
	return keys
}

// unpackAgent unpacks uploads; jobs with which others wait for it are its own.
const unpackAgent = "ununpack"

// InterruptedUploads returns the uploads whose analysis had not ended, in the order of
// their first jobs. Jobs about no upload, and those that bring or delete an upload, are
// left out: they need none of its files.
func (v *View) InterruptedUploads(ctx context.Context) ([]Interrupted, error) {
	var all []Interrupted
	at := map[int64]int{}
	for j, err := range v.Jobs(ctx) {
		if err != nil {
			return nil, err
		}
		if j.Upload == 0 || j.Type == "wget_agent" || j.Type == "delagent" {
			continue
		}
		i, known := at[j.Upload]
		if !known {
			i = len(all)
			at[j.Upload] = i
			all = append(all, Interrupted{Upload: j.Upload})
		}
		all[i].Jobs = append(all[i].Jobs, j)
	}
	for upload, err := range v.CutShort(ctx) {
		if err != nil {
			return nil, err
		}
		if i, is := at[upload]; is {
			all[i].CutShort = true
		}
	}
	return all, nil
}

// Abandoned sorts out the uploads that nobody is at work on. If there is no scheduler,
// but agents of one that died, it is an error: nobody can say what they are at.
func Abandoned(ctx context.Context, s Scheduler, mods string, all []Interrupted) (abandoned, working []Interrupted, err error) {
	status, err := s.statusIfAlive(ctx)
	if err != nil {
		return nil, nil, err
	}
	if status == nil {
		if mods == "" {
			return all, nil, nil
		}
		agents, err := AgentProcesses(mods)
		if err == nil && len(agents) > 0 {
			err = &hintError{text: fmt.Sprintf("no scheduler runs, but %s does", agents[0]), hint: "wait until it has ended, then try again"}
		}
		return all, nil, err
	}
	at := map[int64]bool{}
	for _, j := range status.Working() {
		at[j.ID] = true
	}
	for _, u := range all {
		if slices.ContainsFunc(u.Jobs, func(j Job) bool { return at[j.PK] }) {
			working = append(working, u)
		} else {
			abandoned = append(abandoned, u)
		}
	}
	return abandoned, working, nil
}

// ResumeOptions say how jobs go on.
type ResumeOptions struct {
	// Queue inserts a job for each upload that unpacks it again, for which those that
	// had not ended wait, unless it is whole. Without it the files must be there.
	Queue bool
	// Agent is the one that does it: ununpack, which is FOSSology's own, if it is "",
	// or [ReunpackAgent].
	Agent string
	// Hosts are the machines on which it must run, a job for each; without any it is
	// one job, for whichever the scheduler chooses.
	Hosts []string
}

// A Resumption says what was changed.
type Resumption struct {
	Reset  []int64 `json:"reset"`            // jobs that wait again instead of running
	Queued []int64 `json:"queued,omitempty"` // jobs inserted
	Waits  int64   `json:"waits"`            // dependencies inserted
}

// Resume lets the jobs of interrupted uploads go on: those that the database believes
// to run wait again, as the scheduler's own --reset does it. It is one transaction: all of
// it happens, or nothing. A job that has ended or begun anew meanwhile stops it. The
// scheduler must stand still, or nothing may run: see [Quiesce]. It learns of the change
// by [Scheduler.Reload].
func (d *Database) Resume(ctx context.Context, uploads []Interrupted, o ResumeOptions) (*Resumption, error) {
	r := &Resumption{Reset: []int64{}}
	err := d.use(ctx, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			*r = Resumption{Reset: []int64{}}
			for _, u := range uploads {
				if err := r.upload(ctx, tx, u, o); err != nil {
					return fmt.Errorf("upload %d: %w", u.Upload, err)
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("let jobs go on: %w", adviseOn(err))
	}
	return r, nil
}

func (r *Resumption) upload(ctx context.Context, tx pgx.Tx, u Interrupted, o ResumeOptions) error {
	for _, j := range u.Jobs {
		if j.State != JobRunning && j.State != JobRunningPaused {
			continue
		}
		// The conditions are those under which the job was seen: a scheduler that
		// has started it since, or ended it, has written another start.
		tag, err := tx.Exec(ctx, `UPDATE jobqueue SET jq_starttime = NULL, jq_endtext = NULL, jq_schedinfo = NULL
			WHERE jq_pk = $1 AND jq_endtime IS NULL AND jq_starttime = $2`, j.PK, j.Start)
		if err != nil {
			return fmt.Errorf("reset job %d: %w", j.PK, err)
		}
		if tag.RowsAffected() != 1 {
			return fmt.Errorf("reset job %d: %w", j.PK, ErrJobMoved)
		}
		r.Reset = append(r.Reset, j.PK)
	}
	if !o.Queue || u.Whole {
		return nil
	}
	return r.queue(ctx, tx, u, o)
}

// queue inserts jobs that unpack an upload again. What is on the list already is not
// doubled: the others wait for it anyway.
func (r *Resumption) queue(ctx context.Context, tx pgx.Tx, u Interrupted, o ResumeOptions) error {
	for _, j := range u.Jobs {
		if j.Type == unpackAgent || j.Type == ReunpackAgent {
			return nil
		}
	}
	agent := cmp.Or(o.Agent, unpackAgent)
	if agent == unpackAgent {
		if u.CutShort {
			return nil // the agent would call the cut tree a success
		}
		// As FOSSology's own pages do it: the agent passes over what it has unpacked
		// with success, so that is taken back.
		if _, err := tx.Exec(ctx, `UPDATE ununpack_ars SET ars_success = FALSE WHERE upload_fk = $1`, u.Upload); err != nil {
			return fmt.Errorf("take back that it is unpacked: %w", err)
		}
	}
	return r.insert(ctx, tx, u.Upload, agent, o.Hosts, u.Jobs)
}

// insert inserts a job of an agent for an upload, on each of the hosts if there are any,
// for which others wait. It is the user's who had the upload analysed first, or uploaded it.
func (r *Resumption) insert(ctx context.Context, tx pgx.Tx, upload int64, agent string, hosts []string, waiting []Job) error {
	var job int64
	err := tx.QueryRow(ctx, `INSERT INTO job (job_queued, job_priority, job_name, job_upload_fk, job_user_fk, job_group_fk)
		SELECT now(), 0, 'reunpack', u.upload_pk, coalesce(j.job_user_fk, u.user_fk), coalesce(j.job_group_fk, s.group_fk)
		FROM upload u LEFT JOIN users s ON s.user_pk = u.user_fk LEFT JOIN LATERAL
			(SELECT job_user_fk, job_group_fk FROM job WHERE job_upload_fk = u.upload_pk ORDER BY job_pk LIMIT 1) j ON true
		WHERE u.upload_pk = $1 RETURNING job_pk`, upload).Scan(&job)
	if err != nil {
		return fmt.Errorf("insert job: %w", err)
	}
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	for _, host := range hosts {
		var queued int64
		err = tx.QueryRow(ctx, `INSERT INTO jobqueue (jq_job_fk, jq_type, jq_args, jq_host) VALUES ($1, $2, $3, nullif($4, '')) RETURNING jq_pk`,
			job, agent, fmt.Sprint(upload), host).Scan(&queued)
		if err != nil {
			return fmt.Errorf("insert job: %w", err)
		}
		r.Queued = append(r.Queued, queued)
		if err := r.wait(ctx, tx, waiting, queued); err != nil {
			return err
		}
	}
	return nil
}

// wait lets jobs wait for another.
func (r *Resumption) wait(ctx context.Context, tx pgx.Tx, jobs []Job, queued int64) error {
	for _, j := range jobs {
		_, err := tx.Exec(ctx, `INSERT INTO jobdepends (jdep_jq_fk, jdep_jq_depends_fk) VALUES ($1, $2)`, j.PK, queued)
		if err != nil {
			return fmt.Errorf("let job %d wait: %w", j.PK, err)
		}
		r.Waits++
	}
	return nil
}

// ErrJobMoved means that a job is not in the state any more in which it was seen.
var ErrJobMoved = errors.New("it has ended or started anew meanwhile")

// Reload tells the scheduler to look into its database for new jobs. That nobody
// listens is no error: it looks when it starts.
func (s Scheduler) Reload(ctx context.Context) error {
	_, err := s.unlessGone(func() error {
		_, err := s.ask(ctx, "database", func([]byte) bool { return true }) // "received" is all it says
		return err
	})
	return err
}
