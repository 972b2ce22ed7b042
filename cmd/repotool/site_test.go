package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"repotool/bench"
	"repotool/fossology"
	"repotool/repotest"
)

// site is the FOSSology of one script.
type site struct {
	t         *testing.T
	pg        *repotest.Cluster
	database  string
	sysconf   string
	scheduler *repotest.Scheduler
	agents    int64
}

type siteKey struct{}

func siteOf(ts *testscript.TestScript) *site { return ts.Value(siteKey{}).(*site) }

// installation is the script command of that name.
func installation(ts *testscript.TestScript, neg bool, args []string) {
	alone := slices.Equal(args, []string{"alone"})
	if neg || len(args) > 0 && !alone {
		ts.Fatalf("usage: installation [alone]")
	}
	s := siteOf(ts)
	repository, dsn := repotest.Repository(s.t), ""
	if alone {
		pg, err := repotest.Start()
		ts.Check(err)
		ts.Defer(func() { pg.Stop() })
		ts.Check(pg.Load("fossology"))
		s.pg, dsn = pg, pg.DSN("fossology")
	} else {
		s.pg, dsn = repotest.Postgres(s.t), repotest.Fossology(s.t)
	}
	s.sysconf = repotest.Sysconf(s.t, repository, dsn)
	for _, word := range strings.Fields(dsn) {
		if name, ok := strings.CutPrefix(word, "dbname="); ok {
			s.database = name
		}
	}
	if s.database == "" {
		ts.Fatalf("no dbname in %s", fossology.DSN(dsn))
	}
	ts.Setenv("REPO", repository)
	ts.Setenv("DB", s.database)
	ts.Setenv("DSN", dsn)
	ts.Setenv("REPOTOOL_SYSCONF", s.sysconf)
	ts.Setenv("REPOTOOL_ADMIN", s.pg.AdminDSN("postgres"))
	ts.Setenv("CLUSTER", s.pg.AdminDSN(s.database))
	ts.Setenv("REPOTOOL_PG_BIN", s.pg.Bin)
}

// scheduler is the script command of that name.
func scheduler(ts *testscript.TestScript, neg bool, args []string) {
	s := siteOf(ts)
	switch {
	case neg:
		ts.Fatalf("usage: scheduler [starts N|agent DURATION|end|kill]")
	case len(args) == 0:
		s.scheduler = repotest.NewScheduler(s.t, repotest.SchedulerOptions{Sysconf: s.sysconf})
		ts.Setenv("REPOTOOL_SCHEDULER", s.scheduler.Address())
		command := s.scheduler.StartCommand()
		ts.Setenv("REPOTOOL_START_COMMAND", command[len(command)-1])
	case args[0] == "starts" && len(args) == 2:
		want, err := strconv.Atoi(args[1])
		ts.Check(err)
		// What was killed is started again by somebody else, a moment later.
		for range 12000 {
			if s.scheduler.Starts() == want && s.scheduler.Running() {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		ts.Fatalf("started %d times, running %v, want %d and running; %v", s.scheduler.Starts(), s.scheduler.Running(), want, s.scheduler.Events())
	case args[0] == "agent" && len(args) == 2:
		d, err := time.ParseDuration(args[1])
		ts.Check(err)
		s.agents++
		s.scheduler.StartAgent(s.agents, "nomos", d)
	case args[0] == "end":
		s.scheduler.EndAgent(s.agents)
	case args[0] == "kill":
		s.scheduler.Kill()
	default:
		ts.Fatalf("usage: scheduler [starts N|agent DURATION|end|kill]")
	}
}

// sql is the script command of that name.
func sql(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sql STATEMENT")
	}
	s := siteOf(ts)
	fmt.Fprint(ts.Stdout(), s.pg.SQL(s.t, s.database, args[0]))
}

// same is the script command of that name.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: same A B")
	}
	d, err := bench.Compare(siteOf(ts).t.Context(), ts.MkAbs(args[0]), ts.MkAbs(args[1]))
	ts.Check(err)
	d.Extra = 0
	if d.Same() == neg {
		ts.Fatalf("%+v", d)
	}
}
