package bench_test

import (
	"context"
	"iter"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"repotool/bench"
	"repotool/fossology"
	"repotool/goldindex"
	"repotool/snapshot"
)

// uploaded is a database with an upload of each of these times, and nothing else.
type uploaded struct {
	bench.Installed
	times []time.Time
	same  bool // all are of one gold
}

func (db uploaded) Uploads(context.Context) iter.Seq2[fossology.Upload, error] {
	return func(yield func(fossology.Upload, error) bool) {
		for i, at := range db.times {
			which := byte(i)
			if db.same {
				which = 0
			}
			if !yield(fossology.Upload{PK: int64(i + 1), Pfile: int64(i + 1), Name: fossology.Name{SHA1: [20]byte{which}, Size: 1e9}, Time: at}, nil) {
				return
			}
		}
	}
}

// TestMonthUnknown: gold that the ledger does not know is not known if it is uploaded twice.
func TestMonthUnknown(t *testing.T) {
	ledger, err := goldindex.Open(filepath.Join(t.TempDir(), "ledger"), goldindex.Unpacker{Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	s := &bench.Survey{Time: at}
	db := uploaded{times: []time.Time{at, at.Add(time.Hour)}, same: true}
	if err := s.ReadUploads(t.Context(), db, &bench.SurveyOptions{Ledger: ledger}); err != nil {
		t.Fatal(err)
	}
	if len(s.Months) != 1 || !s.Months[0].Unknown() || s.Months[0].Uploads != 2 || s.Months[0].Gold != 1e9 {
		t.Errorf("%+v", s.Months)
	}
}

// TestMonths: each month since the first upload is listed, with uploads or without; a time that
// is wrong by centuries makes no centuries of months. How much comes a day stays what it was.
func TestMonths(t *testing.T) {
	ledger, err := goldindex.Open(filepath.Join(t.TempDir(), "ledger"), goldindex.Unpacker{Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	month := func(year, month int) time.Time { return time.Date(year, time.Month(month), 20, 23, 0, 0, 0, time.UTC) }
	for name, test := range map[string]struct {
		now     time.Time
		uploads []time.Time
		months  int
		first   []string
	}{
		"none":                 {month(2026, 11), nil, 0, []string{}},
		"one":                  {month(2026, 11), []time.Time{month(2026, 11)}, 1, []string{"2026-11"}},
		"years without":        {month(2026, 11), []time.Time{month(2020, 1), month(2026, 11)}, 83, []string{"2020-01", "2020-02", "2020-03"}},
		"not any more":         {month(2026, 11), []time.Time{month(2025, 12), month(2025, 12)}, 12, []string{"2025-12", "2026-01", "2026-02"}},
		"a clock that is late": {month(2025, 1), []time.Time{month(2026, 9), month(2026, 11)}, 3, []string{"2026-09", "2026-10", "2026-11"}},
		"wrong by centuries":   {month(2026, 11), []time.Time{month(1, 1), month(2026, 8), month(2026, 10), month(9999, 12)}, 5, []string{"0001-01", "2026-08", "2026-09"}},
		"a clock at 1970":      {month(2026, 11), []time.Time{month(1970, 1), month(2025, 12), month(2026, 11)}, 13, []string{"1970-01", "2025-12", "2026-01"}},
		"many gaps":            {month(2026, 11), []time.Time{month(1955, 1), month(1990, 1)}, 444, []string{"1955-01", "1990-01", "1990-02"}},
	} {
		s := &bench.Survey{Time: test.now, Months: []bench.Month{}}
		if err := s.ReadUploads(t.Context(), uploaded{times: test.uploads}, &bench.SurveyOptions{Ledger: ledger}); err != nil {
			t.Fatal(err)
		}
		first, uploads := []string{}, int64(0)
		for _, m := range s.Months {
			if uploads += m.Uploads; len(first) < 3 {
				first = append(first, m.Month)
			}
			if (m.Uploads == 0) != (m.Gold == 0) {
				t.Errorf("%s: %+v", name, m)
			}
		}
		if len(s.Months) != test.months || !slices.Equal(first, test.first) || uploads != int64(len(test.uploads)) {
			t.Errorf("%s: %d months from %q, with %d uploads; want %d from %q", name, len(s.Months), first, uploads, test.months, test.first)
		}
		all := bench.Assume(s, nil, snapshot.Policy{})
		s.Months = slices.DeleteFunc(s.Months, func(m bench.Month) bool { return m.Uploads == 0 })
		if a := bench.Assume(s, nil, snapshot.Policy{}); a.GrowthGold != all.GrowthGold || a.From["growthGold"] != all.From["growthGold"] {
			t.Errorf("%s: %g come a day, %s; of the months with uploads %g, %s", name, all.GrowthGold, all.From["growthGold"], a.GrowthGold, a.From["growthGold"])
		}
	}
}
