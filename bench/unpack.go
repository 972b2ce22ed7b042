package bench

import (
	"context"
	"fmt"
	"io"
	"syscall"
	"time"

	"repotool/unpack"
)

// UnpackOptions say how unpacking is measured. The zero value unpacks to nowhere.
type UnpackOptions struct {
	Repository string // contents are stored below it as FOSSology does; "": to nowhere
	TempDir    string // for what does not fit into memory; "" is os.TempDir
	Now        func() time.Time
}

// Unpacking is what unpacking an archive took, and what came of it.
type Unpacking struct {
	Name     string              `json:"name"`
	In       int64               `json:"in"`       // bytes of the archive
	Files    int64               `json:"files"`    // that came out: every content, archives in archives among them
	Out      int64               `json:"out"`      // their bytes
	Distinct Amount              `json:"distinct"` // each content once: what a repository stores
	Seconds  float64             `json:"seconds"`
	CPU      float64             `json:"cpu"`    // seconds, of this process and the tools it started
	Memory   int64               `json:"memory"` // bytes, the largest resident set of this process, or of a tool, until now
	Stored   *Amount             `json:"stored,omitempty"`
	Kinds    map[string]Openings `json:"kinds"` // by the format of the archive
	Skipped  int64               `json:"skipped"`
	// SkippedFirst is the first of them, and why.
	SkippedFirst string `json:"skippedFirst,omitempty"`
}

// An Amount counts files.
type Amount struct {
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
}

// Openings are the archives of one format, and what came out of them directly.
type Openings struct {
	Archives int64 `json:"archives"`
	In       int64 `json:"in"` // bytes of the archives
	Files    int64 `json:"files"`
	Out      int64 `json:"out"` // bytes
}

// Ratio is how many bytes come of one.
func (u *Unpacking) Ratio() float64 {
	if u.In == 0 {
		return 0
	}
	return float64(u.Distinct.Bytes) / float64(u.In)
}

// Unpack unpacks an archive as FOSSology would, and measures that. The memory is right in a
// process that has not done anything else.
func Unpack(ctx context.Context, name string, r io.Reader, o UnpackOptions) (_ *Unpacking, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	u := &Unpacking{Name: name, Kinds: map[string]Openings{}}
	how := unpack.Options{TempDir: o.TempDir}
	var to *scratch
	if o.Repository != "" {
		to = &scratch{top: o.Repository}
		how.Content = to.content
	}
	before, start := processorTime(), o.Now()
	result, err := unpack.Unpack(ctx, name, r, how)
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	defer result.Close()
	if to != nil {
		if to.err != nil {
			return nil, fmt.Errorf("unpack %s: %w", name, to.err)
		}
		u.Stored = &Amount{to.files.Load(), to.bytes.Load()}
	}
	u.Seconds, u.CPU, u.Memory = o.Now().Sub(start).Seconds(), processorTime()-before, mostMemory()
	u.Skipped = result.Skips
	if len(result.Skipped) > 0 {
		u.SkippedFirst = result.Skipped[0].Path + ": " + result.Skipped[0].Why
	}
	if err := u.count(result); err != nil {
		return nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	return u, nil
}

// count goes through the rows. In memory are twelve bytes of each content.
func (u *Unpacking) count(r *unpack.Result) error {
	seen := map[[12]byte]struct{}{}
	var above []string // formats of the archives that a row is in, by its depth
	return r.Walk(func(x *unpack.Row) error {
		if x.Extra {
			return nil
		}
		in := ""
		if x.Depth > 0 {
			in = above[x.Depth-1]
		}
		above = append(above[:x.Depth], in)
		if !x.HasContent() || x.Digests == nil {
			return nil
		}
		size := x.Digests.Size
		if x.Class != unpack.Leaf {
			format := x.Format
			if format == "" {
				format = x.Class.String()
			}
			above[x.Depth] = format
			k := u.Kinds[format]
			k.Archives, k.In = k.Archives+1, k.In+size
			u.Kinds[format] = k
		}
		if x.Depth == 0 {
			u.In = size
			return nil
		}
		k := u.Kinds[in]
		k.Files, k.Out = k.Files+1, k.Out+size
		u.Kinds[in] = k
		u.Files, u.Out = u.Files+1, u.Out+size
		key := [12]byte(x.Digests.SHA1[:12])
		if _, again := seen[key]; !again {
			seen[key] = struct{}{}
			u.Distinct.Files, u.Distinct.Bytes = u.Distinct.Files+1, u.Distinct.Bytes+size
		}
		return nil
	})
}

// processorTime is that of this process and of the children that have ended.
func processorTime() (seconds float64) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var x syscall.Rusage
		if syscall.Getrusage(who, &x) == nil {
			seconds += float64(x.Utime.Nano()+x.Stime.Nano()) / 1e9
		}
	}
	return seconds
}

// mostMemory is the largest resident set of this process or of one of its children.
func mostMemory() (most int64) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var x syscall.Rusage
		if syscall.Getrusage(who, &x) == nil {
			most = max(most, x.Maxrss<<10)
		}
	}
	return most
}
