package bench_test

import (
	"math"
	"testing"

	"repotool/bench"
	"repotool/prune"
	"repotool/snapshot"
)

// TestForecastGrows: more of anything costs more, and linearly.
func TestForecastGrows(t *testing.T) {
	p := aPage()
	for i, c := range p.Choices {
		if !(c.Bytes[1] < c.Bytes[7] && c.Bytes[7] < c.Bytes[30] && c.Bytes[30] < c.Bytes[365]) || c.Last < c.Service {
			t.Errorf("%s: %v, service %g, last %g", c.Name(), c.Bytes, c.Service, c.Last)
		}
		a := *p.Assumptions
		a.GrowthGold, a.FilesRate = 2*a.GrowthGold, a.FilesRate/2
		d := bench.Forecast(p.Survey, &a)[i]
		if d.Bytes[1] != c.Bytes[1] || d.Bytes[365] <= c.Bytes[365] || d.Service <= c.Service {
			t.Errorf("%s: %v, then %v", c.Name(), c.Bytes, d.Bytes)
		}
	}
	if n := p.Choices[0].Snapshots; n[1] != 1 || n[7] != 7 || n[365] < 18 || n[365] > 26 {
		t.Errorf("retention: %v", n)
	}
	a := *p.Assumptions
	a.Kept365 = 300
	if c := bench.Forecast(p.Survey, &a)[0]; c.Snapshots[365] != 300 || c.Bytes[365] <= p.Choices[0].Bytes[365] || c.Bytes[30] != p.Choices[0].Bytes[30] {
		t.Errorf("300 snapshots stay: %v, %v", c.Snapshots, c.Bytes)
	}
}

// TestPrunings: each level leaves less in the repository than the one before it, by what it
// frees and by its share of what comes, and brings it back in the time that its gold takes.
func TestPrunings(t *testing.T) {
	p := aPage()
	s, a := p.Survey, *p.Assumptions
	a.GrowthGold, a.GrowthRatio, a.RebuildFactor, a.Parallel, a.FilesRate, a.BytesRate = 1e9, 10, 2, 4, 1000, 1e9
	all := bench.Prunings(s, &a)
	if len(all) != 4 || all[0].Level != "none" || all[0].Back != 0 {
		t.Fatalf("%+v", all)
	}
	files := float64(s.Gold.Disk + s.Files.Disk + s.Other.Disk)
	if got, want := all[0].Bytes[1], files+float64(s.DirsDisk); math.Abs(got/want-1) > 1e-9 {
		t.Errorf("%g bytes now, want %g", got, want)
	}
	for i, x := range all {
		h := s.Prunable[x.Level]
		if least := files - float64(h.Disk); x.Bytes[1] <= least || x.Bytes[1] > least+float64(s.DirsDisk)*(1+1e-9) {
			t.Errorf("%s: %g bytes; files alone take %g, directories at most %d", x.Level, x.Bytes[1], least, s.DirsDisk)
		}
		blocks := float64(s.Gold.Disk)/float64(s.Gold.Bytes)*1e9 + float64(s.Files.Disk-h.Disk)/float64(s.Files.Bytes)*10e9
		if got := (x.Bytes[365] - x.Bytes[1]) / 364; got < blocks*1.0005 || got > blocks*1.05 { // directories are the rest
			t.Errorf("%s: grows by %g a night, by %g in files", x.Level, got, blocks)
		}
		if i > 0 && (x.Bytes[365] >= all[i-1].Bytes[365] || x.Back <= all[i-1].Back) {
			t.Errorf("%s: %v, %g s; before %v, %g s", x.Level, x.Bytes, x.Back, all[i-1].Bytes, all[i-1].Back)
		}
	}
	if want := 2*12_500/4.0 + 590 + 880; math.Abs(all[3].Back-want) > 1e-6 {
		t.Errorf("derived comes back in %g s, want %g", all[3].Back, want)
	}
	s.Prunable = nil
	if all := bench.Prunings(s, &a); len(all) != 1 {
		t.Errorf("nothing is proven: %+v", all)
	}
}

