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

	"repotool/bench"
)

//go:embed plain.sh
var plain string

//go:embed tools.sh
var tools string

// The steps: to unpack and hash, and keep nothing; to unpack and keep; to index what is
// there already, which reads the files, too.
const (
	index    bench.Step = "unpack and hash"
	reunpack bench.Step = "unpack and keep"
	there    bench.Step = "index with the files there"
)

// Names of those who do them.
const (
	ours      = "repotool"
	bsdtar    = "bsdtar, recursively"
	sevenZip  = "7z, recursively"
	decoders  = "floor: same decoders, four hashes, sequential"
	twoHashes = "the same with SHA-1 and MD5 only"
	systems   = "floor: gzip, bzip2, xz and four hash tools"
)

// runner is one run of the benchmark.
type runner struct {
	iso, dir, repotool, self string

	site  *site
	floor floor // what the floors found
}

// suite is what is measured.
func (r *runner) suite() *bench.Suite {
	s := &bench.Suite{
		Steps: []bench.Step{index, reunpack, there},
		Files: int(r.site.facts.Files), Bytes: r.site.facts.Out,
		Place:  bench.Place{Target: filepath.Join(r.dir, "target"), Restored: filepath.Join(r.dir, "restored"), Cache: filepath.Join(r.dir, "cache"), Repotool: r.repotool},
		Make:   r.spread,
		Before: r.before, After: r.after,
		Outcomes: func(report *bench.Report) []bench.Outcome { return outcomes(report, r.site.facts) },
	}
	script := func(step bench.Step, name string, args ...string) bench.Contestant {
		return bench.Contestant{Name: name, Version: []string{args[3], "--version"}, Steps: []bench.Step{step},
			Commands: func(p bench.Place, _ bench.Step) ([]bench.Command, error) {
				words := append([]string{"bash"}, args...)
				return []bench.Command{{Args: append(words, r.iso, p.Target)}}, nil
			}}
	}
	floorOf := func(name, hashes string) bench.Contestant {
		return bench.Contestant{Name: name, Steps: []bench.Step{index}, Commands: func(bench.Place, bench.Step) ([]bench.Command, error) {
			return []bench.Command{{Args: []string{"bash", "-c", `"$0" floor "$1" "$2" "$3" >"$4"`, r.self, hashes, r.iso, r.rpms(), r.floorFile()}}}, nil
		}}
	}
	s.Contestants = []bench.Contestant{
		{Name: ours, Steps: s.Steps, Commands: r.commands},
		script(reunpack, bsdtar, "-c", plain, "plain.sh", "bsdtar"),
		script(reunpack, sevenZip, "-c", plain, "plain.sh", "7z"),
		floorOf(decoders, "4"), floorOf(twoHashes, "2"),
		{Name: systems, Version: []string{"xz", "--version"}, Steps: []bench.Step{index}, Commands: func(bench.Place, bench.Step) ([]bench.Command, error) {
			return []bench.Command{{Args: []string{"bash", "-c", tools, "tools.sh", r.iso, r.tarballs()}}}, nil
		}},
	}
	return s
}

func (r *runner) rpms() string      { return filepath.Join(r.dir, "rpms") }
func (r *runner) tarballs() string  { return filepath.Join(r.dir, "tarballs") }
func (r *runner) floorFile() string { return filepath.Join(r.dir, "floor.json") }
func (r *runner) files() string     { return filepath.Join(r.site.repo.Path, "localhost", "files") }

// spread takes the ISO apart for the floors, which begin with rpms and with tarballs.
func (r *runner) spread(ctx context.Context) error {
	script := `set -e; mkdir "$2" "$3"; bsdtar -xf "$1" -C "$2"; for f in "$2"/*; do bsdtar -xf "$f" -C "$3" --exclude '*.spec'; done`
	_, err := bench.Command{Args: []string{"bash", "-c", script, "spread", r.iso, r.rpms(), r.tarballs()}}.Run(ctx)
	return err
}

// commands are those of repotool.
func (r *runner) commands(p bench.Place, s bench.Step) ([]bench.Command, error) {
	if s == reunpack {
		return []bench.Command{r.command(p, "reunpack", "--all-missing", "--quiet")}, nil
	}
	return []bench.Command{r.command(p, "index", "--quiet")}, nil
}

// command is repotool with the settings of the site.
func (r *runner) command(p bench.Place, args ...string) bench.Command {
	env := []string{"REPOTOOL_CONFIG=" + os.DevNull, "REPOTOOL_SYSCONF=" + r.site.sysconf, "REPOTOOL_STORE=" + filepath.Join(p.Target, "store"),
		"REPOTOOL_INSTALLATION=bench", "REPOTOOL_STATE_DIR=" + filepath.Join(r.dir, "state")}
	return bench.Command{Args: append([]string{r.repotool}, args...), Env: env}
}

// before gives repotool what a step begins with: no files at first, and a new ledger.
func (r *runner) before(ctx context.Context, t *bench.Turn, s bench.Step) (err error) {
	if t.Contestant.Name != ours || s == reunpack {
		return nil
	}
	if s == index {
		err = os.RemoveAll(r.files())
	}
	err = errors.Join(err, os.RemoveAll(filepath.Join(t.Place.Target, "store")))
	if err == nil {
		_, err = r.command(t.Place, "init").Run(ctx)
	}
	return err
}

func (r *runner) after(ctx context.Context, t *bench.Turn, s bench.Step, _ *bench.Sample) error {
	switch name := t.Contestant.Name; {
	case name == ours && s == reunpack:
		return r.complete()
	case name == bsdtar || name == sevenZip: // what tars hold may be made unreadable
		_, err := bench.Command{Args: []string{"chmod", "-R", "u+rwX", t.Place.Target}}.Run(ctx)
		return err
	case name == decoders:
		data, err := os.ReadFile(r.floorFile())
		if err != nil {
			return err
		}
		return json.Unmarshal(data, &r.floor)
	}
	return nil
}

// complete counts what was brought back: what comes out of the ISO, and the ISO.
func (r *runner) complete() error {
	var n, bytes int64
	err := filepath.WalkDir(r.files(), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		i, err := d.Info()
		if err == nil {
			n, bytes = n+1, bytes+i.Size()
		}
		return err
	})
	f := r.site.facts
	if files, all := f.Distinct+1, f.Unique+f.In; err == nil && (n != files || bytes != all) {
		err = fmt.Errorf("%d files with %d bytes were brought back, not %d with %d", n, bytes, files, all)
	}
	return err
}
