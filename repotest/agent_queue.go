package repotest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// An AgentQueue does with the queue of a database what the scheduler does with it, for
// the agents that are installed: it takes the jobs that wait for nothing, runs their
// agents, and writes down how they ended.
type AgentQueue struct {
	Cluster  *Cluster
	Database string
	Sysconf  string
	Host     string // a job that asks for another host is left alone
	Remote   bool   // the agents are started there, see AgentStart
	Args     []string
}

// AgentRun is one job that was run.
type AgentRun struct {
	Job  int64
	Type string
	Item string
	AgentEnd
}

// runnableSQL selects the jobs that wait for nothing.
const runnableSQL = `SELECT q.jq_pk, q.jq_type, q.jq_args, coalesce(q.jq_host, '') FROM jobqueue q
	WHERE q.jq_starttime IS NULL AND q.jq_endtime IS NULL AND NOT EXISTS (
		SELECT FROM jobdepends d LEFT JOIN jobqueue p ON p.jq_pk = d.jdep_jq_depends_fk
		WHERE d.jdep_jq_fk = q.jq_pk AND coalesce(p.jq_end_bits, 0) <> 1)
	ORDER BY q.jq_pk`

// Runnable are the keys of the jobs that wait for nothing, of all types.
func (q AgentQueue) Runnable(t testing.TB) (keys []int64) {
	t.Helper()
	for _, row := range q.rows(t, runnableSQL) {
		keys = append(keys, number(t, row[0]))
	}
	return keys
}

// Run runs the jobs of some agents until none of them can run any more.
func (q AgentQueue) Run(t testing.TB, agents ...string) (runs []AgentRun) {
	t.Helper()
	for {
		ran := false
		for _, row := range q.rows(t, runnableSQL) {
			pk, kind, item, host := number(t, row[0]), row[1], row[2], row[3]
			if !slices.Contains(agents, kind) || host != "" && host != q.Host {
				continue
			}
			runs = append(runs, AgentRun{pk, kind, item, q.run(t, pk, kind, item)})
			ran = true
		}
		if !ran {
			return runs
		}
	}
}

// run runs one job.
func (q AgentQueue) run(t testing.TB, pk int64, kind, item string) AgentEnd {
	t.Helper()
	q.exec(t, `UPDATE jobqueue SET jq_starttime = now(), jq_endtext = 'Started', jq_schedinfo = 'localhost.1888' WHERE jq_pk = %d`, pk)
	talk := TalkToAgent(t, AgentStart{Sysconf: q.Sysconf, Name: kind, Job: pk, Args: q.Args, Remote: q.Remote})
	talk.Give(item)
	// An agent that fails says BYE instead of OK.
	talk.until("OK or BYE", func() bool { return talk.asked <= 0 || talk.state.bye })
	talk.Say("CLOSE")
	end := talk.Wait()
	if n := len(end.Hearts); n > 0 {
		q.exec(t, `UPDATE jobqueue SET jq_itemsprocessed = %d WHERE jq_pk = %d`, end.Hearts[n-1].Done, pk)
	}
	if end.Bye == 0 {
		q.exec(t, `UPDATE jobqueue SET jq_endtime = now(), jq_endtext = 'Completed', jq_end_bits = 1, jq_schedinfo = NULL WHERE jq_pk = %d`, pk)
		return end
	}
	q.exec(t, `UPDATE jobqueue SET jq_endtime = now(), jq_endtext = 'Failed', jq_end_bits = 2, jq_schedinfo = NULL WHERE jq_pk = %d`, pk)
	q.exec(t, `WITH RECURSIVE lost AS (SELECT jdep_jq_fk AS pk FROM jobdepends WHERE jdep_jq_depends_fk = %d
			UNION SELECT d.jdep_jq_fk FROM jobdepends d JOIN lost ON lost.pk = d.jdep_jq_depends_fk)
		UPDATE jobqueue SET jq_endtime = now(), jq_endtext = 'dependency failed', jq_end_bits = 2
		WHERE jq_endtime IS NULL AND jq_pk IN (SELECT pk FROM lost)`, pk)
	return end
}

func (q AgentQueue) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	q.Cluster.SQL(t, q.Database, fmt.Sprintf(sql, args...))
}

func (q AgentQueue) rows(t testing.TB, sql string) (rows [][]string) {
	t.Helper()
	for line := range strings.Lines(q.Cluster.SQL(t, q.Database, sql)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			rows = append(rows, strings.Split(line, "|"))
		}
	}
	return rows
}

func number(t testing.TB, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
