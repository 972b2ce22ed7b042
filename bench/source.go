package bench

import "strings"

// A CommandLine is that of a report, for the commands that make its figures again: those that
// look at something look at the same.
type CommandLine struct {
	Report string // without what it was to write
	Store  string // of its flags those that every command has, such as --store, each after a blank
	Source string // and those, too, that say where repository and database are
}

// sources says which command makes the figures of each part of a report: REPORT, STORE and
// SOURCE stand for what its [CommandLine] has. Whoever doubts a figure can ask again.
var sources = map[string]string{
	"hand":     "REPORT --json | jq .survey.byHand",
	"there":    "repotool gold status SOURCE, and REPORT --json | jq .survey",
	"months":   "REPORT --json | jq .survey.months",
	"largest":  "REPORT --json | jq .survey.largest",
	"rebuild":  "repotool index SOURCE, and REPORT --json | jq .survey.rebuild",
	"prunable": "repotool prune --level LEVEL SOURCE, and REPORT --json | jq .prunings",
	"choices":  "REPORT --json | jq .choices",
	"frontier": "REPORT --json | jq .choices",
	"assumed":  "REPORT --json | jq .assumptions",
	"advice":   "REPORT --json | jq .advice",
	"history":  "repotool snapshots STORE, and REPORT --json | jq .history",
	"checked":  "REPORT --check --json | jq .checked",
}

// Source is the command that makes the figures of a part of a report. Of figures by hand no
// other command than the report knows anything.
func (s *Survey) Source(part string, c CommandLine) string {
	text := sources[part]
	if _, own, also := strings.Cut(text, ", and "); also && len(s.ByHand) > 0 {
		text = own
	}
	return strings.NewReplacer("REPORT", c.Report, " STORE", c.Store, " SOURCE", c.Source).Replace(text)
}

// Sources are all of them, of an installation.
func Sources(c CommandLine) (all []string) {
	for part := range sources {
		all = append(all, new(Survey).Source(part, c))
	}
	return all
}
