package bench

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/sys/unix"
)

// Report is all that a Run found out. Its JSON form keeps every sample.
type Report struct {
	Time       time.Time                     `json:"time"`
	Kernel     string                        `json:"kernel"`
	Processors int                           `json:"processors"`
	FileSystem string                        `json:"fileSystem"`
	Files      int                           `json:"files"`
	Seed       uint64                        `json:"seed"`
	Versions   map[string]string             `json:"versions"`
	Commands   map[string]map[Step][]Command `json:"commands"`
	Samples    map[string]map[Step][]Sample  `json:"samples"`
	Restored   map[string][]Differences      `json:"restored"`

	dir, bin string // of the benchmark and of repotool, left out of the tables
}

// newReport notes where and with what a run happens.
func newReport(ctx context.Context, opt RunOptions) *Report {
	r := &Report{
		Time: opt.Now().UTC(), Processors: runtime.NumCPU(), Files: opt.Files, Seed: opt.Seed,
		Versions: map[string]string{}, Commands: map[string]map[Step][]Command{},
		Samples: map[string]map[Step][]Sample{}, Restored: map[string][]Differences{},
		dir: opt.Dir, bin: filepath.Dir(opt.Repotool),
	}
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		r.Kernel = unix.ByteSliceToString(uts.Release[:])
	}
	var st unix.Statfs_t
	if unix.Statfs(opt.Dir, &st) == nil {
		r.FileSystem = fmt.Sprintf("%#x", st.Type)
		if name, ok := fileSystems[int64(st.Type)]; ok {
			r.FileSystem = name
		}
	}
	for name, c := range contestants() {
		args := c.version
		if args[0] == "version" {
			args = []string{opt.Repotool, "version"}
		}
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).Output(); err == nil {
			line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
			r.Versions[name] = strings.Join(strings.Fields(line), " ")
		}
	}
	return r
}

var fileSystems = map[int64]string{
	unix.EXT4_SUPER_MAGIC: "ext4", unix.TMPFS_MAGIC: "tmpfs", unix.BTRFS_SUPER_MAGIC: "btrfs",
	unix.XFS_SUPER_MAGIC: "xfs", unix.OVERLAYFS_SUPER_MAGIC: "overlay",
}

// add notes a sample.
func (r *Report) add(name string, step Step, commands []Command, s Sample) {
	if r.Samples[name] == nil {
		r.Samples[name], r.Commands[name] = map[Step][]Sample{}, map[Step][]Command{}
	}
	r.Samples[name][step] = append(r.Samples[name][step], s)
	if r.Commands[name][step] == nil && commands != nil {
		r.Commands[name][step] = commands
	}
}

// compared notes how a restored tree differs from its source.
func (r *Report) compared(name string, d Differences) {
	r.Restored[name] = append(r.Restored[name], d)
}

// Median returns the medians of a step, and how many samples they stand on.
// The resident set is the largest of all, not a median: it is a promise.
func (r *Report) Median(name string, step Step) (Sample, int) {
	var good []Sample
	for _, s := range r.Samples[name][step] {
		if s.Failure == "" {
			good = append(good, s)
		}
	}
	if len(good) == 0 {
		return Sample{}, 0
	}
	m := Sample{
		Usage: Usage{
			Wall: median(good, func(s Sample) float64 { return s.Wall }),
			CPU:  median(good, func(s Sample) float64 { return s.CPU }),
		},
		Settle: median(good, func(s Sample) float64 { return s.Settle }),
		Added: Space{
			Bytes:  int64(median(good, func(s Sample) float64 { return float64(s.Added.Bytes) })),
			Inodes: int64(median(good, func(s Sample) float64 { return float64(s.Added.Inodes) })),
		},
		Walked: Space{
			Bytes:  int64(median(good, func(s Sample) float64 { return float64(s.Walked.Bytes) })),
			Inodes: int64(median(good, func(s Sample) float64 { return float64(s.Walked.Inodes) })),
		},
	}
	for _, s := range good {
		m.RSS = max(m.RSS, s.RSS)
	}
	for i := range good[0].Parts {
		m.Parts = append(m.Parts, Usage{
			Wall: median(good, func(s Sample) float64 { return s.Parts[i].Wall }),
			CPU:  median(good, func(s Sample) float64 { return s.Parts[i].CPU }),
		})
	}
	return m, len(good)
}

// median is that of a value of samples.
func median(samples []Sample, value func(Sample) float64) float64 {
	v := make([]float64, len(samples))
	for i, s := range samples {
		v[i] = value(s)
	}
	return Median(v)
}

// Median returns the middle of some values, or the mean of the two in the middle. It sorts them.
func Median(v []float64) float64 {
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// Markdown writes the tables: one for each step, what restored trees are like,
// the targets, the commands.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s files, %s, %d processors, Linux %s, %s. Medians; × is how many times repotool's (flat days) it takes; sync is what a syncfs takes afterwards, because only some programs do it themselves.\n",
		humanize.Comma(int64(r.Files)), r.FileSystem, r.Processors, r.Kernel, r.Time.Format(time.DateOnly))
	for _, step := range Steps {
		r.table(&b, step)
	}
	r.restored(&b)
	r.targets(&b)
	r.commands(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// table writes the rows of one step.
func (r *Report) table(b *strings.Builder, step Step) {
	base, known := r.Median(Flat, step)
	fmt.Fprintf(b, "\n**%s**\n\n", step)
	tw := tabwriter.NewWriter(b, 0, 1, 0, ' ', 0)
	fmt.Fprint(tw, "| \t | n\t | wall s\t | ×\t | sync s\t | CPU s\t | ×\t | memory\t | bytes added\t | inodes added\t |\n")
	fmt.Fprint(tw, "|---\t|--:\t|--:\t|--:\t|--:\t|--:\t|--:\t|--:\t|--:\t|--:\t|\n")
	for _, name := range Names {
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
		fmt.Fprintf(tw, "| %s\t | %d\t | %.2f\t | %s\t | %.2f\t | %.2f\t | %s\t | %s\t | %s\t | %s\t |\n", name, n, m.Wall, wall, m.Settle, m.CPU, cpu,
			humanize.Bytes(uint64(m.RSS)), signed(m.Added.Bytes), humanize.Comma(m.Added.Inodes))
	}
	tw.Flush()
	for _, name := range Names {
		for _, s := range r.Samples[name][step] {
			if s.Failure != "" {
				fmt.Fprintf(b, "\n%s failed: `%s`\n", name, strings.ReplaceAll(s.Failure, "\n", " "))
				break
			}
		}
	}
}

// signed is humanize.Bytes for what may shrink.
func signed(n int64) string {
	if n < 0 {
		return "-" + humanize.Bytes(uint64(-n))
	}
	return humanize.Bytes(uint64(n))
}

// restored says whether what was restored is what was backed up.
func (r *Report) restored(b *strings.Builder) {
	fmt.Fprint(b, "\n**Restored trees compared with the source** (every byte, modes, times)\n\n")
	for _, name := range Names {
		for i, d := range r.Restored[name] {
			if !d.Same() {
				fmt.Fprintf(b, "- %s, run %d: %d missing, %d too many, %d with other bytes, %d modes, %d times; first %s\n",
					name, i+1, d.Missing, d.Extra, d.Content, d.Mode, d.Time, d.FirstOne)
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
	for _, name := range Names {
		var written []string
		for _, step := range Steps {
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
