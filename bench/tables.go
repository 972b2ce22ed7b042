package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
)

// Markdown writes the tables: one for each step, what restored trees are like,
// the targets, the commands.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s files, %s, %s. Medians; × is how many times that of the first row it takes; sync is what a syncfs takes afterwards, because only some programs do it themselves; bytes and inodes are those that du counts more in the directory of the measurement; ≤ is before memory that is no more than this program's own, below which none is seen.\n",
		humanize.Comma(int64(r.Files)), r.place(), r.Time.Format(time.DateOnly))
	for _, step := range r.Steps {
		r.table(&b, step)
	}
	r.restored(&b)
	if r.outcomes != nil {
		WriteOutcomes(&b, r.outcomes(r))
	}
	r.commands(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// table writes the rows of one step.
func (r *Report) table(b *strings.Builder, step Step) {
	first := r.base(step)
	if !slices.ContainsFunc(r.Contestants, func(name string) bool { return len(r.Samples[name][step]) > 0 }) {
		return
	}
	base, known := r.Median(first, step)
	fmt.Fprintf(b, "\n**%s**\n\n", step)
	tw := tabwriter.NewWriter(b, 0, 1, 0, ' ', 0)
	rates, line := "", ""
	if r.Bytes > 0 {
		rates, line = " files/s\t | MB/s\t |", "--:\t|--:\t|"
	}
	fmt.Fprintf(tw, "| \t | n\t | wall s\t | ×\t | sync s\t | CPU s\t | ×\t | memory\t | bytes added\t | inodes added\t |%s\n", rates)
	fmt.Fprintf(tw, "|---\t|--:\t|--:\t|--:\t|--:\t|--:\t|--:\t|--:\t|--:\t|--:\t|%s\n", line)
	for _, name := range r.Contestants {
		samples := r.Samples[name][step]
		m, n := r.Median(name, step)
		if n == 0 {
			if len(samples) > 0 {
				fmt.Fprintf(tw, "| %s\t | 0\t | failed\t | \t | \t | \t | \t | \t | \t | \t |\n", name)
			}
			continue
		}
		wall, cpu := "", ""
		if known > 0 {
			wall, cpu = fmt.Sprintf("%.1f", m.Wall/base.Wall), fmt.Sprintf("%.1f", m.CPU/base.CPU)
		}
		if r.Bytes > 0 {
			rates = fmt.Sprintf(" %s\t | %.0f\t |", humanize.Comma(int64(float64(r.Files)/m.Wall)), float64(r.Bytes)/1e6/m.Wall)
		}
		fmt.Fprintf(tw, "| %s\t | %d\t | %.2f\t | %s\t | %.2f\t | %.2f\t | %s\t | %s\t | %s\t | %s\t |%s\n", name, n, m.Wall, wall, m.Settle, m.CPU, cpu,
			memory(m.Usage), signed(m.Walked.Bytes), humanize.Comma(m.Walked.Inodes), rates)
	}
	tw.Flush()
	for _, name := range r.Contestants {
		if why := r.failure(name, step); why != "" {
			fmt.Fprintf(b, "\n%s failed: `%s`\n", name, why)
		}
	}
}

// failure is the first of a step, in one line; "" if there is none.
func (r *Report) failure(name string, step Step) string {
	for _, s := range r.Samples[name][step] {
		if s.Failure != "" {
			return strings.ReplaceAll(s.Failure, "\n", " ")
		}
	}
	return ""
}

// memory is the largest resident set, or its limit.
func memory(u Usage) string {
	s := humanize.Bytes(uint64(u.RSS))
	if u.limit() {
		return "≤ " + s
	}
	return s
}

// limit says that the resident set is not known: only that it is no larger.
func (u Usage) limit() bool { return u.RSS <= u.Floor }

// restored says whether what was restored is what was backed up.
func (r *Report) restored(b *strings.Builder) {
	if len(r.Restored) == 0 {
		return
	}
	fmt.Fprint(b, "\n**Restored trees compared with the source** (every byte, modes, times)\n\n")
	for _, name := range r.Contestants {
		for i, d := range r.Restored[name] {
			if !d.Same() {
				fmt.Fprintf(b, "- %s, run %d: %s\n", name, i+1, d)
			} else if i == len(r.Restored[name])-1 {
				fmt.Fprintf(b, "- %s: the same, %s files; %s directories with another time\n",
					name, humanize.Comma(d.Files), humanize.Comma(d.DirTime))
			}
		}
	}
}

// commands writes what was run, of the first run, without the directories of
// the benchmark; one that is the same every night stands there once.
func (r *Report) commands(b *strings.Builder) {
	short := strings.NewReplacer(r.dir+"/", "", r.bin+"/", "")
	fmt.Fprint(b, "\n**Commands**\n\n```\n")
	for _, name := range r.Contestants {
		var written []string
		for _, step := range r.Steps {
			for _, c := range r.Commands[name][step] {
				if line := short.Replace(c.String()); !slices.Contains(written, line) {
					written = append(written, line)
					fmt.Fprintf(b, "%s\n", line)
				}
			}
		}
	}
	fmt.Fprint(b, "```\n")
	versions := slices.Sorted(maps.Values(r.Versions))
	fmt.Fprintf(b, "\nVersions: %s.\n", strings.Join(slices.Compact(versions), "; "))
}

// GoBench writes every sample in the format of Go's benchmarks, which benchstat reads.
func (r *Report) GoBench(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "goos: linux\nkernel: %s\nfilesystem: %s\nfiles: %d\n", r.Kernel, r.FileSystem, r.Files)
	word := strings.NewReplacer(" ", "_", ",", "", "%", "percent", "-", "", "+", "and")
	for _, step := range r.Steps {
		for _, name := range r.Contestants {
			for _, s := range r.Samples[name][step] {
				if s.Failure != "" {
					continue
				}
				fmt.Fprintf(&b, "Benchmark/step=%s/who=%s/files=%d 1 %.0f ns/op %.0f cpu-ns/op %d peak-bytes %d added-bytes\n",
					word.Replace(string(step)), word.Replace(name), r.Files, s.Wall*1e9, s.CPU*1e9, s.RSS, s.Walked.Bytes)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
