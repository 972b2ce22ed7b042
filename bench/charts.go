package bench

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"math"
	"strings"

	"github.com/dustin/go-humanize"
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

// bytesTicks labels an axis of bytes, at powers of two or ten.
type bytesTicks struct{ log bool }

func (t bytesTicks) Ticks(min, max float64) []plot.Tick {
	if t.log {
		return logTicks(min, max, func(v float64) string { return humanize.Bytes(uint64(v)) })
	}
	ticks := plot.DefaultTicks{}.Ticks(min, max)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = humanize.Bytes(uint64(math.Max(0, ticks[i].Value)))
		}
	}
	return ticks
}

// secondsTicks labels an axis of time that something takes.
type secondsTicks struct{}

func (secondsTicks) Ticks(min, max float64) (ticks []plot.Tick) {
	const m, h, d = 60, 3600, 86400
	for _, v := range []float64{.1, .2, .5, 1, 2, 5, 10, 30, m, 2 * m, 5 * m, 10 * m, 30 * m, h, 2 * h, 5 * h, 10 * h, d, 2 * d, 5 * d, 10 * d, 30 * d, 100 * d} {
		if v >= min && v <= max {
			ticks = append(ticks, plot.Tick{Value: v, Label: shortly(v)})
		}
	}
	return ticks
}

// shortly is a round time in its largest unit.
func shortly(seconds float64) string {
	for _, u := range []struct {
		unit    string
		seconds float64
	}{{"d", 86400}, {"h", 3600}, {"min", 60}} {
		if seconds >= u.seconds {
			return fmt.Sprintf("%g %s", seconds/u.seconds, u.unit)
		}
	}
	return fmt.Sprintf("%g s", seconds)
}

// logTicks are at one, two and five times the powers of ten.
func logTicks(min, max float64, label func(float64) string) (ticks []plot.Tick) {
	for power := math.Pow(10, math.Floor(math.Log10(min))); power <= max; power *= 10 {
		for _, n := range []float64{1, 2, 5} {
			if v := n * power; v >= min && v <= max {
				ticks = append(ticks, plot.Tick{Value: v, Label: label(v)})
			}
		}
	}
	return ticks
}

// frontierChart shows disk against the time until the last file is back.
func frontierChart(choices []Choice, present string, days int) (template.HTML, error) {
	p := newChart("", fmt.Sprintf("on the disk after %d days", days), "until the last file is back")
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = bytesTicks{log: true}, secondsTicks{}
	p.Legend.Top, p.Legend.XOffs = true, 0
	for i, kind := range []struct {
		strategy, scheme string
		shape            draw.GlyphDrawer
		color            color.Color
	}{{"full", "linked", draw.CircleGlyph{}, blue}, {"full", "rotating", draw.SquareGlyph{}, orange}, {"gold", "linked", draw.PyramidGlyph{}, green}, {"gold", "rotating", draw.BoxGlyph{}, red}} {
		at, labels := frontierPoints(choices, kind.strategy, kind.scheme, present, days)
		if len(at) == 0 {
			continue
		}
		s, err := plotter.NewScatter(at)
		if err != nil {
			return "", err
		}
		s.GlyphStyle = draw.GlyphStyle{Color: kind.color, Radius: 4, Shape: kind.shape}
		l, err := plotter.NewLabels(plotter.XYLabels{XYs: at, Labels: labels})
		if err != nil {
			return "", err
		}
		l.Offset = vg.Point{X: 6, Y: vg.Length(-12 + 16*(i%2))} // those of rotating above, where they lie near linked ones
		p.Add(s, l)
		p.Legend.Add(kind.strategy+", "+kind.scheme, s)
	}
	// Room for labels: half a decade.
	p.X.Min, p.X.Max = p.X.Min/1.3, p.X.Max*4
	p.Y.Min, p.Y.Max = p.Y.Min/2, p.Y.Max*4
	return svg(p, "disk space against recovery time, one point for each choice")
}

// frontierPoints are the choices of one kind. Of those that lie on each other one has all labels.
func frontierPoints(choices []Choice, strategy, scheme, present string, days int) (at plotter.XYs, labels []string) {
	const near = 1.1
	for _, c := range choices {
		if c.Strategy != strategy || c.Scheme != scheme {
			continue
		}
		p := plotter.XY{X: math.Max(1, c.Bytes[days]), Y: math.Max(0.1, c.Last)}
		label := strings.Replace(c.Days, "none", "no days", 1)
		if c.Name() == present {
			label += " (now)"
		}
		if n := len(at) - 1; n >= 0 && math.Max(p.X, at[n].X) < near*math.Min(p.X, at[n].X) {
			labels[n] += ", " + label
			label = ""
		}
		at, labels = append(at, p), append(labels, label)
	}
	return at, labels
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
	width := vg.Length(math.Max(2, math.Min(24, 360/float64(2*len(months)+1))))
	for i, v := range []struct {
		what   string
		values plotter.Values
		color  color.Color
	}{{"gold", gold, orange}, {"what came of it", out, blue}} {
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
