package bench

import (
	"math"
	"strings"
	"testing"
)

// TestExponent: powers are found again.
func TestExponent(t *testing.T) {
	n := []float64{1e4, 1e5, 1e6}
	for _, want := range []float64{0, 0.5, 1, 1.3} {
		var y []float64
		for _, x := range n {
			y = append(y, 3*math.Pow(x, want))
		}
		if got := exponent(n, y); math.Abs(got-want) > 1e-9 {
			t.Errorf("n^%g: %g", want, got)
		}
	}
	if got := exponent(n, []float64{1, 0, 3}); got != 0 {
		t.Errorf("nothing: %g", got)
	}
}

// TestScalingTables: each number of files has its columns; samples are lines that benchstat reads.
func TestScalingTables(t *testing.T) {
	s := &Scaling{}
	for _, n := range []int{1000, 10_000} {
		r := &Report{Contestants: []string{Flat}, Steps: []Step{First}, Files: n, Kernel: "6.1", FileSystem: "ext4", Samples: map[string]map[Step][]Sample{Flat: {First: {
			{Usage: Usage{Wall: float64(n) / 1000, CPU: 1, RSS: 40 << 20}, Walked: Space{Bytes: int64(n) * 100}}, {Failure: "x"}}}}}
		s.Reports = append(s.Reports, r)
	}
	s.fit()
	var table, lines strings.Builder
	if err := s.Markdown(&table); err != nil {
		t.Fatal(err)
	}
	if err := s.GoBench(&lines); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(table.String(), "n^1.00") || !strings.Contains(table.String(), "n^0.00") || strings.Count(table.String(), "µs a file") != 2 {
		t.Error(table.String())
	}
	want := "Benchmark/step=first_snapshot/who=repotool_flat_days/files=10000 1 10000000000 ns/op 1000000000 cpu-ns/op 41943040 peak-bytes 1000000 added-bytes\n"
	if !strings.Contains(lines.String(), want) || strings.Count(lines.String(), "Benchmark/") != 2 {
		t.Error(lines.String())
	}
}
