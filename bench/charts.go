package bench

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"repotool/snapshot"
)

// Charts are drawn by gonum.org/v1/plot, which has axes of numbers and of time, and
// logarithms: the frontier needs them. Colours are those of Okabe and Ito, which people
// tell apart whatever they see of colours; shapes differ, too, and so does print.
var (
	blue   = color.NRGBA{0, 114, 178, 255}
	orange = color.NRGBA{230, 159, 0, 255}
	green  = color.NRGBA{0, 158, 115, 255}
	red    = color.NRGBA{213, 94, 0, 255}
)

const chartWidth, chartHeight = 18 * vg.Centimeter, 9 * vg.Centimeter

// newChart is an empty one with our axes.
func newChart(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.X.Padding, p.Y.Padding = 6, 6
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.NRGBA{220, 220, 220, 255}, color.NRGBA{220, 220, 220, 255}
	p.Add(grid)
	p.Legend.Padding, p.Legend.YOffs, p.Legend.XOffs = 3, -4, 4
	return p
}

// svg draws a chart for a page: as wide as there is room, with the page's own letters.
func svg(p *plot.Plot, about string) (template.HTML, error) {
	c := vgsvg.NewWith(vgsvg.UseWH(chartWidth, chartHeight))
	p.Draw(draw.Crop(draw.New(c), 4, -36, 4, -6)) // room for the last label of an axis
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return "", fmt.Errorf("draw %q: %w", p.Title.Text, err)
	}
	_, body, ok := strings.Cut(b.String(), "<svg ")
	if !ok {
		return "", fmt.Errorf("draw %q: no picture", p.Title.Text)
	}
	_, body, _ = strings.Cut(body, ">") // its own size
	return template.HTML(fmt.Sprintf(`<svg role="img" aria-label="%s" viewBox="0 0 %.2f %.2f" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">%s`,
		template.HTMLEscapeString(about), chartWidth.Points(), chartHeight.Points(), body)), nil
}

// growthChart shows what was uploaded month by month.
func growthChart(months []Month) (template.HTML, error) {
	if len(months) == 0 {
		return "", nil
	}
	p := newChart("", "", "uploaded in a month")
	var gold, out plotter.Values
	var labels []string
	for i, m := range months {
		gold, out = append(gold, float64(m.Gold)), append(out, float64(m.Out))
		label := m.Month
		if len(months) > 8 && (len(months)-1-i)%(len(months)/8+1) != 0 {
			label = ""
		}
		labels = append(labels, label)
	}
	width := vg.Length(math.Min(24, 360/float64(2*len(months)+1)))
	for i, v := range []struct {
		what   string
		values plotter.Values
		color  color.Color
	}{{"gold", gold, orange}, {"what came of it", out, blue}} {
		if i > 0 && !slices.ContainsFunc(months, func(m Month) bool { return m.Known > 0 }) {
			break // nobody knows what came of any
		}
		bars, err := plotter.NewBarChart(v.values, width)
		if err != nil {
			return "", err
		}
		bars.Color, bars.LineStyle.Width = v.color, 0
		bars.Offset = vg.Length(float64(i)-0.5) * width
		p.Add(bars)
		p.Legend.Add(v.what, bars)
	}
	p.Legend.Top, p.Legend.Left = true, true
	p.NominalX(labels...)
	p.Y.Min, p.Y.Tick.Marker = 0, bytesTicks{}
	p.Y.Max *= 1.25
	return svg(p, "bytes uploaded in each month, and what came of them")
}

// A historyPoint takes a figure of a snapshot.
type historyPoint func(*snapshot.Summary) float64

// historyCharts show the snapshots so far: a picture for each figure.
func historyCharts(history []*snapshot.Summary) (all []template.HTML, err error) {
	for _, h := range []struct {
		y     string
		ticks plot.Ticker // nil: plain numbers
		of    historyPoint
	}{
		{"seconds that a snapshot took", nil, func(s *snapshot.Summary) float64 { return s.Seconds }},
		{"seconds of standstill", nil, func(s *snapshot.Summary) float64 { return s.Standstill }},
		{"bytes that it added", bytesTicks{}, added},
		{"findings", nil, func(s *snapshot.Summary) float64 { return float64(s.Findings()) }},
	} {
		chart, err := historyChart(history, h.y, h.ticks, h.of)
		if err != nil {
			return nil, err
		}
		if chart != "" {
			all = append(all, chart)
		}
	}
	return all, nil
}

// historyChart shows a figure of the snapshots so far.
func historyChart(history []*snapshot.Summary, y string, ticks plot.Ticker, of historyPoint) (template.HTML, error) {
	p := newChart("", "", y)
	var at plotter.XYs
	for _, x := range history {
		if x.Known() {
			at = append(at, plotter.XY{X: float64(x.Time.Unix()), Y: of(x)})
		}
	}
	if len(at) < 2 {
		return "", nil
	}
	line, points, err := plotter.NewLinePoints(at)
	if err != nil {
		return "", err
	}
	line.Color, points.GlyphStyle = blue, draw.GlyphStyle{Color: blue, Radius: 2.5, Shape: draw.CircleGlyph{}}
	p.Add(line, points)
	p.Y.Min = 0
	if p.Y.Max <= 0 {
		p.Y.Max = 1
	}
	p.X.Tick.Marker = plot.TimeTicks{Format: "2006-01-02", Ticker: fewTicks{}}
	if ticks != nil {
		p.Y.Tick.Marker = ticks
	}
	return svg(p, y+", snapshot by snapshot")
}

// fewTicks are as many dates as have room.
type fewTicks struct{}

func (fewTicks) Ticks(min, max float64) (ticks []plot.Tick) {
	const n = 5
	for i := range n {
		v := min + (max-min)*float64(i)/(n-1)
		ticks = append(ticks, plot.Tick{Value: v, Label: "x"})
	}
	return ticks
}
