package bench

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"repotool/store"
)

// A Scaling is the same cycle at several numbers of files.
type Scaling struct {
	Reports []*Report `json:"reports"` // by their numbers of files, the smallest first
	Points  []Point   `json:"points"`
	Growth  []Growth  `json:"growth"`
}

// A Point is a step at a number of files, by the medians.
type Point struct {
	Contestant string  `json:"contestant"`
	Step       Step    `json:"step"`
	Files      int     `json:"files"`
	Wall       float64 `json:"wall"`  // seconds
	CPU        float64 `json:"cpu"`   // seconds
	RSS        int64   `json:"rss"`   // bytes, the largest
	Added      Space   `json:"added"` // on the disk
}

// Growth says how a step grows with the number of files.
type Growth struct {
	Contestant string  `json:"contestant"`
	Step       Step    `json:"step"`
	Wall       float64 `json:"wall"`   // exponent of the seconds on the clock: 1 is linear
	CPU        float64 `json:"cpu"`    // of those of the processor
	Memory     float64 `json:"memory"` // of the largest resident set: 0 does not grow, or one is a limit
	Bytes      float64 `json:"bytes"`  // of what it added on the disk; 0: nothing, or less
}

// A Measure is what is done at each number of files: [RunLife] or [RunManifests].
type Measure func(context.Context, LifeOptions, RunOptions) (*Report, error)

// Scale measures at several numbers of files, one after another, each in a directory of its
// own below opt.Dir, which is removed before the next. What was measured before an error is
// returned with it.
func Scale(ctx context.Context, opt LifeOptions, run RunOptions, sizes []int, measure Measure) (*Scaling, error) {
	s := &Scaling{Points: []Point{}, Growth: []Growth{}}
	defer s.fit()
	for _, n := range sizes {
		o := opt
		o.Files, o.Dir = n, filepath.Join(opt.Dir, fmt.Sprint(n))
		if err := os.Mkdir(o.Dir, 0o755); err != nil {
			return s, err
		}
		r, err := measure(ctx, o, run)
		if r != nil {
			s.Reports = append(s.Reports, r)
		}
		if err != nil {
			return s, err
		}
		if err := store.RemoveTree(ctx, o.Dir); err != nil {
			return s, err
		}
	}
	return s, nil
}

// fit fits a power of the number of files to what was measured.
func (s *Scaling) fit() {
	if len(s.Reports) == 0 {
		return
	}
	for _, name := range s.Reports[0].Contestants {
		for _, step := range s.Reports[0].Steps {
			var n, wall, cpu, memory, bytes []float64
			for _, r := range s.Reports {
				m, samples := r.Median(name, step)
				if samples == 0 {
					continue
				}
				s.Points = append(s.Points, Point{name, step, r.Files, m.Wall, m.CPU, m.RSS, m.Walked})
				n = append(n, float64(r.Files))
				wall, cpu = append(wall, m.Wall), append(cpu, m.CPU)
				resident := float64(m.RSS)
				if m.limit() { // what grows is this program
					resident = 0
				}
				memory = append(memory, resident)
				bytes = append(bytes, float64(m.Walked.Bytes))
			}
			if len(n) < 2 {
				continue
			}
			s.Growth = append(s.Growth, Growth{name, step, exponent(n, wall), exponent(n, cpu), exponent(n, memory), exponent(n, bytes)})
		}
	}
}

// exponent is b of y = a n^b, by least squares of the logarithms; 0 if some y is not above 0.
func exponent(n, y []float64) float64 {
	var sx, sy, sxx, sxy float64
	for i := range n {
		if y[i] <= 0 {
			return 0
		}
		x, y := math.Log(n[i]), math.Log(y[i])
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	k := float64(len(n))
	if d := k*sxx - sx*sx; d != 0 {
		return (k*sxy - sx*sy) / d
	}
	return 0
}

// GoBench writes those of all numbers of files.
func (s *Scaling) GoBench(w io.Writer) error {
	for _, r := range s.Reports {
		if err := r.GoBench(w); err != nil {
			return err
		}
	}
	return nil
}
