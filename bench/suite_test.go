package bench_test

import (
	"path/filepath"
	"strings"
	"testing"

	"repotool/bench"
)

// TestTurns: who comes first in a run comes last in the next one; who is slow has one run.
func TestTurns(t *testing.T) {
	dir := t.TempDir()
	s := &bench.Suite{Steps: []bench.Step{"step"}, Place: bench.Place{
		Target: filepath.Join(dir, "target"), Restored: filepath.Join(dir, "restored"), Cache: filepath.Join(dir, "cache")}}
	for _, name := range []string{"a", "b", "c", "slow"} {
		s.Contestants = append(s.Contestants, bench.Contestant{Name: name, Version: []string{"true"}, Steps: s.Steps, Once: name == "slow",
			Commands: func(bench.Place, bench.Step) ([]bench.Command, error) {
				return []bench.Command{{Args: []string{"true"}}}, nil
			}})
	}
	runs := make([][]string, 5)
	_, err := s.Run(t.Context(), bench.RunOptions{Runs: len(runs), Note: func(e bench.Event) {
		if e.Sample != nil {
			runs[e.Run-1] = append(runs[e.Run-1], e.Contestant)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"a b c slow", "b c a", "c a b", "a b c", "a b c"} {
		if got := strings.Join(runs[i], " "); got != want {
			t.Errorf("run %d: %s, want %s", i+1, got, want)
		}
	}
}
