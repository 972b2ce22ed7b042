package bench

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"

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

// A Month is what was uploaded in one.
type Month struct {
	Month   string `json:"month"` // 2026-11
	Uploads int64  `json:"uploads"`
	Known   int64  `json:"known"` // of them: the ledger knows their gold, or it had been uploaded before
	Gold    int64  `json:"gold"`  // bytes of what had not been uploaded before
	Out     int64  `json:"out"`   // bytes that came of them, as far as the ledger knows
}

// Unknown says that Out says nothing: the ledger knows no upload of that month.
func (m Month) Unknown() bool { return m.Uploads > 0 && m.Known == 0 }

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
	months, seen := map[string]*Month{}, map[fossology.Name]bool{}
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
		key := u.Time.UTC().Format("2006-01")
		if months[key] == nil {
			months[key] = &Month{Month: key}
		}
		m := months[key]
		m.Uploads++
		if known || seen[u.Name] {
			m.Known++
		}
		if !seen[u.Name] { // the same archive twice is kept, and unpacked, once
			seen[u.Name] = true
			m.Gold, m.Out = m.Gold+x.Gold, m.Out+x.Out
			s.Rebuild.add(&x, known)
		}
		s.largest(x)
	}
	for _, m := range months {
		s.Months = append(s.Months, *m)
	}
	slices.SortFunc(s.Months, func(a, b Month) int { return cmp.Compare(a.Month, b.Month) })
	return nil
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
