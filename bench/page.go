package bench

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"

	"repotool/prune"
	"repotool/snapshot"
)

//go:embed page.html
var pageSource string

//go:embed page.js
var pageScript string

// A Page is what a report shows.
type Page struct {
	Survey      *Survey
	Assumptions *Assumptions
	Choices     []Choice
	Prunings    []Pruning
	Present     string              // the name of the choice that is in use; "" if none is
	Snapshots   []*snapshot.Summary // the oldest first
	Checked     []Checked           // forecasts and what then was, if that was asked for
	Command     string              // that made it
	Line        CommandLine         // the same, for those that make its figures again
}

// shownHolding is a line of what is there.
type shownHolding struct {
	What string
	Holding
	Share string // of the bytes of files
}

// shownPruning is a level of prune, with what it takes today.
type shownPruning struct {
	Pruning
	Today Holding // what it frees
	Share string  // of the bytes of files
}

// shown is a page with what is made for it.
type shown struct {
	*Page
	Model    pageModel
	Script   template.JS
	Kept     string // the retention, in words
	When     string
	Says     []string
	There    []shownHolding
	Prunable []shownPruning
	Growth   template.HTML
	Frontier template.HTML
	History  []template.HTML
	Assumed  []Assumption
}

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"count": humanize.Comma,
	"size": func(n any) string {
		switch n := n.(type) {
		case int64:
			return humanize.Bytes(uint64(max(0, n)))
		case float64:
			return humanize.Bytes(uint64(math.Max(0, n)))
		}
		return ""
	},
	"took": took,
	"value": func(v float64) string { // six digits say all that an assumption can
		round, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
		return strconv.FormatFloat(round, 'f', -1, 64)
	},
}).Parse(pageSource))

// took is a time for people, as page.html has it.
func took(s float64) string {
	switch {
	case s < 90:
		return fmt.Sprintf("%.1f s", s)
	case s < 5400:
		return fmt.Sprintf("%.0f min", s/60)
	}
	return fmt.Sprintf("%.1f h", s/3600)
}

// Write writes the page, in HTML. It needs nothing else: no file, no network.
func (p *Page) Write(w io.Writer) (err error) {
	x := shown{Page: p, Model: p.model(), Script: template.JS(pageScript), Kept: Kept(&p.Assumptions.Retention), When: p.Survey.Time.Format(time.DateTime) + " UTC",
		Says: Advice(p.Survey, p.Choices, p.Present), There: p.there(), Prunable: p.prunable()}
	if x.Frontier, err = frontierChart(p.Choices, p.Present); err != nil {
		return err
	}
	if x.Growth, err = growthChart(p.Survey.Months); err != nil {
		return err
	}
	if x.History, err = historyCharts(p.Snapshots); err != nil {
		return err
	}
	if err := page.Execute(w, &x); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// there are the lines of what is there.
func (p *Page) there() (all []shownHolding) {
	s := p.Survey
	add := func(what string, h Holding) {
		if h.Files > 0 {
			all = append(all, shownHolding{what, h, ""})
		}
	}
	of := func(what string, h Holding) {
		if h.Files > 0 {
			all = append(all, shownHolding{"of them: " + what, h, s.Share(h)})
		}
	}
	add("gold", s.Gold)
	add("files", s.Files)
	for _, c := range prune.Classes() {
		of(string(c), s.Classes[c])
	}
	of("of no row", s.Unknown)
	of("gold brings them back", s.Proven)
	of("residue, which a backup by gold keeps", s.Unproven)
	add("other: logs, licences", s.Other)
	add("work of agents, which no snapshot takes", s.Work)
	return all
}

// prunable are the lines of what pruning frees, if it does.
func (p *Page) prunable() (all []shownPruning) {
	if len(p.Prunings) < 2 {
		return nil
	}
	for _, x := range p.Prunings {
		h := p.Survey.Prunable[x.Level]
		all = append(all, shownPruning{x, h, p.Survey.Share(h)})
	}
	return all
}
