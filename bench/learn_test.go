package bench_test

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"repotool/bench"
	"repotool/snapshot"
)

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
