package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"repotool/bench"
)

func now() time.Time { return time.Now() }

// What FOSSology 4.7's own agent took for an ISO of 26 source rpms, measured on a
// machine of two processors that had other work, with files emptied and rows present
// (the better of two runs; its CPU time is the lower of both), and for the first
// unpack through its queue.
const (
	fossologyIn    = 66_271_232
	fossologyFiles = 24_228
	fossologyOut   = 919_939_122
	fossologyWall  = 125.9
	fossologyCPU   = 61.9
	fossologyFirst = 476.1
)

// The targets.
const (
	wantedCPU    = 5
	wantedWall   = 10
	wantedIndex  = 15
	wantedMemory = 300e6
	wantedFloor  = 1.5
)

func (r *runner) median(step string) (bench.Usage, bool) {
	samples := r.result.Samples[step]
	if len(samples) == 0 {
		return bench.Usage{}, false
	}
	var wall, cpu []float64
	u := bench.Usage{}
	for _, s := range samples {
		wall, cpu = append(wall, s.Wall), append(cpu, s.CPU)
		u.RSS = max(u.RSS, s.RSS) // a promise, not a median
	}
	u.Wall, u.CPU = middle(wall), middle(cpu)
	return u, true
}

func middle(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// report writes the tables.
func (r *runner) report(w io.Writer) error {
	f := r.site.facts
	var b strings.Builder
	fmt.Fprintf(&b, "An ISO of %s with source rpms; %s files of %s in all come out, %s different ones of %s. Medians of %d runs; memory is the largest of all.\n\n",
		mega(f.In), humanize.Comma(f.Files), mega(f.Out), humanize.Comma(f.Distinct), mega(f.Unique), r.runs)
	fmt.Fprint(&b, "| | wall s | CPU s | files/s | MB/s in | MB/s out | sync s | memory |\n|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, g := range r.groups {
		for _, step := range g.steps {
			u, ok := r.median(step)
			if !ok {
				continue
			}
			fmt.Fprintf(&b, "| %s | %.2f | %.2f | %s | %.1f | %.0f | %.2f | %s |\n", step, u.Wall, u.CPU, humanize.Comma(int64(float64(f.Files)/u.Wall)),
				float64(f.In)/1e6/u.Wall, float64(f.Out)/1e6/u.Wall, middle(r.result.Settle[step]), humanize.Bytes(uint64(u.RSS)))
		}
	}
	fmt.Fprintf(&b, "| FOSSology's agent, re-unpack of another ISO | %.1f | %.1f | %s | %.1f | %.0f | | |\n", fossologyWall, fossologyCPU,
		fmt.Sprintf("%.0f", fossologyFiles/fossologyWall), fossologyIn/1e6/fossologyWall, fossologyOut/1e6/fossologyWall)
	fmt.Fprintf(&b, "\nfiles/s and MB/s count all files, also where less is written: repotool writes a content once, bsdtar writes no tars and cpios that it opens on the way. "+
		"sync is what a syncfs takes afterwards; reunpack does its own. index makes three of the four hashes, because no ledger holds SHA-256, "+
		"and reunpack the two of FOSSology's names.\nThe floor found %s files of %s.\n", humanize.Comma(r.result.Floor.Files), mega(r.result.Floor.Bytes))
	bench.WriteOutcomes(&b, r.outcomes())
	fmt.Fprintf(&b, "\nFOSSology's %.1f s (CPU %.1f s) for a re-unpack of %s to %s different files of %s, %.0f s the first time, were measured beforehand (FOSSology 4.7, "+
		"two processors with other work) and are scaled to the bytes of this ISO's different files: × %.2f.\n",
		fossologyWall, fossologyCPU, mega(fossologyIn), humanize.Comma(fossologyFiles), mega(fossologyOut), fossologyFirst, r.scale())
	_, err := io.WriteString(w, b.String())
	return err
}

func mega(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// scale is how much more there is to unpack than when FOSSology was measured, by the
// bytes of distinct files, which it hashes and writes.
func (r *runner) scale() float64 { return float64(r.site.facts.Unique) / fossologyOut }

func (r *runner) outcomes() (list []bench.Outcome) {
	more := func(target string, wanted, measured float64) {
		list = append(list, bench.Outcome{Target: target, Wanted: wanted, Measured: measured})
	}
	most := int64(0)
	re, ok := r.median(reunpack)
	if !ok {
		return nil
	}
	ix, _ := r.median(index)
	there, _ := r.median(indexThere)
	most = max(re.RSS, ix.RSS, there.RSS)
	more("reunpack: CPU against FOSSology's re-unpack", wantedCPU, fossologyCPU*r.scale()/re.CPU)
	more("reunpack: wall against FOSSology's re-unpack", wantedWall, fossologyWall*r.scale()/re.Wall)
	more("index: wall against FOSSology's re-unpack", wantedIndex, fossologyWall*r.scale()/ix.Wall)
	more("index: wall against FOSSology's first unpack", wantedIndex, fossologyFirst*r.scale()/ix.Wall)
	list = append(list, bench.Outcome{Target: "memory of all steps", Wanted: wantedMemory, Measured: float64(most), AtMost: true, Bytes: true})
	if f, ok := r.median(decoders); ok {
		for _, s := range []struct {
			name string
			u    bench.Usage
		}{{index, ix}, {reunpack, re}} {
			list = append(list, bench.Outcome{Target: s.name + ": CPU against the floor with four hashes", Wanted: wantedFloor, Measured: s.u.CPU / f.CPU, AtMost: true, Times: true})
		}
	}
	return list
}
