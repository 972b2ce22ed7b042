package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"
)

// raced says whether the test binary has the race detector.
var raced = func() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}()

// seldom: one in so many of the usual faults is tried with the race detector; make test and
// make faults have no need of it.
func seldom() int64 {
	if raced {
		return 3
	}
	return 1
}

// faultProgram is the repotool that faults happen to, and is the one in PATH until the test
// has ended. The test binary is it, unless it has the race detector: with that a program
// takes five times as long to start, and hundreds are started here. Then it is one as make
// build makes it. Races are looked for by the scripts and by the tests of the packages.
func faultProgram(t *testing.T) string {
	t.Helper()
	if raced {
		dir := t.TempDir()
		build := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, "repotool"), ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v: %s", err, out)
		}
		t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	}
	program, err := exec.LookPath("repotool")
	if err != nil {
		t.Fatal(err)
	}
	return program
}
