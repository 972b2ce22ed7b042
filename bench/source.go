package bench

import "strings"

// sources says which command makes the figures of each part of a report: REPORT is the one
// that made it. Whoever doubts a figure can ask again.
var sources = map[string]string{
	"there":    "repotool gold status, and REPORT --json | jq .survey",
	"months":   "REPORT --json | jq .survey.months",
	"largest":  "REPORT --json | jq .survey.largest",
	"rebuild":  "repotool index, and REPORT --json | jq .survey.rebuild",
	"prunable": "repotool prune --level LEVEL, and REPORT --json | jq .survey.prunable",
	"choices":  "REPORT --json | jq .choices",
	"frontier": "REPORT --json | jq .choices",
	"assumed":  "REPORT --json | jq .assumptions",
	"advice":   "REPORT --json | jq .advice",
	"history":  "repotool snapshots, and REPORT --json | jq .history",
	"checked":  "REPORT --check --json | jq .checked",
}

// Source is the command that makes the figures of a part of a report.
func Source(part, report string) string {
	return strings.ReplaceAll(sources[part], "REPORT", report)
}

// Sources are all of them.
func Sources(report string) (all []string) {
	for part := range sources {
		all = append(all, Source(part, report))
	}
	return all
}
