package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/urfave/cli/v2"

	"repotool/bench"
	"repotool/fossology"
)

// unpackMeasured is what bench unpack prints with --json.
type unpackMeasured struct {
	Runs      []*bench.Unpacking `json:"runs"`
	Fossology []bench.AgentTime  `json:"fossology,omitempty"`
}

func (t *tool) benchUnpackCommand() *cli.Command {
	return documented(&cli.Command{
		Name:      "unpack",
		HelpName:  "bench unpack",
		Usage:     "measure what archives unpack to, and how long that takes",
		ArgsUsage: "FILE|DIR|gold:NAME...",
		Description: `
Unpacks archives as FOSSology would, all the way down, and prints bytes in and
out, files, seconds, processor time and memory, and what came of each kind of
archive. Each is unpacked by a process of its own. DIR stands for the files below
it; gold:NAME for an archive of the repository.

The ratio is that of the contents that a repository stores, each once, to the
archive.

--discard unpacks to nowhere (default); --scratch DIR stores what comes out
below DIR, an empty directory, as FOSSology does; both measure both, one after
the other. --fossology runs FOSSology's own unpacker beside it, if it is
installed; else its recorded figures are shown: those of an ISO of 26 source
rpms, on two processors.`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "discard", Usage: "unpack to nowhere"},
			&cli.StringFlag{Name: "scratch", Usage: "store what comes out below `DIR`, which stays"},
			&cli.BoolFlag{Name: "fossology", Usage: "compare with FOSSology's ununpack"},
		}, sourceFlags()...),
		Action: t.benchUnpack,
	}, `
repotool bench unpack Fedora-11-source-DVD.iso
repotool bench unpack --scratch /mnt/test --fossology uploads/
repotool bench unpack gold:sha1.md5.size`,
		exitFailed, exitInterrupted)
}

func (t *tool) benchUnpack(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	if c.NArg() == 0 {
		return &usageError{err: errors.New("bench unpack: no archive is given"), hint: "write repotool bench unpack FILE"}
	}
	files, err := archivesOf(s, c.Args().Slice())
	if err != nil {
		return err
	}
	places := []string{}
	if c.Bool("discard") || !c.IsSet("scratch") {
		places = append(places, "")
	}
	if dir := c.String("scratch"); dir != "" {
		if err := emptyScratch("bench unpack", dir); err != nil {
			return err
		}
		places = append(places, dir)
	}
	all, err := t.unpackAll(c.Context, files, places, c.Bool("fossology"))
	if err != nil {
		return err
	}
	if s.json {
		return t.answer(all)
	}
	t.unpackTables(all)
	return nil
}

// emptyScratch makes the directory of --scratch. What is in it already would not be stored
// again, nor be counted.
func emptyScratch(command, dir string) error {
	if dir == "" {
		return nil
	}
	left, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", command, err)
	}
	if len(left) > 0 {
		return usagef("%s: %s is not empty", command, dir)
	}
	if err := os.MkdirAll(dir, 0o770); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	return nil
}

// unpackAll measures each file at each place, and FOSSology's unpacker with it. Where that is
// not installed, what was recorded of it is of an archive of its own, whatever the files are.
func (t *tool) unpackAll(ctx context.Context, files, places []string, fossologyToo bool) (*unpackMeasured, error) {
	all, agent := &unpackMeasured{}, ""
	if fossologyToo {
		if agent = fossologysUnpacker(); agent == "" {
			all.Fossology = []bench.AgentTime{bench.Recorded}
		}
	}
	for _, file := range files {
		for _, place := range places {
			u, err := t.unpackApart(ctx, file, place)
			if err != nil {
				return nil, err
			}
			all.Runs = append(all.Runs, u)
		}
		if agent == "" {
			continue
		}
		a, err := bench.Agent(ctx, file, agent)
		if err != nil {
			return nil, err
		}
		all.Fossology = append(all.Fossology, a)
	}
	return all, nil
}

// unpackAgain is what to do after a disk was full: a scratch directory has to be empty.
func unpackAgain(place string) string {
	if place == "" {
		return "run it again"
	}
	return "empty " + place + ", or name another directory with --scratch, and run it again"
}

// fossologysUnpacker is where FOSSology's ununpack is installed; "" if nowhere.
func fossologysUnpacker() string {
	places := []string{"ununpack", "/usr/local/lib/fossology/agents/ununpack", "/usr/lib/fossology/agents/ununpack",
		"/usr/local/etc/fossology/mods-enabled/ununpack/agent/ununpack", "/etc/fossology/mods-enabled/ununpack/agent/ununpack"}
	for _, place := range places {
		if path, err := exec.LookPath(place); err == nil {
			return path
		}
	}
	return ""
}

