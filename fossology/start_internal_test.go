package fossology

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSystemdVerb: a unit that remains active when the scheduler has gone, as one made of an
// init script does, would not be started by "start".
func TestSystemdVerb(t *testing.T) {
	for answer, want := range map[string]string{"echo LoadState=loaded; echo RemainAfterExit=yes": "restart", "echo RemainAfterExit=no; echo LoadState=loaded": "start",
		"echo RemainAfterExit=no; echo LoadState=not-found": "", "exit 1": ""} {
		systemctl := filepath.Join(t.TempDir(), "systemctl")
		script := "#!/bin/sh\n[ \"$*\" = 'show --property=LoadState,RemainAfterExit fossology' ] || exit 2\n" + answer + "\n"
		if err := os.WriteFile(systemctl, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		if got := systemdVerb(t.Context(), systemctl, "fossology"); got != want {
			t.Errorf("%s: %q, want %q", answer, got, want)
		}
	}
}

// TestRestarts: whether a command ends what runs is seen in each form that it may have.
func TestRestarts(t *testing.T) {
	for _, c := range []struct {
		command []string
		want    bool
	}{
		{[]string{"/usr/bin/systemctl", "restart", "fossology"}, true},
		{[]string{"systemctl", "start", "fossology"}, false},
		{[]string{"sudo", "-n", "systemctl", "--no-block", "restart", "fossology"}, true},
		{[]string{"/bin/sh", "-c", "sudo systemctl restart fossology"}, true},
		{[]string{"/bin/sh", "-c", "sudo systemctl start fossology"}, false},
		{[]string{"/bin/sh", "-c", "ssh host 'systemctl restart fossology' && echo started"}, true},
		{[]string{"/bin/sh", "-c", "systemctl stop fossology; systemctl start fossology"}, true},
		{[]string{"/bin/sh", "-c", "systemctl start fossology; echo no restart"}, false},
		{[]string{"/usr/sbin/service", "fossology", "start"}, false},
		{[]string{"/bin/sh", "-c", "service fossology restart"}, true},
		{[]string{"/etc/init.d/fossology", "start"}, false},
		{[]string{"/bin/sh", "-c", "sudo /etc/init.d/fossology restart"}, true},
		{[]string{"docker", "restart", "fossology"}, false},
		{[]string{"/bin/sh", "-c", "/usr/share/fossology/scheduler/agent/fo_scheduler --daemon"}, false},
		{nil, false},
	} {
		if got := restarts(c.command); got != c.want {
			t.Errorf("%q: %v", c.command, got)
		}
	}
}

// TestRunWithoutTemporary: the start command is run though its words can be kept nowhere.
func TestRunWithoutTemporary(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(dir, "nowhere"))
	started := filepath.Join(dir, "started")
	if err := run(t.Context(), []string{"sh", "-c", "echo words; echo > " + started}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(started); err != nil {
		t.Error(err)
	}
}