// TestGrowthAsNow: when as much has come as there was, of the same kind, then a backup is as
// large as that of an installation of twice the size, and so is a repository.
func TestGrowthAsNow(t *testing.T) {
	p := aPage()
	s, a := p.Survey, *p.Assumptions
	a.GrowthGold, a.GrowthRatio, a.DumpNight, a.Kept7, a.Cycle = float64(s.Gold.Bytes)/6, s.Ratio(), 0, 1, 1000
	a.KeptAt = map[int]float64{1: 1, 7: 1}
	s.Other, s.Work = bench.Holding{}, bench.Holding{} // they do not grow
	twice := *s
	for _, h := range []*bench.Holding{&twice.Gold, &twice.Files, &twice.GoldToo, &twice.Unproven, &twice.Proven, &twice.LeftOut} {
		*h = h.Plus(*h)
	}
	twice.Ledger *= 2
	twice.Prunable = map[prune.Level]bench.Holding{}
	for l, h := range s.Prunable {
		twice.Prunable[l] = h.Plus(h)
	}
	all := bench.Forecast(&twice, &a)
	for i, c := range bench.Forecast(s, &a) {
		want := all[i].Bytes[1] + all[i].Parts.Snapshot*float64(c.Snapshots[7]-1)
		if math.Abs(c.Bytes[7]/want-1) > 1e-6 {
			t.Errorf("%s: %g after it has doubled, want %g", c.Name(), c.Bytes[7], want)
		}
	}
	for _, x := range bench.Prunings(s, &a) {
		if files := float64(twice.Gold.Disk + twice.Files.Disk - twice.Prunable[x.Level].Disk); x.Bytes[7] < files || x.Bytes[7] > files+2*float64(s.DirsDisk) {
			t.Errorf("%s: %g after it has doubled; files alone take %g", x.Level, x.Bytes[7], files)
		}
	}
}

// TestDaysOfBetween: of snapshots that stay from all nights the first are as small as those of
// now, and the last as large as those of then.
func TestDaysOfBetween(t *testing.T) {
	s := aPage().Survey
	days := func(a *bench.Assumptions) (of [2]float64) {
		all := bench.Forecast(s, a)
		for i, h := range []int{1, 30} {
			of[i] = all[0].Bytes[h] - all[2].Bytes[h] // of no days
		}
		return of
	}
	a := bench.Assume(s, nil, snapshot.Policy{})
	all := days(&a)
	a.Kept30, a.KeptAt[30] = 1, 1
	one := days(&a)
	if want := 30 * (one[0] + one[1]) / 2; one[1] < 1.05*one[0] || math.Abs(all[1]/want-1) > 1e-3 {
		t.Errorf("30 days take %g, want %g: %v", all[1], want, one)
	}
	recent := bench.Assume(s, nil, snapshot.Policy{Last: 7, Monthly: 12})
	if at := recent.KeptAt[365]; at < 0.6 || at > 0.9 || recent.KeptAt[7] != 0.5 {
		t.Errorf("%v", recent.KeptAt)
	}
}

// TestDumpsOfBases: a base has a whole dump, each further snapshot adds its own.
func TestDumpsOfBases(t *testing.T) {
	s := aPage().Survey
	a := *aPage().Assumptions
	a.GrowthGold, a.Dump, a.DumpNight = 0, 0, 0
	without := bench.Forecast(s, &a)
	a.Dump, a.DumpNight = 6e9, 1e9
	for i, c := range bench.Forecast(s, &a) {
		for _, h := range bench.Horizons {
			want := 6e9*float64(c.Bases[h]) + 1e9*float64(c.Snapshots[h]-c.Bases[h])
			if got := c.Bytes[h] - without[i].Bytes[h]; math.Abs(got-want) > 1 {
				t.Errorf("%s: dumps of %d nights take %g, want %g", c.Name(), h, got, want)
			}
		}
	}
}

// TestRotatingForecast: a second base is there once the first cycle is over, not before.
func TestRotatingForecast(t *testing.T) {
	p := aPage()
	for _, c := range p.Choices {
		if c.Scheme != "rotating" {
			continue
		}
		if c.Bases[1] != 1 || c.Bases[7] != 1 || c.Bases[30] != 2 || c.Snapshots[7] != 7 || c.Snapshots[30] != 8 {
			t.Errorf("%s: bases %v, snapshots %v", c.Name(), c.Bases, c.Snapshots)
		}
	}
}
