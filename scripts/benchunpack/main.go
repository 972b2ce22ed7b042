// The program benchunpack measures how repotool unpacks an ISO of source rpms:
// indexing it, and re-unpacking it into an empty repository; beside the plain tools
// on the same data in the same run, and beside the least that the work can cost.
//
//	go run ./scripts/benchunpack -repotool ./repotool -iso FILE -dir /mnt/bench [-runs 5] [-only NAME;...] [-json FILE]
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
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
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
	flags := flag.NewFlagSet("benchunpack", flag.ExitOnError)
	flags.StringVar(&r.iso, "iso", "", "the ISO of source rpms")
	flags.StringVar(&r.dir, "dir", "", "empty directory to work in")
	flags.StringVar(&r.repotool, "repotool", "./repotool", "the program")
	flags.IntVar(&r.runs, "runs", 5, "times that everything is measured")
	only := flags.String("only", "", "what is measured, separated by \";\" (all: "+strings.Join(groupNames(), "; ")+")")
	out := flags.String("json", "", "file for all samples")
	flags.Parse(args)
	if r.iso == "" || r.dir == "" {
		return errors.New("-iso or -dir is missing")
	}
	if r.groups, err = groupsOf(*only); err != nil {
		return err
	}
	for _, path := range []*string{&r.iso, &r.dir, &r.repotool} { // commands run in other directories
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	if r.self, err = os.Executable(); err != nil {
		return err
	}
	return r.run(ctx, *out)
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
