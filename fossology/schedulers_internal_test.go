package fossology

import (
	"os/exec"
	"slices"
	"testing"
)

// TestOtherSchedulers: what "fo_scheduler --kill" would end beside the scheduler itself.
func TestOtherSchedulers(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	cmd.Args[0] = "/usr/local/share/fossology/scheduler/agent/fo_scheduler"
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	for pid, want := range map[int]bool{1: true, cmd.Process.Pid: false} {
		if got := otherSchedulers(pid); slices.Contains(got, cmd.Process.Pid) != want {
			t.Errorf("beside %d there are %v; process %d among them: want %v", pid, got, cmd.Process.Pid, want)
		}
	}
}
