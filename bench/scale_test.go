package bench

import (
	"encoding/json"
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

// scalingOf is made of the samples of two contestants, one for each number of files.
func scalingOf(t *testing.T, step Step, samples map[string][]Sample) *Scaling {
	t.Helper()
	s := &Scaling{}
	for i, n := range []int{1000, 10_000, 100_000} {
		r := &Report{Contestants: []string{Flat, Gold}, Steps: []Step{step}, Files: n, Kernel: "6.1", FileSystem: "ext4", dir: "/d", bin: "/b",
			Samples: map[string]map[Step][]Sample{}, Commands: map[string]map[Step][]Command{}, Versions: map[string]string{Flat: "repotool 1"}}
		for name, all := range samples {
			if i < len(all) {
				r.add(name, step, []Command{{Args: []string{"/b/repotool", "snapshot", "--store", "/d/target/store"}}}, all[i])
			}
		}
		s.Reports = append(s.Reports, r)
	}
	s.fit()
	return s
}

// markdownOf is what a scaling says, without the spaces of its columns.
func markdownOf(t *testing.T, s *Scaling) string {
	t.Helper()
	var b strings.Builder
	if err := s.Markdown(&b); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.FieldsFunc(b.String(), func(r rune) bool { return r == ' ' }), " ")
}

// sampleOf is one of a step that took so many seconds and bytes of memory.
func sampleOf(wall, cpu float64, memory int64) Sample {
	return Sample{Usage: Usage{Wall: wall, CPU: cpu, RSS: memory}, Walked: Space{Bytes: int64(wall * 1000)}}
}

// TestScalingTables: each number of files has its columns; samples are lines that benchstat
// reads, and are in the JSON with the machine and the commands.
func TestScalingTables(t *testing.T) {
	s := scalingOf(t, First, map[string][]Sample{
		Flat: {sampleOf(1, 2, 40e6), sampleOf(10, 20, 40e6), sampleOf(100, 200, 40e6)},
	})
	got := markdownOf(t, s)
	for _, want := range []string{
		"| | 1,000 files | µs a file | memory | 10,000 files | µs a file | memory | 100,000 files | µs a file | memory | wall | CPU | memory | bytes |\n",
		"| first snapshot | 1.00 | 1000.0 | 40 MB | 10.00 | 1000.0 | 40 MB | 100.00 | 1000.0 | 40 MB | n^1.00 | n^1.00 | n^0.00 | n^1.00 |\n",
		"- seconds, on the clock or of the processor, above n^1.10: no step\n- memory, above n^0.10: no step\n",
		"\nrepotool snapshot --store target/store\n", "Versions: repotool 1.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for _, not := range []string{"failed", "not known", Gold} {
		if strings.Contains(got, not) {
			t.Errorf("%q in\n%s", not, got)
		}
	}
	var lines strings.Builder
	if err := s.GoBench(&lines); err != nil {
		t.Fatal(err)
	}
	want := "Benchmark/step=first_snapshot/who=repotool_flat_days/files=10000 1 10000000000 ns/op 20000000000 cpu-ns/op 40000000 peak-bytes 10000 added-bytes\n"
	if !strings.Contains(lines.String(), want) || strings.Count(lines.String(), "Benchmark/") != 3 {
		t.Error(lines.String())
	}
	text, err := json.Marshal(s)
	if err != nil || strings.Count(string(text), `"kernel":"6.1"`) != 3 || !strings.Contains(string(text), `"wall":100,"cpu":200,"rss":40000000`) {
		t.Errorf("%s, %v", text, err)
	}
}

// TestScalingFailed: a step that failed says so, and why, at one of three numbers of files as
// at two; what is not known is not called good.
func TestScalingFailed(t *testing.T) {
	failed := Sample{Failure: "no space\nleft"}
	got := markdownOf(t, scalingOf(t, First, map[string][]Sample{
		Flat: {sampleOf(1, 2, 40e6), failed, sampleOf(100, 200, 40e6)},
		Gold: {sampleOf(1, 2, 40e6), failed},
	}))
	for _, want := range []string{
		"| first snapshot | 1.00 | 1000.0 | 40 MB | failed | | | 100.00 | 1000.0 | 40 MB | n^1.00 | n^1.00 | n^0.00 | n^1.00 |\n",
		"\nrepotool, flat days failed with 10,000 files: first snapshot: `no space left`\n",
		"| first snapshot | 1.00 | 1000.0 | 40 MB | failed | | | | | | | | | |\n",
		"\nrepotool, gold only failed with 10,000 files: first snapshot: `no space left`\n",
		"- not known, for want of two numbers of files: repotool, gold only: first snapshot\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "| 0.00 |") || strings.Contains(got, "≤") {
		t.Error(got)
	}
}

// TestScalingLimits: memory that is no more than that of the program that measures is a limit,
// and does not grow with it.
func TestScalingLimits(t *testing.T) {
	limit := func(wall float64, memory int64) Sample {
		return Sample{Usage: Usage{Wall: wall, CPU: wall, RSS: memory, Floor: memory}}
	}
	got := markdownOf(t, scalingOf(t, First, map[string][]Sample{Flat: {limit(1, 20e6), limit(10, 40e6), sampleOf(100, 100, 90e6)}}))
	for _, want := range []string{
		"| 1.00 | 1000.0 | ≤ 20 MB | 10.00 | 1000.0 | ≤ 40 MB | 100.00 | 1000.0 | 90 MB | n^1.00 | n^1.00 | | n^0.00 |\n",
		"- memory, above n^0.10: no step\n- memory not known, for it is no more than this program's own: repotool, flat days: first snapshot\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// TestScalingVerdict: what grows faster than linearly, by either measure, or whose memory
// grows, is named.
func TestScalingVerdict(t *testing.T) {
	for _, test := range []struct {
		name         string
		flat, gold   func(n float64) Sample
		seconds, fat string
	}{
		{"none", func(n float64) Sample { return sampleOf(n, n, 40e6) }, func(n float64) Sample { return sampleOf(math.Pow(n, 1.09), 1, int64(40e6*math.Pow(n, 0.09))) },
			"no step", "no step"},
		{"wall", func(n float64) Sample { return sampleOf(math.Pow(n, 1.2), n, 40e6) }, func(n float64) Sample { return sampleOf(n, n, 40e6) },
			"repotool, flat days: verify all data (wall n^1.20, CPU n^1.00)", "no step"},
		{"CPU, and memory of both", func(n float64) Sample { return sampleOf(n, n, int64(40e6*n)) }, func(n float64) Sample { return sampleOf(n, n*n, int64(40e6*math.Pow(n, 0.15))) },
			"repotool, gold only: verify all data (wall n^1.00, CPU n^2.00)",
			"repotool, flat days: verify all data (n^1.00); repotool, gold only: verify all data (n^0.15)"},
	} {
		samples := map[string][]Sample{}
		for _, n := range []float64{1, 10, 100} {
			samples[Flat], samples[Gold] = append(samples[Flat], test.flat(n)), append(samples[Gold], test.gold(n))
		}
		want := "- seconds, on the clock or of the processor, above n^1.10: " + test.seconds + "\n- memory, above n^0.10: " + test.fat + "\n"
		if got := markdownOf(t, scalingOf(t, Verify, samples)); !strings.Contains(got, want) {
			t.Errorf("%s: no %q in\n%s", test.name, want, got)
		}
	}
}
