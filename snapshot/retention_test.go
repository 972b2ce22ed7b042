package snapshot_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"repotool/snapshot"
)

var update = flag.Bool("update", false, "write testdata/retention anew")

// at reads times like "2026-03-28 23:30", of UTC.
func at(t testing.TB, s string) time.Time {
	t.Helper()
	x, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// every lists n times from a first one on, step apart.
func every(t testing.TB, first string, step time.Duration, n int) (times []string) {
	t.Helper()
	for i := range n {
		times = append(times, at(t, first).Add(time.Duration(i)*step).Format("2006-01-02 15:04"))
	}
	return times
}

// TestRetainGolden decides about lists of times, some of them damaged (!), pinned
// (*) or unknown (?), and compares every decision, with its reasons, to
// testdata/retention. A change there is a change of what people's backups lose.
func TestRetainGolden(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	const day, late = 24 * time.Hour, "2030-01-01 00:00"
	with := func(list []string, marks map[int]string) []string {
		for i, mark := range marks {
			list[i] += mark
		}
		return list
	}
	for name, c := range map[string]struct {
		policy snapshot.Policy
		now    string
		times  []string
	}{
		"nothing":            {snapshot.Policy{Daily: 3}, late, nil},
		"one":                {snapshot.Policy{}, late, every(t, "2026-11-01 02:00", day, 1)},
		"last":               {snapshot.Policy{Last: 3}, late, every(t, "2026-11-01 02:00", day, 6)},
		"fewer than last":    {snapshot.Policy{Last: 9}, late, every(t, "2026-11-01 02:00", day, 3)},
		"all":                {snapshot.Policy{Last: snapshot.Unlimited}, late, every(t, "2026-11-01 02:00", day, 3)},
		"all days":           {snapshot.Policy{Daily: snapshot.Unlimited}, late, every(t, "2026-11-01 02:00", 8*time.Hour, 7)},
		"several a day":      {snapshot.Policy{Daily: 3}, late, every(t, "2026-11-01 02:00", 7*time.Hour, 16)},
		"several an hour":    {snapshot.Policy{Hourly: 3}, late, every(t, "2026-11-01 02:00", 17*time.Minute, 12)},
		"grandfathers":       {snapshot.Policy{Daily: 7, Weekly: 4, Monthly: 12, Yearly: 3}, late, every(t, "2023-01-01 02:00", day, 1200)},
		"oldest":             {snapshot.Policy{Daily: 2, Monthly: 5}, late, every(t, "2026-10-20 02:00", day, 20)},
		"leap day":           {snapshot.Policy{Daily: 3, Monthly: 3, Yearly: 2}, late, every(t, "2028-02-20 02:00", day, 15)},
		"leap day within":    {snapshot.Policy{Within: snapshot.Period{Years: 1}}, late, []string{"2027-02-28 02:00", "2027-03-01 02:00", "2027-03-01 02:01", "2028-02-29 02:00"}},
		"week of the year":   {snapshot.Policy{Weekly: 3}, late, every(t, "2026-12-20 02:00", day, 20)},
		"spring in UTC":      {snapshot.Policy{Daily: 4, Hourly: 3}, late, every(t, "2026-03-28 22:30", 30*time.Minute, 8)},
		"spring in Berlin":   {snapshot.Policy{Daily: 4, Hourly: 3, Zone: berlin}, late, every(t, "2026-03-28 22:30", 30*time.Minute, 8)},
		"autumn in Berlin":   {snapshot.Policy{Hourly: 9, Zone: berlin}, late, every(t, "2026-10-24 23:30", 30*time.Minute, 8)},
		"midnight":           {snapshot.Policy{Daily: 9, Zone: berlin}, late, []string{"2026-11-01 22:59", "2026-11-01 23:00", "2026-11-02 22:59", "2026-11-02 23:00"}},
		"gaps":               {snapshot.Policy{Daily: 3, Weekly: 2}, late, []string{"2025-01-01 02:00", "2025-01-02 02:00", "2025-07-01 02:00", "2026-11-01 02:00", "2026-11-20 02:00"}},
		"within":             {snapshot.Policy{Within: snapshot.Period{Days: 2, Hours: 12}}, late, every(t, "2026-11-01 02:00", 12*time.Hour, 9)},
		"within after a gap": {snapshot.Policy{Within: snapshot.Period{Months: 1}}, late, []string{"2025-01-01 02:00", "2026-10-25 01:59", "2026-10-25 02:00", "2026-10-25 02:01", "2026-11-25 02:00"}},
		"future": {snapshot.Policy{Daily: 2, Within: snapshot.Period{Days: 1}}, "2026-11-05 12:00",
			append(every(t, "2026-11-01 02:00", day, 5), "2036-11-01 02:00", "2036-11-01 02:01", "2036-11-01 02:02")},
		"all from the future":         {snapshot.Policy{Last: 1}, "2020-01-01 00:00", every(t, "2026-11-01 02:00", day, 3)},
		"clock set back":              {snapshot.Policy{Daily: 2}, "2026-11-03 12:00", []string{"2026-11-01 02:00", "2026-11-02 02:00", "2026-11-03 02:00", "2026-11-04 02:00"}},
		"damaged newest":              {snapshot.Policy{Last: 2}, late, with(every(t, "2026-11-01 02:00", day, 6), map[int]string{5: "!", 4: "!"})},
		"damaged all":                 {snapshot.Policy{Last: 2}, late, with(every(t, "2026-11-01 02:00", day, 4), map[int]string{0: "!", 1: "!", 2: "!", 3: "!"})},
		"damaged between":             {snapshot.Policy{Daily: 3}, late, with(every(t, "2026-11-01 02:00", 12*time.Hour, 10), map[int]string{9: "!", 7: "!", 4: "!", 0: "!"})},
		"damaged at the end of a day": {snapshot.Policy{Daily: 2}, late, []string{"2026-11-01 02:00", "2026-11-01 14:00!", "2026-11-02 02:00", "2026-11-02 14:00!"}},
		"damaged without rule":        {snapshot.Policy{Within: snapshot.Period{Hours: 1}}, late, []string{"2026-11-01 02:00", "2026-11-02 02:00", "2026-11-09 02:00!"}},
		"pinned":                      {snapshot.Policy{Last: 1}, late, with(every(t, "2026-11-01 02:00", day, 4), map[int]string{0: "*", 1: "!*"})},
		"unknown":                     {snapshot.Policy{Last: 2}, late, with(every(t, "2026-11-01 02:00", day, 5), map[int]string{4: "?", 1: "?"})},
	} {
		t.Run(name, func(t *testing.T) {
			var list []snapshot.Candidate
			for _, s := range c.times {
				x := snapshot.Candidate{Unknown: strings.Contains(s, "?")}
				if strings.Contains(s, "!") {
					x.Damage = "content-differs"
				}
				if strings.Contains(s, "*") {
					x.Pin = &snapshot.Pin{Note: "for ever"}
				}
				x.Time = at(t, strings.TrimRight(s, "!*?"))
				x.Name = x.Time.Format(snapshot.TimeFormat)
				list = append(list, x)
			}
			var b strings.Builder
			for _, d := range snapshot.Retain(list, c.policy, at(t, c.now)) {
				what := "forget"
				if d.Keep {
					what = "keep"
				}
				if d.Keep || len(list) < 100 { // of long lists, what stays
					fmt.Fprintf(&b, "%s %-6s %s\n", d.Snapshot, what, strings.Join(d.Reasons, ", "))
				}
			}
			file := filepath.Join("testdata", "retention", strings.ReplaceAll(name, " ", "_")+".golden")
			if *update {
				if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), b.String()); d != "" {
				t.Error(d)
			}
		})
	}
}

