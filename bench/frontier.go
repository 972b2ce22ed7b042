package bench

import (
	"cmp"
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
)

// frontierDays is after how many nights the picture shows the disk.
const frontierDays = 30

// The kinds of points: each has a colour and a shape of its own. page.js draws the same.
var frontierKinds = []struct {
	strategy, scheme string
	shape            draw.GlyphDrawer
	color            color.Color
}{
	{"full", "linked", draw.CircleGlyph{}, blue},
	{"full", "rotating", draw.SquareGlyph{}, orange},
	{"gold", "linked", draw.PyramidGlyph{}, green},
	{"gold", "rotating", draw.BoxGlyph{}, red},
}

// frontierChart shows disk against the time until the last file is back. What is in use has
// a ring.
func frontierChart(choices []Choice, present string) (template.HTML, error) {
	p := newChart("", fmt.Sprintf("on the disk after %d nights", frontierDays), "until the last file is back")
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = bytesTicks{log: true}, secondsTicks{}
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.XOffs = 8
	for i, kind := range frontierKinds {
		at, labels, now := frontierPoints(choices, kind.strategy, kind.scheme, present)
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
		l.Offset = vg.Point{X: 7, Y: vg.Length(-12 + 16*(i%2))} // those of rotating above, where they lie near linked ones
		p.Add(s, l)
		p.Legend.Add(kind.strategy+", "+kind.scheme, s)
		if now == nil {
			continue
		}
		ring, err := plotter.NewScatter(now)
		if err != nil {
			return "", err
		}
		ring.GlyphStyle = draw.GlyphStyle{Color: color.Black, Radius: 7, Shape: draw.RingGlyph{}}
		p.Add(ring)
	}
	// Room for labels, and for the legend above all points.
	p.X.Min, p.X.Max = p.X.Min/1.3, p.X.Max*4
	p.Y.Min, p.Y.Max = p.Y.Min/2, p.Y.Max*10
	return svg(p, "disk space against recovery time, one point for each choice")
}

// frontierPoints are the choices of one kind, from little disk to much. Of those that lie on
// each other the last has all labels.
func frontierPoints(choices []Choice, strategy, scheme, present string) (at plotter.XYs, labels []string, now plotter.XYs) {
	const near = 1.25
	var kind []Choice
	for _, c := range choices {
		if c.Strategy == strategy && c.Scheme == scheme {
			kind = append(kind, c)
		}
	}
	slices.SortStableFunc(kind, func(a, b Choice) int { return cmp.Compare(a.Bytes[frontierDays], b.Bytes[frontierDays]) })
	for _, c := range kind {
		p := plotter.XY{X: math.Max(1, c.Bytes[frontierDays]), Y: math.Max(0.1, c.Last)}
		label := strings.Replace(c.Days, "none", "no days", 1)
		if c.Name() == present {
			label += " (now)"
			now = plotter.XYs{p}
		}
		if n := len(at) - 1; n >= 0 && p.X < near*at[n].X {
			labels[n], label = "", labels[n]+", "+label
		}
		at, labels = append(at, p), append(labels, label)
	}
	return at, labels, now
}
