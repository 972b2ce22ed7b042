package fossology

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSystemdVerb: a unit that remains active when the scheduler has gone, as one made of an
// init script does, would not be started by "start".
func TestSystemdVerb(t *testing.T) {
	for answer, want := range map[string]string{"echo RemainAfterExit=yes": "restart", "echo RemainAfterExit=no": "start", "exit 1": "start"} {
		systemctl := filepath.Join(t.TempDir(), "systemctl")
		script := "#!/bin/sh\n[ \"$*\" = 'show --property=RemainAfterExit fossology' ] || exit 2\n" + answer + "\n"
		if err := os.WriteFile(systemctl, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		if got := systemdVerb(systemctl, "fossology"); got != want {
			t.Errorf("%s: %q, want %q", answer, got, want)
		}
	}
}
