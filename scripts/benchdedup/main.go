// Command benchdedup times repotool dedup beside the programs that people use for it: each
// gets its own copy of one repository, in turns, and begins when the copy is on the disk.
//
//	benchdedup -repotool FILE -dir DIR [-files 100000] [-runs 5] [-rmlint]
//
// Three of ten files are there a second time: half of those are gold and files of one
// Name, half stand at a second host. Every Name is true.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/dustin/go-humanize"

	"repotool/bench"
)

func main() {
	log.SetFlags(0)
	program := flag.String("repotool", "repotool", "the program")
	dir := flag.String("dir", "", "an empty directory")
	files := flag.Int("files", 100_000, "files, doubles among them")
	runs := flag.Int("runs", 5, "how often each is measured")
	generate := flag.Bool("generate", false, "only make the repository")
	slow := flag.Bool("rmlint", false, "rmlint with its handler, too: once")
	flag.Parse()
	b := &benchmark{program: *program, dir: *dir, files: *files}
	work := func(ctx context.Context) error { return b.run(ctx, *runs, *slow) }
	if *generate {
		work = b.generate
	}
	if err := work(context.Background()); err != nil {
		log.Fatal(err)
	}
}

type benchmark struct {
	program, dir string
	files        int
}

// A contestant is a program, and how it is told to link equal files of a directory.
type contestant struct {
	name     string
	once     bool
	commands func(repository string) []bench.Command
}

func (b *benchmark) contestants(slow bool) []contestant {
	dedup := func(args ...string) func(string) []bench.Command {
		return func(repository string) []bench.Command {
			store := filepath.Join(b.dir, "store")
			return []bench.Command{{Args: append([]string{b.program, "dedup", "--execute"}, args...),
				Env: []string{"REPOTOOL_STORE=" + store, "REPOTOOL_REPOSITORY=" + repository, "REPOTOOL_SYSCONF=", "REPOTOOL_CONFIG="}}}
		}
	}
	one := func(args ...string) func(string) []bench.Command {
		return func(repository string) []bench.Command { return []bench.Command{{Args: append(args, repository)}} }
	}
	all := []contestant{
		{"repotool dedup", false, dedup()},
		{"repotool dedup --deep", false, dedup("--deep")},
		{"hardlink -c", false, one("hardlink", "-c", "-q")},
		{"jdupes -r -L", false, one("jdupes", "-q", "-r", "-L")},
		{"rdfind -makehardlinks", false, one("rdfind", "-makehardlinks", "true", "-makeresultsfile", "false")},
	}
	if slow {
		all = append(all, contestant{"rmlint + handler", true, func(repository string) []bench.Command {
			script := filepath.Join(b.dir, "rmlint.sh")
			return []bench.Command{
				{Args: []string{"rmlint", "-T", "df", "-c", "sh:hardlink", "-o", "sh:" + script, repository}},
				{Args: []string{script, "-d", "-q"}},
			}
		}})
	}
	return all
}

