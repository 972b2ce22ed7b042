package bench_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

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

// TestCheckedError: a share of nothing is none.
func TestCheckedError(t *testing.T) {
	for want, c := range map[string]bench.Checked{"+10 %": {Forecast: 1.1, Was: 1}, "-50 %": {Forecast: 1, Was: 2}, "+0 %": {}, "–": {Forecast: 2e9}, "-100 %": {Was: 1}} {
		if got := c.Error(); got != want {
			t.Errorf("%+v: %s, want %s", c, got, want)
		}
	}
}

// TestCheckNights: each of the last nights is forecast by the median of those before it; the
// first is no night like others.
func TestCheckNights(t *testing.T) {
	var history []*snapshot.Summary
	for i, bytes := range []int64{900, 10, 30, 20, 40} {
		history = append(history, &snapshot.Summary{Name: fmt.Sprint(i), Strategy: "full", Layout: "flat", Seconds: float64(bytes) / 10, Added: snapshot.Totals{Bytes: bytes}})
	}
	got := bench.Check(&bench.Survey{}, &bench.Assumptions{}, nil, history, nil, -1)
	want := []bench.Checked{{"added by 2", true, 10, 30}, {"seconds of 2", false, 1, 3}, {"added by 3", true, 20, 20}, {"seconds of 3", false, 2, 2},
		{"added by 4", true, 20, 40}, {"seconds of 4", false, 2, 4}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestCheckSchemes: a choice is of one scheme, so a store with snapshots of both is not compared
// with it.
func TestCheckSchemes(t *testing.T) {
	linked := &snapshot.Summary{Strategy: "full", Layout: "flat"}
	rotating := &snapshot.Summary{Strategy: "full", Layout: "flat", Scheme: snapshot.SchemeRotating, Cycle: "20261101T030000Z"}
	for _, test := range []struct {
		scheme  string
		history []*snapshot.Summary
		want    int
	}{
		{"linked", []*snapshot.Summary{linked, linked}, 1}, {"linked", nil, 1}, {"linked", []*snapshot.Summary{rotating, rotating, linked}, 0},
		{"rotating", []*snapshot.Summary{rotating, rotating}, 1}, {"rotating", []*snapshot.Summary{linked, linked, rotating}, 0},
	} {
		compared := 0
		for _, x := range bench.Check(&bench.Survey{}, &bench.Assumptions{}, &bench.Choice{Strategy: "full", Scheme: test.scheme, Days: "flat"}, test.history, nil, 1e9) {
			if strings.HasPrefix(x.What, "the store") {
				compared++
			}
		}
		if compared != test.want {
			t.Errorf("%s, %d snapshots: the store is compared %d times, want %d", test.scheme, len(test.history), compared, test.want)
		}
	}
}

// TestCheckRestores: the last five restores of everything are compared, whatever parts came
// back since.
func TestCheckRestores(t *testing.T) {
	whole, part := bench.Restored{Whole: true, Files: 200, Bytes: 1e6, Stored: 3, Seconds: 3}, bench.Restored{Files: 20, Stored: 1, Seconds: 1}
	for _, test := range []struct{ wholes, parts, want int }{{1, 5, 1}, {2, 9, 2}, {7, 3, 5}, {7, 0, 5}, {0, 5, 0}} {
		restores := slices.Concat(slices.Repeat([]bench.Restored{whole}, test.wholes), slices.Repeat([]bench.Restored{part}, test.parts))
		a := bench.Assume(&bench.Survey{}, nil, snapshot.Policy{})
		got := bench.Check(&bench.Survey{}, &a, nil, nil, restores, -1)
		if len(got) != test.want {
			t.Errorf("%d whole ones, then %d of parts: %d lines, want %d", test.wholes, test.parts, len(got), test.want)
		} else if n := len(got); n > 0 && test.wholes > 1 && math.Abs(got[n-1].Forecast-3) > 0.01 { // all before it have told
			t.Errorf("%d whole ones: the last is forecast to take %g, want 3", test.wholes, got[n-1].Forecast)
		}
	}
}

// TestAssume: values are set by name, and nothing else is.
func TestAssumeSet(t *testing.T) {
	size := func(string) (uint64, error) { return 5, nil }
	a := bench.Assumptions{From: map[string]string{}}
	for _, x := range a.List() {
		if err := a.Set(x.Name+"=17", size); err != nil {
			t.Error(err)
		}
	}
	for _, x := range a.List() {
		if x.Value != 17 || x.From != "given" {
			t.Errorf("%+v", x)
		}
	}
	for _, wrong := range []string{"", "x", "x=1", "block", "block=0", "block=-1", "standstill=x", "standstill=NaN", "filesRate=Inf"} {
		if err := a.Set(wrong, size); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}

// TestAssumptionTable: the table has every number of the assumptions, under its key.
func TestAssumptionTable(t *testing.T) {
	var keys, names []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[bench.Assumptions]()) {
		if f.Type.Kind() == reflect.Float64 {
			keys = append(keys, f.Tag.Get("json"))
		}
	}
	for _, x := range new(bench.Assumptions).List() {
		names = append(names, x.Name)
		if !strings.Contains(bench.AssumptionsHelp(), "    "+x.Name+" ") {
			t.Errorf("the help does not have %s", x.Name)
		}
	}
	if !reflect.DeepEqual(keys, names) {
		t.Errorf("%v in the answer, %v in the table", keys, names)
	}
}

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

// TestLearnRestores: small restores tell what any restore takes, large ones the rates; the
// next of the kind is then forecast as it was. What was given stays.
func TestLearnRestores(t *testing.T) {
	s := &bench.Survey{LeftOut: bench.Holding{Files: 1000, Bytes: 1e7}, Rebuild: bench.Rebuild{Making: bench.Making{Least: 40, Longest: 5}}}
	for _, test := range []struct {
		name   string
		as     bench.Restored
		settle float64
	}{
		{"small", bench.Restored{Whole: true, Files: 200, Bytes: 1e6, Stored: 3, Seconds: 3}, 3},
		{"large", bench.Restored{Whole: true, Files: 2_000_000, Bytes: 3e10, Stored: 400, Seconds: 400}, 400},
		{"database", bench.Restored{Whole: true, Files: 200, Bytes: 1e6, Database: true, Stored: 7, Seconds: 7}, 7},
		{"gold", bench.Restored{Whole: true, Files: 200, Bytes: 1e6, Stored: 1, Rebuilt: 1000, Made: 1e7, Seconds: 31}, 31},
	} {
		a := bench.Assume(&bench.Survey{}, nil, snapshot.Policy{})
		a.Parallel, a.DatabaseRaw = 2, 1e6
		checked := bench.Check(s, &a, nil, nil, []bench.Restored{test.as, test.as, test.as}, 0)
		if last := checked[len(checked)-1]; math.Abs(last.Forecast/last.Was-1) > 0.01 || last.Was != test.settle {
			t.Errorf("%s: after two restores a third is forecast to take %g, and takes %g", test.name, last.Forecast, last.Was)
		}
		few := test.as
		few.Kept, few.Stored, few.Seconds = 1e9, 1e6, 1e6
		then := a
		if then.LearnRestores(s, []bench.Restored{few}); then.RestoreStart != a.RestoreStart || then.FilesRate != a.FilesRate || then.RebuildFactor != 1 {
			t.Errorf("%s: a restore of what was there has told something", test.name)
		}
		a.From["filesRate"], a.FilesRate = "given", 7
		a.LearnRestores(s, []bench.Restored{test.as})
		if a.FilesRate != 7 {
			t.Errorf("%s: a given rate became %g", test.name, a.FilesRate)
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

// TestZeros: runs of zeros are found where a store makes holes, and nowhere else.
func TestZeros(t *testing.T) {
	const run = 1 << 20
	some := func(at ...int) []byte {
		b := make([]byte, 3*run+5)
		for _, i := range at {
			b[i] = 1
		}
		return b
	}
	for _, test := range []struct {
		content []byte
		want    int64
	}{
		{some(), 3 * run}, {some(0), 2 * run}, {some(run - 1), 2 * run}, {some(0, run+4096, 3*run-1), 0}, {some(3 * run), 3 * run}, {some()[:run-1], 0}, {nil, 0},
	} {
		name := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(name, test.content, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := bench.ZerosOf(name, int64(len(test.content))); got != test.want || err != nil {
			t.Errorf("%d bytes of zeros, %v; want %d", got, err, test.want)
		}
	}
}

// TestGrowthOfTheYoung: what has come in the few days since the first upload came in those
// days, whatever day of the month it was.
func TestGrowthOfTheYoung(t *testing.T) {
	now := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		first time.Time
		want  float64
		from  string
	}{
		{now.AddDate(0, 0, -5), 2e9, "uploads of the 5.0 days since the first"},
		{now.Add(-time.Minute), 10e9, "uploads of the 1.0 days since the first"},
		{now.AddDate(0, 0, -50), 0.2e9, "uploads of the 50.0 days since the first"},
		{now.AddDate(-2, 0, 0), 10e9 / 90.0, "uploads of the last 90 days"},
	} {
		s := &bench.Survey{Time: now, First: test.first, Months: []bench.Month{{Month: "2026-11", Gold: 10e9}}}
		if test.first.Year() < 2026 {
			s.Months = append([]bench.Month{{Month: test.first.Format("2006-01"), Gold: 5e9}}, s.Months...)
		}
		a := bench.Assume(s, nil, snapshot.Policy{})
		if math.Abs(a.GrowthGold/test.want-1) > 1e-9 || a.From["growthGold"] != test.from {
			t.Errorf("since %s: %g, %s; want %g, %s", test.first, a.GrowthGold, a.From["growthGold"], test.want, test.from)
		}
	}
}

// TestNoStandstill: snapshots that stop nothing are no reason to guess.
func TestNoStandstill(t *testing.T) {
	x := &snapshot.Summary{Strategy: "full", Layout: "flat", Seconds: 1}
	if !x.Known() {
		t.Fatal("not known")
	}
	a := bench.Assume(&bench.Survey{}, []*snapshot.Summary{x, x}, snapshot.Policy{})
	if want := "none of the 2 snapshots so far has stopped FOSSology (--quiesce)"; a.Standstill != 0 || a.From["standstill"] != want {
		t.Errorf("%g, %s", a.Standstill, a.From["standstill"])
	}
}

// TestDatabaseBeforeSnapshots: until a snapshot has a dump, what PostgreSQL says counts.
func TestDatabaseBeforeSnapshots(t *testing.T) {
	s := &bench.Survey{Database: 20e6}
	a := bench.Assume(s, nil, snapshot.Policy{})
	c := bench.Forecast(s, &a)[0]
	if a.DatabaseRaw != 20e6 || a.Dump != 625e3 || c.Service < a.RestoreStart+a.DatabaseStart+20e6/a.DatabaseRate {
		t.Errorf("%g bytes, service after %g s", a.DatabaseRaw, c.Service)
	}
	x := &snapshot.Summary{Strategy: "full", Layout: "flat"}
	if a := bench.Assume(s, []*snapshot.Summary{x}, snapshot.Policy{}); a.DatabaseRaw != 0 || a.Dump != 0 {
		t.Errorf("snapshots hold no database, but %g bytes are assumed", a.DatabaseRaw)
	}
}

// TestForecastOfDump: what a whole dump takes is known from the first snapshot, or, when that
// is forgotten, from how well the new parts of later dumps were compressed.
func TestForecastOfDump(t *testing.T) {
	night := func(newRaw, newBytes int64) *snapshot.Summary {
		return &snapshot.Summary{Strategy: "full", Layout: "flat", Time: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Seconds: 60,
			Database: &snapshot.DumpStats{RawBytes: 20e9, NewRaw: newRaw, NewBytes: newBytes}}
	}
	for name, history := range map[string][]*snapshot.Summary{
		"the first snapshot": {night(20e9, 6e9), night(1e9, 4e8)},
		"it is forgotten":    {night(2e8, 9e7), night(1e9, 3e8)},
	} {
		if a := bench.Assume(aPage().Survey, history, snapshot.Policy{}); a.Dump != 6e9 {
			t.Errorf("%s: %g, want 6e9", name, a.Dump)
		}
	}
}

// TestDumpNotKnown: where a dump is there, and does not tell, it is not said that there is none.
func TestDumpNotKnown(t *testing.T) {
	const none = "not known: no snapshot has a dump of the database"
	night := func(newRaw int64, base string) *snapshot.Summary {
		x := &snapshot.Summary{Strategy: "full", Layout: "flat", Database: &snapshot.DumpStats{RawBytes: 20e9, NewRaw: newRaw, NewBytes: newRaw / 4}}
		if base != "" {
			x.Rotation = &snapshot.Rotation{NewBase: base}
		}
		return x
	}
	for _, test := range []struct {
		history     []*snapshot.Summary
		dump, night string
	}{
		{nil, none, none},
		{[]*snapshot.Summary{night(20e9, "")}, "the first snapshot", "not known: only one snapshot has a dump of the database"},
		{[]*snapshot.Summary{night(20e9, "first"), night(20e9, "its end")}, "the first snapshot", "not known: each dump so far is the first of a cycle"},
		{[]*snapshot.Summary{night(0, ""), night(0, "")}, "not known: nothing is new in any dump that is left", "the median of the snapshots so far (repotool snapshots)"},
		{[]*snapshot.Summary{night(20e9, ""), night(0, "")}, "the first snapshot", "the median of the snapshots so far (repotool snapshots)"},
	} {
		a, from := bench.Assume(&bench.Survey{}, test.history, snapshot.Policy{}), map[string]string{}
		for _, x := range a.List() {
			from[x.Name] = x.From
		}
		if from["dump"] != test.dump || from["dumpNight"] != test.night {
			t.Errorf("%d snapshots: dump from %q, dumpNight from %q", len(test.history), from["dump"], from["dumpNight"])
		}
	}
}
