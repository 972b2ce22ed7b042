package bench

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"time"

	"github.com/dustin/go-humanize"
	"gonum.org/v1/plot"

	"repotool/prune"
	"repotool/snapshot"
)

//go:embed page.html
var pageSource string

// A Page is what a report shows.
type Page struct {
	Survey      *Survey
	Assumptions *Assumptions
	Choices     []Choice
	Present     string              // the name of the choice that is in use; "" if none is
	Snapshots   []*snapshot.Summary // the oldest first
	Command     string              // that made it
}

// shownHolding is a line of what is there.
type shownHolding struct {
	What string
	Holding
}

// shown is a page with what is made for it.
type shown struct {
	*Page
	When     string
	Says     []string
	There    []shownHolding
	Prunable []shownHolding
	Growth   template.HTML
	Frontier template.HTML
	History  []template.HTML
	Assumed  []Assumption
	Horizons []int
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
	x := shown{Page: p, When: p.Survey.Time.Format(time.DateTime) + " UTC", Says: Advice(p.Survey, p.Choices, p.Present), There: p.there(), Prunable: p.prunable(),
		Assumed: p.Assumptions.List(), Horizons: Horizons}
	if x.Frontier, err = frontierChart(p.Choices, p.Present, 30); err != nil {
		return err
	}
	if x.Growth, err = growthChart(p.Survey.Months); err != nil {
		return err
	}
	for _, h := range []struct {
		y     string
		ticks plot.Ticker // nil: plain numbers
		of    historyPoint
	}{
		{"seconds that a snapshot took", nil, func(s *snapshot.Summary) float64 { return s.Seconds }},
		{"seconds of standstill", nil, func(s *snapshot.Summary) float64 { return s.Standstill }},
		{"bytes that it added", bytesTicks{}, func(s *snapshot.Summary) float64 { return float64(s.Added.Bytes) }},
		{"findings", nil, func(s *snapshot.Summary) float64 { return float64(s.Findings()) }},
	} {
		chart, err := historyChart(p.Snapshots, h.y, h.ticks, h.of)
		if err != nil {
			return err
		}
		if chart != "" {
			x.History = append(x.History, chart)
		}
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
			all = append(all, shownHolding{what, h})
		}
	}
	add("gold", s.Gold)
	add("files", s.Files)
	for _, c := range prune.Classes() {
		add("of them: "+string(c), s.Classes[c])
	}
	add("of them: of no row", s.Unknown)
	add("of them: gold brings them back", s.Proven)
	add("of them: a backup by gold keeps them", s.Unproven)
	add("other: logs, licences", s.Other)
	return all
}

// prunable are the lines of what a prune could take.
func (p *Page) prunable() (all []shownHolding) {
	for _, l := range prune.Levels() {
		if h := p.Survey.Prunable[l]; h.Files > 0 {
			all = append(all, shownHolding{string(l), h})
		}
	}
	return all
}
