package bench

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
)

// Outcome is a target of the project and what was measured.
type Outcome struct {
	Target   string  `json:"target"`
	Wanted   float64 `json:"wanted"`
	Measured float64 `json:"measured"`
	AtMost   bool    `json:"atMost"` // Wanted is an upper limit; else a lower one
	Bytes    bool    `json:"bytes"`  // the figures are bytes
	Times    bool    `json:"times"`  // they are ratios, which those of lower limits are in any case
}

// Met says whether the target was reached.
func (o Outcome) Met() bool {
	if o.AtMost {
		return o.Measured <= o.Wanted
	}
	return o.Measured >= o.Wanted
}

// Outcomes compares the medians with the targets that the project set itself
// for 100,000 files and more. A target whose contestants did not run is left out.
func (r *Report) Outcomes() []Outcome {
	if r.Files < 100_000 {
		return nil // the start of the programs is most of what they take
	}
	o := outcomes{r: r}
	for _, t := range []struct {
		peer   string
		factor float64
	}{{Restic, 3}, {Borg, 3}, {RsyncCp, 4}} {
		o.faster(First, Flat, t.peer, t.factor, 0)
	}
	for _, peer := range Peers {
		o.faster(Unchanged, Flat, peer, 4, 5)
		o.faster(Unchanged, NoDays, peer, 10, 15)
		o.faster(Changed, Flat, peer, 4, 0)
	}
	o.atMost(Unchanged, Flat, 20e6, 600)
	o.atMost(Unchanged, NoDays, 100e3, 10)
	o.native()
	o.faster(Restore, Flat, RsyncCp, 1, 0) // its restore is cp -a
	o.faster(Restore, Flat, Restic, 3, 0)
	o.faster(Verify, Flat, Restic, 5, 0)
	o.faster(Verify, Flat, Borg, 5, 0)
	o.faster(Remove, Flat, RsyncCp, 5, 0) // it is rm -rf
	o.memory()
	return o.list
}

// outcomes collects.
type outcomes struct {
	r    *Report
	list []Outcome
}

// faster wants a peer to take so many times repotool's wall and processor time; 0: no wish.
func (o *outcomes) faster(step Step, ours, peer string, wall, cpu float64) {
	a, n := o.r.Median(ours, step)
	b, m := o.r.Median(peer, step)
	if n == 0 || m == 0 {
		return
	}
	text := fmt.Sprintf("%s: %s against %s, ", step, ours, peer)
	if wall > 0 {
		o.list = append(o.list, Outcome{Target: text + "wall", Wanted: wall, Measured: b.Wall / a.Wall})
	}
	if cpu > 0 {
		o.list = append(o.list, Outcome{Target: text + "CPU", Wanted: cpu, Measured: b.CPU / a.CPU})
	}
}

// atMost limits what a step adds to the file system.
func (o *outcomes) atMost(step Step, ours string, bytes, inodes float64) {
	a, n := o.r.Median(ours, step)
	if n == 0 {
		return
	}
	text := fmt.Sprintf("%s: %s, ", step, ours)
	o.list = append(o.list,
		Outcome{Target: text + "bytes added", Wanted: bytes, Measured: float64(a.Walked.Bytes), AtMost: true, Bytes: true},
		Outcome{Target: text + "inodes added", Wanted: inodes, Measured: float64(a.Walked.Inodes), AtMost: true})
}

// native compares a night with native days with the cp -al of the classical method alone.
func (o *outcomes) native() {
	a, n := o.r.Median(Native, Unchanged)
	b, _ := o.r.Median(RsyncCp, Unchanged)
	if n > 0 && len(b.Parts) == 2 {
		o.list = append(o.list, Outcome{Target: fmt.Sprintf("%s: %s against cp -al alone, CPU", Unchanged, Native),
			Wanted: 2, Measured: b.Parts[1].CPU / a.CPU})
	}
}

// memory limits the largest resident set of all steps.
func (o *outcomes) memory() {
	var most int64
	for _, name := range []string{Flat, NoDays, Native} {
		for _, step := range LifeSteps {
			s, _ := o.r.Median(name, step)
			most = max(most, s.RSS)
		}
	}
	if most > 0 {
		o.list = append(o.list, Outcome{Target: "repotool, all steps: memory", Wanted: 150e6, Measured: float64(most), AtMost: true, Bytes: true})
	}
}

// WriteOutcomes writes targets and what was measured as a table.
func WriteOutcomes(b *strings.Builder, list []Outcome) {
	if len(list) == 0 {
		return
	}
	fmt.Fprint(b, "\n**Targets**\n\n| | wanted | measured | |\n|---|--:|--:|---|\n")
	for _, o := range list {
		sign, show := "≥ ", func(v float64) string { return fmt.Sprintf("%.1f ×", v) }
		if o.AtMost {
			sign, show = "≤ ", func(v float64) string { return humanize.Comma(int64(v)) }
		}
		if o.AtMost && o.Times {
			show = func(v float64) string { return fmt.Sprintf("%.2f ×", v) }
		}
		if o.Bytes {
			show = func(v float64) string { return signed(int64(v)) }
		}
		verdict := "met"
		if !o.Met() {
			verdict = "**missed**"
		}
		fmt.Fprintf(b, "| %s | %s%s | %s | %s |\n", o.Target, sign, show(o.Wanted), show(o.Measured), verdict)
	}
}
