package main

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"repotool/bench"
	"repotool/repotest"
)

// onDisk is what du says of a store; without its ledger, unless a backup by gold needs it.
func onDisk(t *testing.T, store, strategy string) float64 {
	t.Helper()
	total := 0.0
	dirs := map[string]float64{store: 1}
	if strategy == "full" {
		dirs[filepath.Join(store, "ledger")] = -1
	}
	for dir, sign := range dirs {
		out, err := exec.Command("du", "-s", "-B1", dir).Output()
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.ParseFloat(strings.Fields(string(out))[0], 64)
		if err != nil {
			t.Fatal(err)
		}
		total += sign * n
	}
	return total
}

// sizingOf is what bench report answers.
func sizingOf(t *testing.T, args ...string) (r sizing) {
	t.Helper()
	out, err := exec.Command("repotool", append([]string{"bench", "report", "--json"}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// realSite lets repotool work on the real installation, whose ledger is in the store that it
// returns.
func realSite(t *testing.T) (store string) {
	t.Helper()
	repository, dsn := repotest.Repository(t), repotest.Fossology(t)
	store = filepath.Join(t.TempDir(), "store")
	for name, value := range map[string]string{"CONFIG": "", "SYSCONF": repotest.Sysconf(t, repository, dsn), "QUIESCE": "none", "STATE_DIR": t.TempDir(),
		"ADMIN": repotest.Postgres(t).AdminDSN("postgres"), "PG_BIN": repotest.Postgres(t).Bin, "STORE": store} {
		t.Setenv("REPOTOOL_"+name, value)
	}
	repotoolEnds(t, "init")
	repotoolEnds(t, "index")
	return store
}

// anotherStore has the ledger of the first.
func anotherStore(t *testing.T, first string) (store string) {
	t.Helper()
	store = filepath.Join(t.TempDir(), "store")
	t.Setenv("REPOTOOL_STORE", store)
	repotoolEnds(t, "init")
	if out, err := exec.Command("cp", "-a", filepath.Join(first, "ledger"), store).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return store
}

// within says that two figures differ by a share at most.
func within(t *testing.T, what string, forecast, was, share float64) {
	t.Helper()
	t.Logf("%s: %.0f forecast, %.0f it was: %+.1f %%", what, forecast, was, 100*(forecast/was-1))
	if math.Abs(forecast/was-1) > share {
		t.Errorf("%s: %.0f forecast, %.0f it was", what, forecast, was)
	}
}

// TestForecast: on the real installation, what a first snapshot is said to take by each
// choice, before there is any and then, is within five percent of what it takes, and so is
// what the store has after two more.
func TestForecast(t *testing.T) {
	first := realSite(t)
	before := sizingOf(t, "--zeros") // there is no snapshot yet
	repotoolEnds(t, "snapshot")
	r := sizingOf(t)
	t.Logf("database: %d bytes; its dump: %.0f, stored %.0f", before.Survey.Database, r.Assumptions.DatabaseRaw, r.Assumptions.Dump)
	if r.Present != "full, linked, flat days" {
		t.Errorf("present: %q", r.Present)
	}
	for i, c := range r.Choices {
		store := first
		if c.Name() != r.Present {
			store = anotherStore(t, first)
			repotoolEnds(t, "snapshot", "--strategy", c.Strategy, "--day-layout", c.Days, "--scheme", c.Scheme)
		}
		within(t, c.Name()+", before any snapshot", before.Choices[i].Bytes[1], onDisk(t, store, c.Strategy), 0.05)
		within(t, c.Name(), c.Bytes[1], onDisk(t, store, c.Strategy), 0.05)
		if c.Days != "flat" {
			continue
		}
		for range 2 {
			repotoolEnds(t, "snapshot", "--strategy", c.Strategy, "--day-layout", c.Days, "--scheme", c.Scheme)
		}
		after := sizingOf(t, "--check")
		if x := after.Checked[0]; x.What != "the store, on the disk" || after.Present != c.Name() {
			t.Errorf("%s: %+v, present %q", c.Name(), x, after.Present)
		} else {
			within(t, c.Name()+", three snapshots", x.Forecast, onDisk(t, store, c.Strategy), 0.05)
			within(t, c.Name()+", bytes of the store", x.Was, onDisk(t, store, c.Strategy), 0.01)
		}
	}
}

// TestForecastOfRestores measures, with MEASURE=N, how well the seconds of N restores of a
// backup by gold are forecast: the first by what this project has measured, the others by
// those before them, too.
//
//	MEASURE=5 go test -count=1 -v -run TestForecastOfRestores ./cmd/repotool
//
// Times depend on what else the machine does: without MEASURE nothing is asserted but that all
// came back and was written down. With it the medians must be right but for a factor of 1.5.
func TestForecastOfRestores(t *testing.T) {
	measure, _ := strconv.Atoi(os.Getenv("MEASURE"))
	n := max(1, measure)
	first := realSite(t)
	anotherStore(t, first)
	repotoolEnds(t, "snapshot", "--strategy", "gold")
	ratios := map[string][]float64{}
	for i := range n {
		c := goldChoice(sizingOf(t))
		var back restoreResult
		out, err := exec.Command("repotool", "restore", "--json", "--rebuild", "now", "--to", filepath.Join(t.TempDir(), "to"), "--database-name", "forecast"+strconv.Itoa(i), "latest").Output()
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatal(err)
		}
		if back.Rebuild == nil || float64(back.Rebuild.Rebuilt.Files) != c.Parts.LeftOut {
			t.Errorf("%+v came back, of %+v", back.Rebuild, c.Parts)
		}
		load, _ := os.ReadFile("/proc/loadavg")
		t.Logf("load %.4s", load)
		for what, x := range map[string][2]float64{"to service": {c.Service, back.Stored}, "rebuilding": {c.Last - c.Service, back.Seconds - back.Stored},
			"to the last file": {c.Last, back.Seconds}} {
			ratios[what] = append(ratios[what], x[0]/x[1])
			t.Logf("%s: %.2f s forecast, %.2f s it took", what, x[0], x[1])
		}
	}
	for what, all := range ratios {
		median := bench.Median(all)
		t.Logf("%s: %.2f times what it took, the median of %d", what, median, n)
		if measure > 0 && (median > 1.5 || median < 1/1.5) {
			t.Errorf("%s: the forecast is %.2f times what it took", what, median)
		}
	}
	if checked := sizingOf(t, "--check").Checked; len(checked) < 1+3*min(n, 5) {
		t.Errorf("%d restores, %+v", n, checked)
	}
}

// goldChoice is that of a backup by gold.
func goldChoice(r sizing) *bench.Choice { return r.choice("gold, linked, flat days") }
