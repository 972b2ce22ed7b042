package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"

	"repotool/bench"
)

// The targets.
const (
	wantedCPU    = 5
	wantedWall   = 10
	wantedIndex  = 15
	wantedMemory = 300e6
	wantedFloor  = 1.5
)

// report writes what the tables are about, and the tables.
func (r *runner) report(w io.Writer, report *bench.Report) error {
	f, agent := r.site.facts, bench.Recorded
	var b strings.Builder
	fmt.Fprintf(&b, "An ISO of %s with source rpms; %s files of %s in all come out, %s different ones of %s. files/s and MB/s count all, also where less is "+
		"written: repotool writes a content once, bsdtar writes no tars and cpios that it opens on the way. index makes three of the four hashes, because no "+
		"ledger holds SHA-256, and reunpack the two of FOSSology's names. The floor found %s files of %s.\n\n"+
		"FOSSology's %.1f s (CPU %.1f s) for a re-unpack of %s to %s different files of %s, %.0f s the first time, were measured beforehand (FOSSology 4.7, "+
		"two processors with other work) and are scaled to the bytes of this ISO's different files: × %.2f.\n\n",
		mega(f.In), humanize.Comma(f.Files), mega(f.Out), humanize.Comma(f.Distinct), mega(f.Unique), humanize.Comma(r.floor.Files), mega(r.floor.Bytes),
		agent.Seconds, agent.CPU, mega(agent.In), humanize.Comma(agent.DistinctFiles), mega(agent.Distinct), bench.RecordedFirst, scale(f))
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	return report.Markdown(w)
}

func mega(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// scale is how much more there is to unpack than when FOSSology was measured, by the
// bytes of distinct files, which it hashes and writes.
func scale(f facts) float64 { return float64(f.Unique) / float64(bench.Recorded.Distinct) }

func outcomes(r *bench.Report, f facts) (list []bench.Outcome) {
	more := func(target string, wanted, measured float64) {
		list = append(list, bench.Outcome{Target: target, Wanted: wanted, Measured: measured})
	}
	re, n := r.Median(ours, reunpack)
	if n == 0 {
		return nil
	}
	ix, _ := r.Median(ours, index)
	again, _ := r.Median(ours, there)
	more("reunpack: CPU against FOSSology's re-unpack", wantedCPU, bench.Recorded.CPU*scale(f)/re.CPU)
	more("reunpack: wall against FOSSology's re-unpack", wantedWall, bench.Recorded.Seconds*scale(f)/re.Wall)
	more("index: wall against FOSSology's re-unpack", wantedIndex, bench.Recorded.Seconds*scale(f)/ix.Wall)
	more("index: wall against FOSSology's first unpack", wantedIndex, bench.RecordedFirst*scale(f)/ix.Wall)
	list = append(list, bench.Outcome{Target: "memory of all steps", Wanted: wantedMemory, Measured: float64(max(re.RSS, ix.RSS, again.RSS)), AtMost: true, Bytes: true})
	if floor, n := r.Median(decoders, index); n > 0 {
		for _, s := range []struct {
			name string
			cpu  float64
		}{{"index", ix.CPU}, {"reunpack", re.CPU}} {
			list = append(list, bench.Outcome{Target: s.name + ": CPU against the floor with four hashes", Wanted: wantedFloor, Measured: s.cpu / floor.CPU, AtMost: true, Times: true})
		}
	}
	return list
}