// Whatever the list and the policy: the newest good snapshot stays, what is decided of
// good ones does not depend on damaged ones, and to decide again forgets no more.
func TestRetainAlways(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 7))
		now := at(t, "2026-11-25 12:00")
		var list, good []snapshot.Candidate
		for range 1 + random.IntN(40) {
			x := snapshot.Candidate{Time: now.Add(-time.Duration(random.IntN(3000)-50) * time.Hour)}
			x.Name = x.Time.Format(snapshot.TimeFormat)
			if slices.ContainsFunc(list, func(c snapshot.Candidate) bool { return c.Name == x.Name }) {
				continue
			}
			if random.IntN(3) == 0 {
				x.Damage = "no-file"
			} else {
				good = append(good, x)
			}
			list = append(list, x)
		}
		p := snapshot.Policy{Last: random.IntN(3), Hourly: random.IntN(3), Daily: random.IntN(5) - 1, Weekly: random.IntN(3), Monthly: random.IntN(3)}
		if random.IntN(2) == 0 {
			p.Within.Days = random.IntN(20)
		}
		kept := keptOf(list, p, now)
		newest := ""
		for _, c := range good {
			if !c.Time.After(now) && c.Name > newest {
				newest = c.Name
			}
		}
		if newest != "" && !kept[newest] {
			t.Errorf("seed %d: the newest good one, %s, is forgotten", seed, newest)
		}
		alone := keptOf(good, p, now)
		for _, c := range good {
			if kept[c.Name] != alone[c.Name] {
				t.Errorf("seed %d: %s kept %v, without damaged ones %v", seed, c.Name, kept[c.Name], alone[c.Name])
			}
		}
		left := slices.DeleteFunc(slices.Clone(list), func(c snapshot.Candidate) bool { return !kept[c.Name] })
		if again := keptOf(left, p, now); len(again) != len(left) {
			t.Errorf("seed %d: %d stay, and of them %d the next time", seed, len(left), len(again))
		}
	}
}

func keptOf(list []snapshot.Candidate, p snapshot.Policy, now time.Time) map[string]bool {
	kept := map[string]bool{}
	for _, d := range snapshot.Retain(list, p, now) {
		if d.Keep {
			kept[d.Snapshot] = true
		}
	}
	return kept
}

func TestPeriod(t *testing.T) {
	for s, want := range map[string]string{"2y6m": "2y6m", "30d": "30d", "12h1d": "1d12h", "": "", "1": "", "d": "", "1w": "", "-1d": "", "1d1d": "", "0d": "", "1d ": "", "100000d": ""} {
		p, err := snapshot.ParsePeriod(s)
		if (err == nil) != (want != "") || err == nil && p.String() != want {
			t.Errorf("%q: %q, %v", s, p, err)
		}
	}
}
