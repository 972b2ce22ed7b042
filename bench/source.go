package bench

import "strings"

// sources says which command makes the figures of each part of a report: REPORT is the one
// that made it. Whoever doubts a figure can ask again.
var sources = map[string]string{
	"hand":     "REPORT --json | jq .survey.byHand",
	"there":    "repotool gold status, and REPORT --json | jq .survey",
	"months":   "REPORT --json | jq .survey.months",
	"largest":  "REPORT --json | jq .survey.largest",
	"rebuild":  "repotool index, and REPORT --json | jq .survey.rebuild",
	"prunable": "repotool prune --level LEVEL, and REPORT --json | jq .prunings",
	"choices":  "REPORT --json | jq .choices",
	"frontier": "REPORT --json | jq .choices",
	"assumed":  "REPORT --json | jq .assumptions",
	"advice":   "REPORT --json | jq .advice",
	"history":  "repotool snapshots, and REPORT --json | jq .history",
	"checked":  "REPORT --check --json | jq .checked",
}

// Source is the command that makes the figures of a part of a report. Of figures by hand no
// other command than the report knows anything.
func (s *Survey) Source(part, report string) string {
	text := sources[part]
	if _, own, also := strings.Cut(text, ", and "); also && len(s.ByHand) > 0 {
		text = own
	}
	return strings.ReplaceAll(text, "REPORT", report)
}

// Sources are all of them, of an installation.
func Sources(report string) (all []string) {
	for part := range sources {
		all = append(all, new(Survey).Source(part, report))
	}
	return all
}
