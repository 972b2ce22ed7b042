package fossology

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A SchedulerStatus is the scheduler's answer to the command status.
type SchedulerStatus struct {
	PID      int // of the scheduler
	Revision string
	Log      string
	Port     int
	Jobs     []SchedulerJob // those in its memory; more may wait in the database
}

// A SchedulerJob is a job in the scheduler's memory.
type SchedulerJob struct {
	ID       int64  // jq_pk; negative for the scheduler's tests of its agents after a start
	Status   string // JOB_CHECKEDOUT, JOB_STARTED, JOB_PAUSED, JOB_RESTART or JOB_COMPLETE
	Type     string // name of the agent
	Running  int    // agents at work
	Finished int
	Failed   int
}

// String describes the job in few words.
func (j SchedulerJob) String() string {
	if j.ID < 0 {
		return fmt.Sprintf("the scheduler's test of agent %s", j.Type)
	}
	return fmt.Sprintf("job %d (%s)", j.ID, j.Type)
}

// Suspended reports whether the job has an agent that is stopped in the middle of
// its work and will not end before somebody continues it.
func (j SchedulerJob) Suspended() bool { return j.Status == "JOB_PAUSED" && j.Running > 0 }

// Working returns the jobs that have agents at work: the scheduler's tests of
// agents too, but not what it still shows of jobs that are complete.
func (s *SchedulerStatus) Working() []SchedulerJob {
	var working []SchedulerJob
	for _, j := range s.Jobs {
		if j.Running > 0 {
			working = append(working, j)
		}
	}
	return working
}

// The two forms of lines in an answer to status. A path of a log may hold blanks.
var (
	schedulerLine = regexp.MustCompile(`^scheduler:(\d+) revision:(.*) daemon:\d+ jobs:\d+ log:(.*) port:(\d+) verbose:\d+$`)
	jobLine       = regexp.MustCompile(`^job:(-?\d+) status:(\S+) type:(.*), priority:-?\d+ running:(\d+) finished:(\d+) failed:(\d+)$`)
)

// ParseSchedulerStatus reads an answer to status: the lines between "received"
// and the zero byte.
func ParseSchedulerStatus(answer string) (*SchedulerStatus, error) {
	lines := strings.Split(answer, "\n")
	if len(lines) < 3 || lines[len(lines)-2] != "end" || lines[len(lines)-1] != "" {
		return nil, fmt.Errorf("parse answer %.60q: expected lines and end", answer)
	}
	m := schedulerLine.FindStringSubmatch(lines[0])
	if m == nil {
		return nil, fmt.Errorf("parse answer: found %.200q: expected the keys scheduler, revision, daemon, jobs, log, port and verbose", lines[0])
	}
	n := numbers{}
	s := &SchedulerStatus{PID: int(n.read(m[1])), Revision: m[2], Log: m[3], Port: int(n.read(m[4]))}
	for _, line := range lines[1 : len(lines)-2] {
		m := jobLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("parse answer: found %.200q: expected the keys job, status, type, priority, running, finished and failed", line)
		}
		s.Jobs = append(s.Jobs, SchedulerJob{
			ID: n.read(m[1]), Status: m[2], Type: m[3],
			Running: int(n.read(m[4])), Finished: int(n.read(m[5])), Failed: int(n.read(m[6])),
		})
	}
	if n.err != nil {
		return nil, fmt.Errorf("parse answer: %w", n.err)
	}
	return s, nil
}

// numbers reads decimal numbers and remembers the first error.
type numbers struct{ err error }

func (n *numbers) read(s string) int64 {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil && n.err == nil {
		n.err = err
	}
	return v
}
