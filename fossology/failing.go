package fossology

import (
	"os"
	"strings"
	"syscall"
)

// A watchdog can only run the start command that it was given. When that does not
// work, it tries again for minutes, and nobody must wait for it: whoever comes
// next and knows a better command takes the duty over.

// didNotStart is how a watchdog's log tells of a start that failed.
const didNotStart = "scheduler did not start"

// watchdogLog is the file with what the note's watchdog says.
func (n Note) watchdogLog() string { return strings.TrimSuffix(n.Path, ".json") + ".log" }

// StartFailed returns what the watchdog that holds a note said of its last attempt
// to start the scheduler, if that failed; else "".
func (n Note) StartFailed() string {
	if !n.onlyWatched() {
		return ""
	}
	said, err := os.ReadFile(n.watchdogLog())
	if err != nil {
		return ""
	}
	last := ""
	for line := range strings.Lines(string(said)) {
		if strings.Contains(line, didNotStart) {
			last = strings.TrimSpace(line)
		}
	}
	return last
}

// onlyWatched reports whether a watchdog of this host holds a note alone: the
// process that stopped the scheduler is gone.
func (n Note) onlyWatched() bool {
	return n.Damaged == nil && n.Host == hostname() && n.Boot == bootID() && n.Watchdog.alive() &&
		(n.Owner == n.Watchdog || !n.Owner.alive())
}

// dismissFailing ends a watchdog that holds a note and cannot start the scheduler.
// It reports whether it did: then nobody holds the note.
func (n Note) dismissFailing() bool {
	if n.StartFailed() == "" {
		return false
	}
	return syscall.Kill(n.Watchdog.PID, syscall.SIGKILL) == nil
}
