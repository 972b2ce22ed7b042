package main

import (
	"math"
	"testing"

	"repotool/bench"
)

// TestISORows: what stands beside what, and what a DVD would take here by what an ISO took.
func TestISORows(t *testing.T) {
	for _, test := range []struct {
		name          string
		in, out       int64
		seconds       float64
		ratio         float64
		scaledOut     int64
		scaledSeconds float64
	}{
		{"a tenth", 420_000_000, 5_040_000_000, 60, 12, 50_400_000_000, 600},
		{"as large", 4_200_000_000, 46_200_000_000, 700, 11, 46_200_000_000, 700},
		{"less comes out than goes in", 42_000_000, 21_000_000, 1, 0.5, 2_100_000_000, 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := isoRows(&bench.Unpacking{In: test.in, Distinct: bench.Amount{Bytes: test.out}, Out: 2 * test.out, Seconds: test.seconds})
			want := []isoRow{
				{"Fedora-11-source-DVD.iso, 2009", 4_200_000_000, 54_000_000_000, 54. / 4.2, 19_800, false},
				{"FOSSology, re-unpacking (recorded)", 66_271_232, 853_667_890, 853_667_890. / 66_271_232, 125.9, false},
				{"repotool here", test.in, test.out, test.ratio, test.seconds, false},
				{"repotool here, scaled to 4.2 GB", 4_200_000_000, test.scaledOut, test.ratio, test.scaledSeconds, true},
			}
			if len(got) != len(want) {
				t.Fatalf("%d rows", len(got))
			}
			for i := range want {
				if !sameRow(got[i], want[i]) {
					t.Errorf("got  %+v\nwant %+v", got[i], want[i])
				}
			}
		})
	}
	if rows := isoRows(&bench.Unpacking{}); rows[2].Ratio != 0 || math.IsNaN(rows[3].Seconds) {
		t.Errorf("of nothing: %+v", rows)
	}
}

// sameRow leaves fractions their last digits.
func sameRow(a, b isoRow) bool {
	near := math.Abs(a.Ratio-b.Ratio) < 1e-9 && math.Abs(a.Seconds-b.Seconds) < 1e-6
	a.Ratio, a.Seconds = b.Ratio, b.Seconds
	return near && a == b
}
