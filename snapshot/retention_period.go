package snapshot

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Period is a span of the calendar: a month is as long as the month is.
type Period struct{ Years, Months, Days, Hours int }

var periodPart = regexp.MustCompile(`^([0-9]{1,5})([ymdh])`)

// ParsePeriod reads a period such as 2y6m, 30d or 12h, as String writes it.
func ParsePeriod(s string) (p Period, err error) {
	bad := fmt.Errorf("%q is no period such as 2y6m, 30d or 12h (years, months, days, hours)", s)
	at := map[string]*int{"y": &p.Years, "m": &p.Months, "d": &p.Days, "h": &p.Hours}
	for rest := s; rest != ""; {
		m := periodPart.FindStringSubmatch(rest)
		if m == nil || at[m[2]] == nil {
			return Period{}, bad
		}
		*at[m[2]], _ = strconv.Atoi(m[1]) // five digits
		delete(at, m[2])                  // each once
		rest = rest[len(m[0]):]
	}
	if p == (Period{}) {
		return p, bad
	}
	return p, nil
}

// before is the time that lies the period before another.
func (p Period) before(t time.Time) time.Time {
	return t.AddDate(-p.Years, -p.Months, -p.Days).Add(-time.Duration(p.Hours) * time.Hour)
}

// String writes the period as ParsePeriod reads it.
// Ago is the moment that lies so long before another one.
func (p Period) Ago(t time.Time) time.Time { return p.before(t) }

func (p Period) String() string {
	var b strings.Builder
	for _, x := range []struct {
		n    int
		unit string
	}{{p.Years, "y"}, {p.Months, "m"}, {p.Days, "d"}, {p.Hours, "h"}} {
		if x.n > 0 {
			fmt.Fprintf(&b, "%d%s", x.n, x.unit)
		}
	}
	return b.String()
}

// MarshalText writes the period as String does.
func (p Period) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what ParsePeriod reads.
func (p *Period) UnmarshalText(b []byte) (err error) {
	*p, err = ParsePeriod(string(b))
	return err
}
