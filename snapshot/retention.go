package snapshot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Unlimited is a number of a [Policy] that keeps all.
const Unlimited = -1

// A Policy says which snapshots are kept; what no rule of it keeps may be forgotten.
// The rules are those of restic's forget: each keeps the newest snapshot of each of
// the last so many hours, days, weeks (ISO), months or years that have one, and, as
// long as it has not found so many, the oldest of all.
type Policy struct {
	Last    int    `json:"last,omitempty"`
	Hourly  int    `json:"hourly,omitempty"`
	Daily   int    `json:"daily,omitempty"`
	Weekly  int    `json:"weekly,omitempty"`
	Monthly int    `json:"monthly,omitempty"`
	Yearly  int    `json:"yearly,omitempty"`
	Within  Period `json:"within,omitzero"` // all so long before the newest
	// Zone is where days begin and end. nil is UTC: snapshots are named by it, and every
	// host that uses the store decides the same.
	Zone *time.Location `json:"-"`
}

// Empty says whether no rule would keep anything.
func (p *Policy) Empty() bool {
	return p.Last == 0 && p.Hourly == 0 && p.Daily == 0 && p.Weekly == 0 && p.Monthly == 0 && p.Yearly == 0 && p.Within == Period{}
}

// A Candidate is what retention knows of a snapshot.
type Candidate struct {
	Name    string
	Time    time.Time
	Pin     *Pin   // not nil: somebody wants it kept
	Damage  string // what is wrong with its content; "" for a good one
	Unknown bool   // its manifest or its summary cannot be read
}

// A Decision says what becomes of a snapshot, and why.
type Decision struct {
	Snapshot string   `json:"snapshot"`
	Keep     bool     `json:"keep"`
	Reasons  []string `json:"reasons"`
	Damage   string   `json:"damage,omitempty"`
}

// keep adds a reason to keep it.
func (d *Decision) keep(reason string, args ...any) {
	d.Keep = true
	d.Reasons = append(d.Reasons, fmt.Sprintf(reason, args...))
}

// Retain decides about the snapshots of an installation, in any order, and returns
// the decisions, the newest first. Beyond the policy, it keeps
//
//   - what is pinned, and what it knows nothing about;
//   - the newest good snapshot;
//   - what is from the future: some clock was wrong, then or now, so nothing can be
//     said of its day. It does not count for any rule;
//   - the good snapshots that the policy would keep if there were no damaged ones: a
//     damaged one never takes the place of a good one. Damaged ones are kept if the
//     policy keeps them among all.
//
// It is pure: now is the only time that it knows, and only tells the future.
func Retain(list []Candidate, p Policy, now time.Time) []Decision {
	list = slices.SortedFunc(slices.Values(list), func(a, b Candidate) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(b.Name, a.Name))
	})
	decisions := make([]Decision, len(list))
	var all, good []int // that count, the newest first
	for i, c := range list {
		d := &decisions[i]
		d.Snapshot, d.Damage = c.Name, c.Damage
		if c.Pin != nil {
			d.keep("%s", c.Pin)
		}
		switch {
		case c.Unknown:
			d.keep("it cannot be read")
		case c.Time.After(now.Add(clockTolerance)):
			d.keep("from the future")
		default:
			all = append(all, i)
			if c.Damage == "" {
				good = append(good, i)
			}
		}
	}
	p.apply(list, decisions, good, func(Candidate) bool { return true })
	p.apply(list, decisions, all, func(c Candidate) bool { return c.Damage != "" })
	switch {
	case len(good) > 0:
		decisions[good[0]].keep("newest good")
	case len(list) > 0:
		decisions[0].keep("newest")
	}
	for i := range decisions {
		if !decisions[i].Keep {
			decisions[i].Reasons = append(decisions[i].Reasons, "no rule keeps it")
		}
	}
	return decisions
}

// A rule keeps the newest snapshot of each of some spans of time.
type rule struct {
	name  string
	count int
	span  func(time.Time) string // which span a time lies in
}

func (p *Policy) rules() []rule {
	return []rule{
		{"hourly", p.Hourly, func(t time.Time) string { return t.Format("2006-01-02 15h -07:00") }}, // an hour that comes twice is two
		{"daily", p.Daily, func(t time.Time) string { return t.Format(time.DateOnly) }},
		{"weekly", p.Weekly, func(t time.Time) string { year, week := t.ISOWeek(); return fmt.Sprintf("%d-W%02d", year, week) }},
		{"monthly", p.Monthly, func(t time.Time) string { return t.Format("2006-01") }},
		{"yearly", p.Yearly, func(t time.Time) string { return t.Format("2006") }},
	}
}

// apply lets the rules loose on some of the snapshots, and keeps those of what they
// choose that are asked for.
func (p *Policy) apply(list []Candidate, decisions []Decision, of []int, wanted func(Candidate) bool) {
	keep := func(i int, reason string, args ...any) {
		if wanted(list[i]) {
			decisions[i].keep(reason, args...)
		}
	}
	zone := p.Zone
	if zone == nil {
		zone = time.UTC
	}
	for n, i := range of {
		if p.Last == Unlimited || n < p.Last {
			keep(i, "last%s", numbered(n+1, p.Last))
		}
		if (p.Within != Period{}) && list[i].Time.After(p.Within.before(list[of[0]].Time.In(zone))) {
			keep(i, "within %s", p.Within)
		}
	}
	for _, r := range p.rules() {
		last, found := "", 0
		for n, i := range of {
			if r.count != Unlimited && found >= r.count {
				break
			}
			span := r.span(list[i].Time.In(zone))
			switch {
			case n == 0 || span != last:
				found++
				keep(i, "%s %s%s", r.name, span, numbered(found, r.count))
			case n == len(of)-1:
				keep(i, "oldest %s", r.name)
			}
			last = span
		}
	}
}

func numbered(n, of int) string {
	if of == Unlimited {
		return ""
	}
	return fmt.Sprintf(" (%d of %d)", n, of)
}

// RetainAllBut decides to forget the snapshots of those names, and no other. What must
// not be forgotten is an error.
func RetainAllBut(list []Candidate, names []string, now time.Time) ([]Decision, error) {
	decisions := Retain(list, Policy{}, now)
	for i := range decisions {
		d := &decisions[i]
		named := slices.Contains(names, d.Snapshot)
		switch protected := slices.ContainsFunc(d.Reasons, protects); {
		case named && protected:
			return nil, &ProtectedError{d.Snapshot, d.Reasons}
		case named:
			d.Keep, d.Reasons = false, []string{"named"}
		default:
			d.Keep, d.Reasons = true, []string{"not named"}
		}
	}
	return decisions, nil
}

// protects says whether a reason to keep a snapshot also holds against its name.
func protects(reason string) bool {
	return strings.HasPrefix(reason, "pinned") || strings.HasPrefix(reason, "newest")
}

// A ProtectedError says that a snapshot is not forgotten, whoever asks.
type ProtectedError struct {
	Snapshot string
	Reasons  []string
}

func (e *ProtectedError) Error() string {
	return fmt.Sprintf("forget %s: %s", e.Snapshot, strings.Join(e.Reasons, ", "))
}

// Hint says what to do about it.
func (e *ProtectedError) Hint() string {
	if slices.ContainsFunc(e.Reasons, func(r string) bool { return strings.HasPrefix(r, "pinned") }) {
		return "take the pin away first: repotool unpin " + e.Snapshot
	}
	return "the newest good snapshot always stays: take another one first"
}
