package main

import (
	"encoding/json"
	"math"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"repotool/repotest"
)

// onDisk is what du says of a store, without its ledger.
func onDisk(t *testing.T, store string) float64 {
	t.Helper()
	total := 0.0
	for dir, sign := range map[string]float64{store: 1, filepath.Join(store, "ledger"): -1} {
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

// TestForecast: on the real installation, what a first snapshot is said to take by each
// strategy and layout is within five percent of what it takes.
func TestForecast(t *testing.T) {
	repository, dsn := repotest.Repository(t), repotest.Fossology(t)
	first := filepath.Join(t.TempDir(), "store")
	for name, value := range map[string]string{"CONFIG": "", "SYSCONF": repotest.Sysconf(t, repository, dsn), "QUIESCE": "none", "STATE_DIR": t.TempDir(),
		"ADMIN": repotest.Postgres(t).AdminDSN("postgres"), "PG_BIN": repotest.Postgres(t).Bin, "STORE": first} {
		t.Setenv("REPOTOOL_"+name, value)
	}
	repotoolEnds(t, "init")
	repotoolEnds(t, "index")
	repotoolEnds(t, "snapshot")
	out, err := exec.Command("repotool", "bench", "report", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var r sizing
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	if r.Present != "full, linked, flat days" {
		t.Errorf("present: %q", r.Present)
	}
	for _, c := range r.Choices {
		if c.Scheme != "linked" {
			continue
		}
		store := first
		if c.Name() != r.Present {
			store = filepath.Join(t.TempDir(), "store")
			t.Setenv("REPOTOOL_STORE", store)
			repotoolEnds(t, "init")
			if out, err := exec.Command("cp", "-a", filepath.Join(first, "ledger"), store).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			repotoolEnds(t, "snapshot", "--strategy", c.Strategy, "--day-layout", c.Days)
		}
		got, want := c.Bytes[1], onDisk(t, store)
		t.Logf("%s: %.0f bytes forecast, %.0f are there: %+.1f %%", c.Name(), got, want, 100*(got/want-1))
		if math.Abs(got/want-1) > 0.05 {
			t.Errorf("%s: %.0f bytes forecast, %.0f are there", c.Name(), got, want)
		}
		if c.Name() == "gold, linked, flat days" {
			start := time.Now()
			repotoolEnds(t, "restore", "--to", filepath.Join(t.TempDir(), "to"), "--rebuild", "now", "--only", "files", "--only", "gold", "latest")
			t.Logf("%s: %.2f s to the last file forecast, %.2f s it took", c.Name(), c.Last, time.Since(start).Seconds())
		}
	}
}
