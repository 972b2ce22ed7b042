package bench

import (
	"fmt"
	"strings"
	"time"

	"repotool/snapshot"
)

// Kept says in words what a retention keeps, as repotool forget is told it.
func Kept(p *snapshot.Policy) string {
	if p.Empty() {
		return "no retention, so that every snapshot stays"
	}
	var flags []string
	for _, r := range []struct {
		name  string
		count int
	}{{"last", p.Last}, {"hourly", p.Hourly}, {"daily", p.Daily}, {"weekly", p.Weekly}, {"monthly", p.Monthly}, {"yearly", p.Yearly}} {
		if r.count != 0 {
			flags = append(flags, fmt.Sprintf("--keep-%s %d", r.name, r.count))
		}
	}
	if p.Within != (snapshot.Period{}) {
		flags = append(flags, "--keep-within "+p.Within.String())
	}
	return "the retention " + strings.Join(flags, " ")
}

// keptOf is how many snapshots a retention keeps after so many nights with one each, and where
// they lie, on average: 0 is the first night, 1 the last one.
func keptOf(p *snapshot.Policy, nights int) (kept int, at float64) {
	if p.Empty() {
		return nights, 0.5
	}
	start := time.Date(2026, 1, 1, 2, 0, 0, 0, time.UTC)
	var list []snapshot.Candidate
	for i := range nights {
		at := start.AddDate(0, 0, i)
		list = append(list, snapshot.Candidate{Name: at.Format("2006-01-02T150405Z"), Time: at})
	}
	for i, d := range snapshot.Retain(list, *p, start.AddDate(0, 0, nights)) { // the newest first
		if d.Keep {
			kept++
			at += 1 - float64(i)/float64(max(1, nights-1))
		}
	}
	return kept, at / float64(max(1, kept))
}
