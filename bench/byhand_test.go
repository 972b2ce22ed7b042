package bench_test

import (
	"math"
	"testing"
	"time"

	"repotool/bench"
	"repotool/snapshot"
)

// TestByHand: figures by hand take the place of an installation, and those that are missing
// follow from them.
func TestByHand(t *testing.T) {
	size := func(string) (uint64, error) { return 4_200_000_000, nil }
	now := time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
	s, rest, err := bench.ByHand([]string{"gold=4.2GB", "growthGold=17", "files=54e9", "unpack=600"}, size, now)
	if err != nil || len(rest) != 1 || rest[0] != "growthGold=17" {
		t.Fatalf("%v, %v", rest, err)
	}
	if s.GoldToo != s.Gold || s.LeftOut.Bytes != 54e9-54e7-4.2e9 || s.Gold.Bytes != 4_200_000_000 || s.Files.Bytes != 54e9 || s.Unproven.Bytes != 54e7 || s.Rebuild.Seconds != 600 || s.Rebuild.Longest != 60 {
		t.Errorf("%+v", s)
	}
	a := bench.Assume(s, nil, snapshot.Policy{})
	for _, c := range bench.Forecast(s, &a) {
		if !(c.Bytes[1] > 4e9 && c.Bytes[1] < 90e9) || !(c.Last >= c.Service && c.Service > 0) {
			t.Errorf("%s: %v, %g, %g", c.Name(), c.Bytes, c.Service, c.Last)
		}
	}
	if s, _, err := bench.ByHand([]string{"gold=4.2GB", "files=54e9"}, size, now); err != nil || s.Rebuild.Bytes != 54e9-4.2e9 || math.Abs(s.Rebuild.Seconds/(49.8e9/914e6*8.1)-1) > 1e-6 {
		t.Errorf("%v; copies of gold come out of nothing: %+v", err, s.Rebuild)
	}
	if s, rest, err := bench.ByHand([]string{"block=1"}, size, now); s != nil || len(rest) != 1 || err != nil {
		t.Errorf("%v, %v, %v", s, rest, err)
	}
	for _, wrong := range [][]string{{"gold=1"}, {"files=1", "golds=1"}, {"gold=1", "files=NaN"}, {"gold=1", "files=-1"}, {"gold=1", "files=1", "unpack=long"}} {
		if _, _, err := bench.ByHand(wrong, size, now); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}
