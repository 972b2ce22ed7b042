package bench

import (
	"fmt"
	"strings"

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