// archivesOf finds the files that arguments stand for.
func archivesOf(s settings, args []string) (files []string, err error) {
	for _, arg := range args {
		if name, ok := strings.CutPrefix(arg, "gold:"); ok {
			if _, ok := fossology.ParseName(name); !ok {
				return nil, usagef("%q is no name of gold: expected gold:sha1.md5.size", arg)
			}
			in, err := loadInstallation(s, false)
			if err != nil {
				return nil, err
			}
			path, err := in.Repository.Find("gold", name)
			if err != nil {
				return nil, err
			}
			arg = path
		}
		before := len(files)
		err := filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type()&fs.ModeSymlink != 0 && path == arg {
				path, err = filepath.EvalSymlinks(arg)
				files = append(files, path)
			} else if err == nil && d.Type().IsRegular() {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("bench unpack: %w", err)
		}
		if len(files) == before {
			return nil, usagef("bench unpack: %s holds no file", arg)
		}
	}
	return files, nil
}

// unpackTables prints what was measured.
func (t *tool) unpackTables(all *unpackMeasured) {
	out := bufio.NewWriter(t.stdout)
	defer out.Flush()
	w := newTable(out, []string{"ARCHIVE", "TO", "BYTES", "FILES", "OUT", "STORED", "RATIO", "SECONDS", "CPU", "FILES/S", "OUT/S", "MEMORY"}, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
	for _, u := range all.Runs {
		to := "nowhere"
		if u.Stored != nil {
			to = "scratch"
		}
		w.AppendRow(table.Row{short(u.Name), to, amount(u.In), count(u.Files), amount(u.Out), amount(u.Distinct.Bytes), times(u.Ratio()), fmt.Sprintf("%.2f", u.Seconds),
			fmt.Sprintf("%.2f", u.CPU), count(int64(float64(u.Files) / u.Seconds)), amount(int64(float64(u.Out) / u.Seconds)), amount(u.Memory)})
	}
	for _, a := range all.Fossology {
		var files, rate, stored, ratio string // "": not counted
		if a.Files > 0 {
			files, rate = count(a.Files), count(int64(float64(a.Files)/a.Seconds))
		}
		if a.Distinct > 0 {
			stored, ratio = amount(a.Distinct), times(float64(a.Distinct)/float64(max(a.In, 1)))
		}
		w.AppendRow(table.Row{short(a.Name), a.What, amount(a.In), files, amount(a.Out), stored, ratio, fmt.Sprintf("%.2f", a.Seconds), fmt.Sprintf("%.2f", a.CPU),
			rate, amount(int64(float64(a.Out) / a.Seconds)), ""})
	}
	w.Render()
	fmt.Fprintln(out)
	w = newTable(out, []string{"KIND", "ARCHIVES", "BYTES", "FILES", "OUT", "RATIO"}, 2, 3, 4, 5, 6)
	kinds := kindsOf(all.Runs)
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		k := kinds[name]
		w.AppendRow(table.Row{name, count(k.Archives), amount(k.In), count(k.Files), amount(k.Out), times(float64(k.Out) / float64(max(k.In, 1)))})
	}
	w.Render()
	for _, u := range all.Runs {
		if u.Skipped > 0 {
			first := printable(u.SkippedFirst)
			if u.Skipped > 1 {
				first = "the first: " + first
			}
			fmt.Fprintf(t.stderr, "note: %s: %s did not come out (damaged, or over a limit): %s\n", printable(u.Name), plural(u.Skipped, "thing", "things"), first)
		}
	}
}

// kindsOf adds up what came of each kind of archive. An archive that was unpacked to nowhere
// and to scratch counts once.
func kindsOf(runs []*bench.Unpacking) map[string]bench.Openings {
	nowhere := slices.ContainsFunc(runs, func(u *bench.Unpacking) bool { return u.Stored == nil })
	kinds := map[string]bench.Openings{}
	for _, u := range runs {
		if nowhere && u.Stored != nil {
			continue
		}
		for name, k := range u.Kinds {
			sum := kinds[name]
			kinds[name] = bench.Openings{Archives: sum.Archives + k.Archives, In: sum.In + k.In, Files: sum.Files + k.Files, Out: sum.Out + k.Out}
		}
	}
	return kinds
}

// short is the name of an archive; of a content name its beginning.
func short(name string) string {
	if _, ok := fossology.ParseName(name); ok {
		return name[:12] + "…"
	}
	return printable(name)
}

// times says how many times as much something is.
func times(ratio float64) string { return fmt.Sprintf("%.1fx", ratio) }
