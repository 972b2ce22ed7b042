package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// standstill tells the last snapshot's standstill from the scheduler's side, and
// how long it was. It fails unless the scheduler runs again.
func (d *demo) standstill() error {
	events := slices.DeleteFunc(d.scheduler.Events(), func(e string) bool { return e == "status" }) // only a question
	last := events[max(0, len(events)-4):]
	if want := []string{"stop", "ended", "starting", "started"}; !slices.Equal(last, want) || !d.scheduler.Running() {
		return fmt.Errorf("the scheduler runs: %v, after %s; expected %s", d.scheduler.Running(), strings.Join(last, ", "), strings.Join(want, ", "))
	}
	out, err := exec.Command(d.program, "snapshots", "--json", "latest").Output()
	if err != nil {
		return fmt.Errorf("repotool snapshots: %w", err)
	}
	var answer struct {
		Summary struct{ StandstillSeconds float64 }
	}
	if err := json.Unmarshal(out, &answer); err != nil || answer.Summary.StandstillSeconds == 0 {
		return fmt.Errorf("repotool snapshots: no seconds of standstill in %.200s (%v)", out, err)
	}
	fmt.Println("  Seen from the scheduler: told to stop; let its agent finish; ended; was started again.")
	fmt.Printf("  FOSSology stood still for %.1f seconds, and works again.\n", answer.Summary.StandstillSeconds)
	return nil
}
