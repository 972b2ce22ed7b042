package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"repotool/fossology"
	"repotool/repotest"
)

// TestMain lets the test binary be repotool when a script runs it, and the agent when a
// scheduler does.
func TestMain(m *testing.M) {
	launcher, launch := repotest.FaultLauncher()
	testscript.Main(m, map[string]func(){"repotool": main, fossology.ReunpackAgent: main, launcher: launch})
}

// TestScripts runs testdata/script/*.txtar. Beside the usual commands they know
//
//	exits CODE PROGRAM ARG...     run a program; its exit code must be CODE
//	appears FILE                  wait until something in the background has made a file
//	installation                  a real FOSSology of the script's own: sets REPO, DB, DSN,
//	                              CLUSTER (DSN as superuser), REPOTOOL_SYSCONF, REPOTOOL_ADMIN
//	installation alone            the same in a PostgreSQL of its own
//	scheduler                     its scheduler: sets REPOTOOL_SCHEDULER, REPOTOOL_START_COMMAND
//	scheduler starts N            it has begun to listen N times, and listens
//	scheduler agent DURATION      an agent works for so long
//	scheduler end                 that agent ends now
//	scheduler kill                it dies; its agents live on
//	sql STATEMENT                 run it in the installation's database; prints rows
//	answers COMMAND               what was printed is the documented answer of it, in JSON
//	same A B                      every file of A is in B: bytes, mode, time
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Values[siteKey{}] = &site{t: t}
			return setupScript(e)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":        exits,
			"appears":      appears,
			"installation": installation,
			"scheduler":    scheduler,
			"sql":          sql,
			"same":         same,
			"answers":      answersLike,
		},
	})
}

// setupScript keeps the machine's own configuration out.
func setupScript(e *testscript.Env) error {
	empty := filepath.Join(e.WorkDir, ".no-settings.toml")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		return err
	}
	e.Setenv("REPOTOOL_CONFIG", empty)
	e.Setenv("REPOTOOL_STATE_DIR", filepath.Join(e.WorkDir, ".state"))
	return nil
}

// exits is the script command of that name.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// appears is the script command of that name.
func appears(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: appears FILE")
	}
	for range 12000 {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s does not appear", args[0])
}
