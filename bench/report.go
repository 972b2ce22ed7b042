package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/sys/unix"
)

// Report is all that a Run found out. Its JSON form keeps every sample.
type Report struct {
	Time        time.Time                     `json:"time"`
	Kernel      string                        `json:"kernel"`
	Processors  int                           `json:"processors"`
	Processor   string                        `json:"processor"`
	Memory      int64                         `json:"memory"` // bytes, of the machine
	FileSystem  string                        `json:"fileSystem"`
	Files       int                           `json:"files"`
	Bytes       int64                         `json:"bytes,omitempty"` // that each step reads, where that is known
	Seed        uint64                        `json:"seed"`
	Contestants []string                      `json:"contestants"` // in their order
	Steps       []Step                        `json:"steps"`       // in theirs
	Versions    map[string]string             `json:"versions"`
	Commands    map[string]map[Step][]Command `json:"commands"`
	Samples     map[string]map[Step][]Sample  `json:"samples"`
	Restored    map[string][]Differences      `json:"restored"`

	dir, bin string // of the benchmark and of repotool, left out of the tables
	outcomes func(*Report) []Outcome
}

// newReport notes where and with what a run happens.
func newReport(ctx context.Context, suite *Suite, chosen []Contestant, opt RunOptions) *Report {
	p := suite.Place
	r := &Report{
		Time: opt.Now().UTC(), Files: suite.Files, Bytes: suite.Bytes, Seed: suite.Seed,
		Versions: map[string]string{}, Commands: map[string]map[Step][]Command{},
		Samples: map[string]map[Step][]Sample{}, Restored: map[string][]Differences{},
		dir: filepath.Dir(p.Target), bin: filepath.Dir(p.Repotool), outcomes: suite.Outcomes,
	}
	r.machine()
	for _, s := range suite.Steps {
		if opt.measured(s) && !slices.Contains(r.Steps, s) {
			r.Steps = append(r.Steps, s)
		}
	}
	for _, c := range chosen {
		r.Contestants = append(r.Contestants, c.Name)
		args := c.Version
		if args == nil {
			args = []string{p.Repotool, "version"}
		}
		// jdupes and rdfind say it, and exit with 1.
		out, _ := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
		if line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n"); line != "" {
			r.Versions[c.Name] = strings.Join(strings.Fields(line), " ")
		}
	}
	return r
}

// machine notes what everything runs on.
func (r *Report) machine() {
	r.Processors = runtime.NumCPU()
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		r.Kernel = unix.ByteSliceToString(uts.Release[:])
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		r.Memory = int64(info.Totalram) * int64(info.Unit)
	}
	cpu, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(cpu)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			r.Processor = strings.TrimSpace(value)
			break
		}
	}
	var st unix.Statfs_t
	if unix.Statfs(r.dir, &st) == nil {
		r.FileSystem = fmt.Sprintf("%#x", st.Type)
		if name, ok := fileSystems[int64(st.Type)]; ok {
			r.FileSystem = name
		}
	}
}

// place says what the machine is.
func (r *Report) place() string {
	cpu := fmt.Sprintf("%d processors", r.Processors)
	if r.Processor != "" {
		cpu += " (" + r.Processor + ")"
	}
	return fmt.Sprintf("%s, %s, %s of memory, Linux %s", r.FileSystem, cpu, humanize.IBytes(uint64(r.Memory)), r.Kernel)
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
		if s.RSS >= m.RSS {
			m.RSS, m.Floor = s.RSS, s.Floor
		}
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

// Failures counts the steps that failed.
func (r *Report) Failures() (n int64) {
	for _, steps := range r.Samples {
		for _, samples := range steps {
			for _, s := range samples {
				if s.Failure != "" {
					n++
				}
			}
		}
	}
	return n
}

// base is the contestant that others are compared with in a step: the first that does it.
func (r *Report) base(step Step) string {
	for _, name := range r.Contestants {
		if _, n := r.Median(name, step); n > 0 {
			return name
		}
	}
	return ""
}

// signed is humanize.Bytes for what may shrink.
func signed(n int64) string {
	if n < 0 {
		return "-" + humanize.Bytes(uint64(-n))
	}
	return humanize.Bytes(uint64(n))
}
