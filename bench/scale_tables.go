package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
)

// growthTolerance is how far an exponent may be above what it should be: with 0.1, ten times
// the files take a quarter more. By about as much one run differs from the next.
const growthTolerance = 0.1

// Markdown writes a table for each contestant, what failed, which steps grow too fast, and
// the commands.
func (s *Scaling) Markdown(w io.Writer) error {
	var b strings.Builder
	if len(s.Reports) == 0 {
		return nil
	}
	last := s.Reports[len(s.Reports)-1]
	fmt.Fprintf(&b, "%s. Seconds on the clock, medians; growth is the fitted exponent: 1 is linear, memory is not to grow at all.\n", last.place())
	for _, name := range last.Contestants {
		s.table(&b, name)
		s.failures(&b, name)
	}
	s.verdict(&b)
	last.commands(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// steps are those that a contestant began at some number of files.
func (s *Scaling) steps(name string) (steps []Step) {
	for _, step := range s.Reports[0].Steps {
		if slices.ContainsFunc(s.Reports, func(r *Report) bool { return len(r.Samples[name][step]) > 0 }) {
			steps = append(steps, step)
		}
	}
	return steps
}

// growth is that of a step; false: it succeeded at fewer than two numbers of files.
func (s *Scaling) growth(name string, step Step) (Growth, bool) {
	i := slices.IndexFunc(s.Growth, func(g Growth) bool { return g.Contestant == name && g.Step == step })
	if i < 0 {
		return Growth{}, false
	}
	return s.Growth[i], true
}

// table writes that of a contestant.
func (s *Scaling) table(b *strings.Builder, name string) {
	steps := s.steps(name)
	if len(steps) == 0 {
		return
	}
	fmt.Fprintf(b, "\n**%s**\n\n", name)
	tw := tabwriter.NewWriter(b, 0, 1, 0, ' ', 0)
	fmt.Fprint(tw, "| \t")
	for _, r := range s.Reports {
		fmt.Fprintf(tw, " | %s files\t | µs a file\t | memory\t", humanize.Comma(int64(r.Files)))
	}
	fmt.Fprint(tw, " | wall\t | CPU\t | memory\t | bytes\t |\n|---\t")
	for range 3*len(s.Reports) + 4 {
		fmt.Fprint(tw, "|--:\t")
	}
	fmt.Fprint(tw, "|\n")
	for _, step := range steps {
		fmt.Fprintf(tw, "| %s\t", step)
		for _, r := range s.Reports {
			fmt.Fprint(tw, r.scaleCells(name, step))
		}
		if g, ok := s.growth(name, step); ok {
			memory := fmt.Sprintf("n^%.2f", g.Memory)
			if s.limited(name, step) {
				memory = ""
			}
			fmt.Fprintf(tw, " | n^%.2f\t | n^%.2f\t | %s\t | n^%.2f\t |\n", g.Wall, g.CPU, memory, g.Bytes)
		} else {
			fmt.Fprint(tw, " | \t | \t | \t | \t |\n")
		}
	}
	tw.Flush()
}

// limited says that the memory of a step is a limit at some number of files.
func (s *Scaling) limited(name string, step Step) bool {
	return slices.ContainsFunc(s.Reports, func(r *Report) bool {
		m, n := r.Median(name, step)
		return n > 0 && m.limit()
	})
}

// scaleCells are those of a step at one number of files; empty if an earlier step failed.
func (r *Report) scaleCells(name string, step Step) string {
	m, n := r.Median(name, step)
	switch {
	case n > 0:
		return fmt.Sprintf(" | %.2f\t | %.1f\t | %s\t", m.Wall, m.Wall*1e6/float64(r.Files), memory(m.Usage))
	case len(r.Samples[name][step]) > 0:
		return " | failed\t | \t | \t"
	}
	return " | \t | \t | \t"
}

// failures says why steps failed, those too that were only done for others to be measured.
func (s *Scaling) failures(b *strings.Builder, name string) {
	for _, r := range s.Reports {
		for _, step := range slices.Sorted(maps.Keys(r.Samples[name])) {
			if why := r.failure(name, step); why != "" {
				fmt.Fprintf(b, "\n%s failed with %s files: %s: `%s`\n", name, humanize.Comma(int64(r.Files)), step, why)
			}
		}
	}
}

// verdict names the steps that grow faster than they may.
func (s *Scaling) verdict(b *strings.Builder) {
	var fast, fat, limited, unknown []string
	for _, name := range s.Reports[0].Contestants {
		for _, step := range s.steps(name) {
			g, ok := s.growth(name, step)
			who := fmt.Sprintf("%s: %s", name, step)
			if !ok {
				unknown = append(unknown, who)
			}
			if max(g.Wall, g.CPU) > 1+growthTolerance {
				fast = append(fast, fmt.Sprintf("%s (wall n^%.2f, CPU n^%.2f)", who, g.Wall, g.CPU))
			}
			if g.Memory > growthTolerance {
				fat = append(fat, fmt.Sprintf("%s (n^%.2f)", who, g.Memory))
			}
			if ok && s.limited(name, step) {
				limited = append(limited, who)
			}
		}
	}
	fmt.Fprint(b, "\n**What grows too fast**\n\n")
	fmt.Fprintf(b, "- seconds, on the clock or of the processor, above n^%.2f: %s\n", 1+growthTolerance, orNone(fast))
	fmt.Fprintf(b, "- memory, above n^%.2f: %s\n", growthTolerance, orNone(fat))
	if len(limited) > 0 {
		fmt.Fprintf(b, "- memory not known, for it is no more than this program's own: %s\n", strings.Join(limited, "; "))
	}
	if len(unknown) > 0 {
		fmt.Fprintf(b, "- not known, for want of two numbers of files: %s\n", strings.Join(unknown, "; "))
	}
}

// orNone lists steps, or says that there are none.
func orNone(steps []string) string {
	if len(steps) == 0 {
		return "no step"
	}
	return strings.Join(steps, "; ")
}
