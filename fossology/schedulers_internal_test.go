package fossology

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// TestOtherSchedulers: what "fo_scheduler --kill" would end beside the scheduler itself.
func TestOtherSchedulers(t *testing.T) {
	cmd := exec.Command("sleep", "600")
	cmd.Args[0] = "/usr/local/share/fossology/scheduler/agent/fo_scheduler"
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	for { // the kernel sets it a little later than the program
		if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid)); err != nil {
			t.Fatal(err)
		} else if len(line) > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	for pid, want := range map[int]bool{1: true, cmd.Process.Pid: false} {
		if got := otherSchedulers(pid); slices.Contains(got, cmd.Process.Pid) != want {
			t.Errorf("beside %d there are %v; process %d among them: want %v", pid, got, cmd.Process.Pid, want)
		}
	}
}
