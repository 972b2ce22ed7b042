package bench

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"time"

	"repotool/fossology"
	"repotool/goldindex"
)

// Rebuild is what it took to unpack gold, when that was last done: all of it, and those
// golds that a restore needs, since several make the same files.
type Rebuild struct {
	Golds   int64   `json:"golds"`   // that the ledger knows
	Missing int64   `json:"missing"` // that it does not know yet, or by an earlier unpacker
	Seconds float64 `json:"seconds"` // one after another
	Bytes   int64   `json:"bytes"`   // that come out
	Making          // of all that a backup by gold leaves out
}

// A Making is what gold takes that makes certain files.
type Making struct {
	Needed  int64   `json:"needed"`  // golds
	Least   float64 `json:"least"`   // seconds of them, one after another
	Longest float64 `json:"longest"` // of one of them
}

// A Month is what was uploaded in one, which may be nothing.
type Month struct {
	Month   string `json:"month"` // 2026-11
	Uploads int64  `json:"uploads"`
	Known   int64  `json:"known"` // of them: first uploads of gold that the ledger knows
	Gold    int64  `json:"gold"`  // bytes of what had not been uploaded before
	Out     int64  `json:"out"`   // bytes that came of them, as far as the ledger knows
}

// Unknown says that Out says nothing: the ledger knows none of the gold that came in that month.
func (m Month) Unknown() bool { return m.Gold > 0 && m.Known == 0 }

// An UploadSize is one of the largest uploads.
type UploadSize struct {
	Upload  int64   `json:"upload"`
	Name    string  `json:"name"`
	Gold    int64   `json:"gold"`
	Known   bool    `json:"known"` // to the ledger: else the rest says nothing
	Out     int64   `json:"out"`
	Files   int64   `json:"files"`
	Seconds float64 `json:"seconds"` // to unpack it
}

// largestShown is how many are listed.
const largestShown = 10

// uploads goes through them, and asks the ledger what became of each.
func (s *Survey) uploads(ctx context.Context, db Installed, o *SurveyOptions) error {
	months, seen := map[int]*Month{}, map[fossology.Name]bool{}
	for u, err := range db.Uploads(ctx) {
		var bad *fossology.RowError
		if errors.As(err, &bad) {
			s.trouble(err)
			continue
		}
		if err != nil {
			return err
		}
		if !u.Living() {
			continue
		}
		s.Uploads++
		x := UploadSize{Upload: u.PK, Name: u.Filename, Gold: u.Name.Size}
		h, err := o.Ledger.Header(u.Name)
		known := err == nil && o.Ledger.IsPresent(u.Name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, goldindex.ErrNotMade) {
			return err
		}
		if known {
			x.Known, x.Out, x.Files, x.Seconds = true, h.Cost.Bytes, h.Cost.Files, h.Cost.Seconds
		}
		if s.First.IsZero() || u.Time.Before(s.First) {
			s.First = u.Time.UTC()
		}
		at := monthsUntil(u.Time)
		if months[at] == nil {
			months[at] = &Month{Month: monthAt(at)}
		}
		m := months[at]
		m.Uploads++
		if !seen[u.Name] { // the same archive twice is kept, and unpacked, once
			seen[u.Name] = true
			if known {
				m.Known++
			}
			m.Gold, m.Out = m.Gold+x.Gold, m.Out+x.Out
			s.Rebuild.add(&x, known)
		}
		s.largest(x)
	}
	s.Months = eachMonth(months, monthsUntil(s.Time))
	return nil
}

// monthsUntil counts the months before a time, from the year 0; monthAt is the one after so many.
func monthsUntil(t time.Time) int { return 12*t.UTC().Year() + int(t.UTC().Month()) - 1 }

func monthAt(n int) string {
	return time.Date(0, time.Month(n+1), 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
}

// mostEmpty is how many months without uploads are listed: with a wrong time an upload may lie
// thousands of years from the others.
const mostEmpty = 50 * 12

// eachMonth lists the months from the first upload to now, or to the last one, if the clock is
// behind it. Months without uploads between two others are left out where, with those after
// them, they are more than mostEmpty.
func eachMonth(months map[int]*Month, now int) []Month {
	all, empty := []Month{}, 0
	after := now + 1
	for _, at := range slices.Backward(slices.Sorted(maps.Keys(months))) {
		if gap := after - at - 1; gap > 0 && gap <= mostEmpty-empty {
			empty += gap
			for n := after - 1; n > at; n-- {
				all = append(all, Month{Month: monthAt(n)})
			}
		}
		all, after = append(all, *months[at]), at
	}
	slices.Reverse(all)
	return all
}

func (r *Rebuild) add(u *UploadSize, known bool) {
	if !known {
		r.Missing++
		return
	}
	r.Golds++
	r.Seconds += u.Seconds
	r.Bytes += u.Out
}

// makingOf adds up what those golds take.
func makingOf(l *goldindex.Ledger, golds map[fossology.Name]bool) (m Making, err error) {
	for name := range golds {
		h, err := l.Header(name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, goldindex.ErrNotMade) {
			continue
		}
		if err != nil {
			return m, err
		}
		m.Needed++
		m.Least += h.Cost.Seconds
		m.Longest = max(m.Longest, h.Cost.Seconds)
	}
	return m, nil
}

// largest keeps the uploads of which most came.
func (s *Survey) largest(x UploadSize) {
	s.Largest = append(s.Largest, x)
	slices.SortStableFunc(s.Largest, func(a, b UploadSize) int { return cmp.Compare(b.Gold+b.Out, a.Gold+a.Out) })
	s.Largest = s.Largest[:min(len(s.Largest), largestShown)]
}
