package bench_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"repotool/bench"
	"repotool/snapshot"
)

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