func (b *benchmark) run(ctx context.Context, runs int, slow bool) error {
	// By a process of its own: what this one has in use would be taken for its children's.
	generate := bench.Command{Args: []string{os.Args[0], "-generate", "-dir", b.dir, "-files", strconv.Itoa(b.files)}}
	if _, err := generate.Run(ctx); err != nil {
		return err
	}
	if _, err := (bench.Command{Args: []string{b.program, "init"}, Env: []string{"REPOTOOL_STORE=" + filepath.Join(b.dir, "store"), "REPOTOOL_CONFIG="}}).Run(ctx); err != nil {
		return err
	}
	usage, left := map[string][]bench.Usage{}, map[string]int{}
	all := b.contestants(slow)
	for run := range runs {
		for i := range all {
			c := all[(i+run)%len(all)]
			if c.once && run > 0 {
				continue
			}
			u, inodes, err := b.once(ctx, c)
			if err != nil {
				return err
			}
			usage[c.name], left[c.name] = append(usage[c.name], u), inodes
			log.Printf("run %d of %d: %s: %.2f s", run+1, runs, c.name, u.Wall)
		}
	}
	fmt.Printf("%s files, %s of them doubles; %d runs in turns, medians\n\n", humanize.Comma(int64(b.files)), humanize.Comma(int64(b.doubles())), runs)
	fmt.Printf("| | wall s | CPU s | most memory | inodes left | wall, of the fastest other |\n|---|--:|--:|--:|--:|--:|\n")
	best := 0.0
	for _, c := range all {
		if w := median(usage[c.name], func(u bench.Usage) float64 { return u.Wall }); !strings.HasPrefix(c.name, "repotool") && (best == 0 || w < best) {
			best = w
		}
	}
	for _, c := range all {
		u := usage[c.name]
		rss := slices.MaxFunc(u, func(a, b bench.Usage) int { return cmp.Compare(a.RSS, b.RSS) }).RSS
		wall := median(u, func(u bench.Usage) float64 { return u.Wall })
		fmt.Printf("| `%s` | %.2f | %.2f | %s | %s | %.2f |\n", c.name, wall, median(u, func(u bench.Usage) float64 { return u.CPU }),
			humanize.Bytes(uint64(rss)), humanize.Comma(int64(left[c.name])), wall/best)
	}
	return nil
}

func median(u []bench.Usage, of func(bench.Usage) float64) float64 {
	v := make([]float64, len(u))
	for i := range u {
		v[i] = of(u[i])
	}
	return bench.Median(v)
}

func (b *benchmark) source() string { return filepath.Join(b.dir, "source") }

func (b *benchmark) doubles() int { return b.files * 3 / 10 }

// generate makes the repository.
func (b *benchmark) generate(ctx context.Context) error {
	if _, err := bench.Generate(ctx, b.source(), bench.Options{Files: b.files - b.doubles()}); err != nil {
		return err
	}
	n := 0
	err := filepath.WalkDir(filepath.Join(b.source(), "localhost", "files"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || n == b.doubles() {
			return err
		}
		to := strings.Replace(path, "/localhost/files/", "/localhost/gold/", 1)
		if n%2 == 1 {
			to = strings.Replace(path, "/localhost/", "/second/", 1)
		}
		if _, err := os.Lstat(to); err == nil {
			return nil
		}
		n++
		return duplicate(path, to)
	})
	if err == nil && n < b.doubles() {
		err = errors.New("too few files")
	}
	return err
}

// duplicate makes a copy, with other times.
func duplicate(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o770), os.WriteFile(to, b, 0o660)); err != nil {
		return err
	}
	return syscall.Chmod(to, 0o2660)
}

// once has a contestant link the equal files of a copy, and counts the inodes afterwards.
func (b *benchmark) once(ctx context.Context, c contestant) (u bench.Usage, inodes int, err error) {
	repository := filepath.Join(b.dir, "repository")
	if out, err := exec.CommandContext(ctx, "cp", "-a", b.source(), repository).CombinedOutput(); err != nil {
		return u, 0, fmt.Errorf("cp: %w: %s", err, out)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(repository)) }()
	if err := bench.Settle(b.dir); err != nil {
		return u, 0, err
	}
	for _, cmd := range c.commands(repository) {
		cmd.Dir = b.dir // rmlint leaves a file of its own where it runs
		x, err := cmd.Run(ctx)
		if err != nil {
			return u, 0, err
		}
		u = bench.Usage{Wall: u.Wall + x.Wall, CPU: u.CPU + x.CPU, RSS: max(u.RSS, x.RSS)}
	}
	seen := map[uint64]bool{}
	err = filepath.WalkDir(repository, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			seen[info.Sys().(*syscall.Stat_t).Ino] = true
		}
		return err
	})
	return u, len(seen), err
}
