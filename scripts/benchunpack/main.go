// The program benchunpack measures how repotool unpacks an ISO of source rpms:
// indexing it, and re-unpacking it into an empty repository; beside the plain tools
// on the same data in the same run, and beside the least that the work can cost.
//
//	go run ./scripts/benchunpack -repotool ./repotool -iso FILE -dir /mnt/bench [-runs 5] [-only NAME;...] [-json FILE] [-gobench FILE]
//
// The directory must be empty; everything below it belongs to the benchmark and is
// removed at the end. Progress goes to standard error. scripts/bench-unpack.sh makes
// the ISO, installs the other programs and provides a file system in memory.
//
// Called with a chore as its first argument it does that and ends: rows writes the
// database's rows, floor unpacks and hashes and does nothing else. So the memory that
// they take is not counted as that of the programs that are measured.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"repotool/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "benchunpack:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return chore(ctx, args)
	}
	r := &runner{}
	opt := bench.RunOptions{Note: note}
	flags := flag.NewFlagSet("benchunpack", flag.ExitOnError)
	flags.StringVar(&r.iso, "iso", "", "the ISO of source rpms")
	flags.StringVar(&r.dir, "dir", "", "empty directory to work in")
	flags.StringVar(&r.repotool, "repotool", "./repotool", "the program")
	flags.IntVar(&opt.Runs, "runs", 5, "times that everything is measured")
	only := flags.String("only", "", "who is measured, separated by \";\"")
	out := flags.String("json", "", "file for all samples")
	lines := flags.String("gobench", "", "file for them in the format of Go's benchmarks")
	flags.Parse(args)
	if r.iso == "" || r.dir == "" {
		return errors.New("-iso or -dir is missing")
	}
	if *only != "" {
		opt.Contestants = strings.Split(*only, ";")
	}
	for _, path := range []*string{&r.iso, &r.dir, &r.repotool} { // commands run in other directories
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	if r.self, err = os.Executable(); err != nil {
		return err
	}
	if r.site, err = newSite(ctx, r.self, r.iso, r.dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.site.close()) }()
	report, err := r.suite().Run(ctx, opt)
	if report == nil {
		return err
	}
	return errors.Join(err, r.report(os.Stdout, report), write(*lines, report.GoBench), write(*out, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "\t")
		return e.Encode(report)
	}))
}

// write makes a file, if it has a name.
func write(file string, content func(io.Writer) error) error {
	if file == "" {
		return nil
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(content(f), f.Close())
}

// note shows what is going on.
func note(e bench.Event) {
	switch who := fmt.Sprintf("%d  %s: %s", e.Run, e.Contestant, e.Step); {
	case e.Sample == nil:
	case e.Sample.Failure != "":
		fmt.Fprintf(os.Stderr, "%-70s failed: %s\n", who, e.Sample.Failure)
	default:
		fmt.Fprintf(os.Stderr, "%-70s %8.2f s  %8.2f CPU s  %4d MB\n", who, e.Sample.Wall, e.Sample.CPU, e.Sample.RSS/1e6)
	}
}

// chore does one of the tasks that are processes of their own.
func chore(ctx context.Context, args []string) error {
	switch {
	case args[0] == "rows" && len(args) == 3:
		return writeRows(ctx, args[1], args[2])
	case args[0] == "floor" && len(args) == 4:
		return floorOf(args[1], args[2], args[3])
	}
	return fmt.Errorf("chore %q: not rows ISO FILE, nor floor HASHES ISO DIR", args)
}
