package bench

import (
	"strings"
	"testing"
)

// TestTargets: those of the project stand in a report if they were asked for.
func TestTargets(t *testing.T) {
	took := func(wall float64) map[Step][]Sample {
		return map[Step][]Sample{First: {{Usage: Usage{Wall: wall, CPU: wall, RSS: 40e6}}}}
	}
	for _, asked := range []bool{false, true} {
		suite := lifeOf(LifeOptions{Options: Options{Files: 100_000}, Targets: asked}, nil)
		r := &Report{Files: suite.Files, Contestants: []string{Flat, RsyncCp, Borg}, Steps: []Step{First}, outcomes: suite.Outcomes,
			Samples: map[string]map[Step][]Sample{Flat: took(2), RsyncCp: took(10), Borg: took(5)}}
		var b strings.Builder
		if err := r.Markdown(&b); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(b.String(), "**Targets**"); got != asked {
			t.Errorf("asked for: %t, told: %t", asked, got)
		}
		for _, want := range []string{
			"| first snapshot: repotool, flat days against rsync -a + cp -al, wall | ≥ 4.0 × | 5.0 × | met |\n",
			"| first snapshot: repotool, flat days against borg, wall | ≥ 3.0 × | 2.5 × | **missed** |\n",
			"| repotool, all steps: memory | ≤ 150 MB | 40 MB | met |\n",
		} {
			if strings.Contains(b.String(), want) != asked {
				t.Errorf("asked for: %t; %q in\n%s", asked, want, b.String())
			}
		}
	}
}
