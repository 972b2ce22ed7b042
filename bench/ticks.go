package bench

import (
	"fmt"
	"math"

	"github.com/dustin/go-humanize"
	"gonum.org/v1/plot"
)

// bytesTicks labels an axis of bytes at round numbers, a logarithmic one where logTicks does.
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

// roundTimes are those at which an axis of time that something takes has labels.
var roundTimes = []float64{.1, .2, .5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 5 * 3600, 10 * 3600,
	86400, 2 * 86400, 5 * 86400, 10 * 86400, 30 * 86400, 100 * 86400}

// secondsTicks labels such an axis.
type secondsTicks struct{}

func (secondsTicks) Ticks(min, max float64) (ticks []plot.Tick) {
	for _, v := range roundTimes {
		if v >= min && v <= max {
			ticks = append(ticks, plot.Tick{Value: v, Label: shortly(v)})
		}
	}
	return sparse(ticks)
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
	return sparse(ticks)
}

// mostTicks are as many labels as have room on an axis.
const mostTicks = 8

// sparse leaves as many ticks as have room.
func sparse(ticks []plot.Tick) (some []plot.Tick) {
	every := (len(ticks) + mostTicks - 1) / mostTicks
	for i, t := range ticks {
		if i%every == 0 {
			some = append(some, t)
		}
	}
	return some
}
