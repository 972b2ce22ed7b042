package fossology_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"repotool/fossology"
	"repotool/repotest"
)

// TestMain lets the test binary be three programs: the tests, the watchdog that
// Quiesce starts, and the victim of TestReleasePaths.
func TestMain(m *testing.M) {
	var err error
	switch {
	case len(os.Args) > 1 && os.Args[1] == fossology.WatchdogCommand:
		err = fossology.Watchdog(context.Background(), os.Args[2:], os.Stdin)
	case os.Getenv(victimEnv) != "":
		err = victim(os.Getenv(victimEnv))
	default:
		repotest.Main(m)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
