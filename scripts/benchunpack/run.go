package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"repotool/bench"
)

//go:embed plain.sh
var plain string

//go:embed tools.sh
var tools string

// What is measured.
const (
	index      = "repotool index"
	reunpack   = "repotool reunpack"
	indexThere = "repotool index, files there"
	bsdtar     = "bsdtar, recursively"
	sevenZip   = "7z, recursively"
	decoders   = "floor: same decoders, four hashes, sequential"
	twoHashes  = "the same with SHA-1 and MD5 only"
	systems    = "floor: gzip, bzip2, xz and four hash tools"
)

// A group is measured in one go; groups take turns.
type group struct {
	name  string
	steps []string
	run   func(*runner, context.Context) error
}

var groups = []group{
	{"repotool", []string{index, reunpack, indexThere}, (*runner).repotoolSteps},
	{"bsdtar", []string{bsdtar}, func(r *runner, ctx context.Context) error { return r.plainTool(ctx, bsdtar, "bsdtar") }},
	{"7z", []string{sevenZip}, func(r *runner, ctx context.Context) error { return r.plainTool(ctx, sevenZip, "7z") }},
	{"floor", []string{decoders, twoHashes}, (*runner).floor},
	{"system tools", []string{systems}, (*runner).systemTools},
}

func groupNames() (names []string) {
	for _, g := range groups {
		names = append(names, g.name)
	}
	return names
}

func groupsOf(only string) (chosen []group, err error) {
	if only == "" {
		return groups, nil
	}
	for name := range strings.SplitSeq(only, ";") {
		i := slices.Index(groupNames(), strings.TrimSpace(name))
		if i < 0 {
			return nil, fmt.Errorf("nothing to measure is called %q", name)
		}
		chosen = append(chosen, groups[i])
	}
	return chosen, nil
}

// runner is one run of the benchmark.
type runner struct {
	iso, dir, repotool, self string
	runs                     int
	groups                   []group

	site    *site
	result  result
	current int
}

// A result is all samples, and what they speak of.
type result struct {
	Facts   facts                    `json:"facts"`
	Floor   floor                    `json:"floor"`
	Samples map[string][]bench.Usage `json:"samples"`
	Settle  map[string][]float64     `json:"settle"` // what a syncfs takes afterwards
}

func (r *runner) run(ctx context.Context, out string) (err error) {
	r.result.Samples, r.result.Settle = map[string][]bench.Usage{}, map[string][]float64{}
	if r.site, err = newSite(ctx, r.self, r.iso, r.dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.site.close()) }()
	r.result.Facts = r.site.facts
	if err := r.spread(ctx); err != nil {
		return err
	}
	for i := range r.runs {
		r.current = i + 1
		turn := i % len(r.groups)
		for _, g := range slices.Concat(r.groups[turn:], r.groups[:turn]) {
			if err := g.run(r, ctx); err != nil {
				return fmt.Errorf("%s: %w", g.name, err)
			}
		}
	}
	if out != "" {
		data, err := json.MarshalIndent(r.result, "", "\t")
		if err == nil {
			err = os.WriteFile(out, append(data, '\n'), 0o644)
		}
		if err != nil {
			return err
		}
	}
	return r.report(os.Stdout)
}

func (r *runner) rpms() string     { return filepath.Join(r.dir, "rpms") }
func (r *runner) tarballs() string { return filepath.Join(r.dir, "tarballs") }

// spread takes the ISO apart for the floors, which begin with rpms and with tarballs.
func (r *runner) spread(ctx context.Context) error {
	script := `set -e; mkdir "$2" "$3"; bsdtar -xf "$1" -C "$2"; for f in "$2"/*; do bsdtar -xf "$f" -C "$3" --exclude '*.spec'; done`
	_, err := bench.Command{Args: []string{"bash", "-c", script, "spread", r.iso, r.rpms(), r.tarballs()}}.Run(ctx)
	return err
}

