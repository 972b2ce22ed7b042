// The program bench runs repotool beside rsync, restic and borg and prints the
// tables for the README.
//
//	go run ./scripts/bench -repotool ./repotool -dir /mnt/bench [-n 100000] [-runs 5] [-only NAME,...] [-json FILE]
//
// The directory must be empty; everything below it belongs to the benchmark
// and is removed at the end. Progress goes to standard error. scripts/bench.sh
// installs the other programs and provides a file system in memory.
//
// Called with a chore as its first argument (generate, night, undo) it
// does that and ends: the benchmark calls itself so, to keep its own memory
// small, because the system counts it as that of the programs it starts.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
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
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return bench.Chore(ctx, args)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	opt := bench.RunOptions{Chores: []string{self}, Note: note}
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	flags.IntVar(&opt.Files, "n", 100_000, "number of files")
	flags.Uint64Var(&opt.Seed, "seed", 1, "of the generated repository")
	flags.IntVar(&opt.Runs, "runs", 5, "times that everything is measured")
	flags.StringVar(&opt.Dir, "dir", "", "empty directory to work in")
	flags.StringVar(&opt.Cache, "cache", os.TempDir(), "directory for the caches of restic and borg")
	flags.StringVar(&opt.Repotool, "repotool", "./repotool", "the program")
	only := flags.String("only", "", "contestants, separated by \";\" (all: "+strings.Join(bench.Names, "; ")+")")
	out := flags.String("json", "", "file for all samples")
	flags.Parse(args)
	if opt.Dir == "" {
		return fmt.Errorf("-dir is missing")
	}
	if *only != "" {
		for name := range strings.SplitSeq(*only, ";") {
			opt.Contestants = append(opt.Contestants, strings.TrimSpace(name))
		}
	}
	// Contestants run in other directories.
	for _, path := range []*string{&opt.Dir, &opt.Cache, &opt.Repotool} {
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	if opt.Cache, err = os.MkdirTemp(opt.Cache, "repotool-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(opt.Cache)

	report, err := bench.Run(ctx, opt)
	if report == nil {
		return err
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: the run ended early:", err)
	}
	if *out != "" {
		data, err := json.MarshalIndent(report, "", "\t")
		if err == nil {
			err = os.WriteFile(*out, append(data, '\n'), 0o644)
		}
		if err != nil {
			return err
		}
	}
	if perr := report.Markdown(os.Stdout); perr != nil {
		return perr
	}
	return err
}

// note shows what is going on.
func note(e bench.Event) {
	switch {
	case e.Sample == nil:
		fmt.Fprintf(os.Stderr, "%d  %-22s %-26s", e.Run, e.Contestant, e.Step)
	case e.Sample.Failure != "":
		fmt.Fprintf(os.Stderr, "failed: %s\n", e.Sample.Failure)
	default:
		fmt.Fprintf(os.Stderr, "%8.2f s  %8.2f CPU s  %4d MB  %+d bytes  %+d inodes\n", e.Sample.Wall, e.Sample.CPU,
			e.Sample.RSS>>20, e.Sample.Added.Bytes, e.Sample.Added.Inodes)
	}
}