// measure runs a command and keeps what it took.
func (r *runner) measure(ctx context.Context, step string, c bench.Command) error {
	if err := bench.Settle(r.dir); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d  %-45s", r.current, step)
	u, err := c.Run(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "failed")
		return err
	}
	begin := now()
	if err := bench.Settle(r.dir); err != nil {
		return err
	}
	settle := now().Sub(begin).Seconds()
	fmt.Fprintf(os.Stderr, "%8.2f s  %8.2f CPU s  %4d MB\n", u.Wall, u.CPU, u.RSS/1e6)
	r.result.Samples[step] = append(r.result.Samples[step], u)
	r.result.Settle[step] = append(r.result.Settle[step], settle)
	return nil
}

// repotoolSteps indexes the gold, brings its files back, and indexes again from
// nothing, which reads the files, too.
func (r *runner) repotoolSteps(ctx context.Context) error {
	files := filepath.Join(r.site.repo.Path, "localhost", "files")
	if err := errors.Join(os.RemoveAll(files), r.newStore(ctx)); err != nil {
		return err
	}
	if err := r.measure(ctx, index, r.command("index", "--quiet")); err != nil {
		return err
	}
	if err := r.measure(ctx, reunpack, r.command("reunpack", "--all-missing", "--quiet")); err != nil {
		return err
	}
	if err := r.complete(files); err != nil {
		return err
	}
	if err := r.newStore(ctx); err != nil {
		return err
	}
	if err := r.measure(ctx, indexThere, r.command("index", "--quiet")); err != nil {
		return err
	}
	return os.RemoveAll(files)
}

func (r *runner) store() string { return filepath.Join(r.dir, "store") }

func (r *runner) newStore(ctx context.Context) error {
	if err := os.RemoveAll(r.store()); err != nil {
		return err
	}
	_, err := r.command("init").Run(ctx)
	return err
}

// command is repotool with the settings of the site.
func (r *runner) command(args ...string) bench.Command {
	env := []string{"REPOTOOL_SYSCONF=" + r.site.sysconf, "REPOTOOL_STORE=" + r.store(), "REPOTOOL_INSTALLATION=bench",
		"REPOTOOL_STATE_DIR=" + filepath.Join(r.dir, "state")}
	return bench.Command{Args: append([]string{r.repotool}, args...), Env: env}
}

// complete counts what was brought back.
func (r *runner) complete(files string) error {
	var n, bytes int64
	err := filepath.WalkDir(files, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		i, err := d.Info()
		if err == nil {
			n, bytes = n+1, bytes+i.Size()
		}
		return err
	})
	if f := r.site.facts; err == nil && (n != f.Distinct || bytes != f.Unique) {
		err = fmt.Errorf("%d files with %d bytes were brought back, not %d with %d", n, bytes, f.Distinct, f.Unique)
	}
	return err
}

// plainTool unpacks by a script.
func (r *runner) plainTool(ctx context.Context, step, tool string) error {
	to := filepath.Join(r.dir, "plain")
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	err := r.measure(ctx, step, bench.Command{Args: []string{"bash", "-c", plain, "plain.sh", tool, r.iso, to}})
	// What tars hold may be made unreadable.
	_, chmod := bench.Command{Args: []string{"chmod", "-R", "u+rwX", to}}.Run(ctx)
	return errors.Join(err, chmod, os.RemoveAll(to))
}

func (r *runner) floor(ctx context.Context) error {
	out := filepath.Join(r.dir, "floor.json")
	for _, f := range []struct{ step, hashes string }{{decoders, "4"}, {twoHashes, "2"}} {
		c := bench.Command{Args: []string{"bash", "-c", `"$0" floor "$1" "$2" "$3" >"$4"`, r.self, f.hashes, r.iso, r.rpms(), out}}
		if err := r.measure(ctx, f.step, c); err != nil {
			return err
		}
	}
	data, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, &r.result.Floor)
}

func (r *runner) systemTools(ctx context.Context) error {
	return r.measure(ctx, systems, bench.Command{Args: []string{"bash", "-c", tools, "tools.sh", r.iso, r.tarballs()}})
}
