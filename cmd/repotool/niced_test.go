package main

import (
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// stepping is set in the process that gives way; what it gave up, no test gets back.
const stepping = "REPOTOOL_TEST_STEPPING"

// TestStepBack: after stepBack every thread, old or new, has the low priority, and so
// has a program that is started.
func TestStepBack(t *testing.T) {
	if os.Getenv(stepping) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestStepBack$", "-test.v")
		cmd.Env = append(os.Environ(), stepping+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	busy := func() { // threads that block make new ones
		var wait sync.WaitGroup
		for range 20 {
			wait.Go(func() { unix.Nanosleep(&unix.Timespec{Nsec: 20e6}, nil) })
		}
		wait.Wait()
	}
	busy()
	if err := stepBack(); err != nil {
		t.Fatal(err)
	}
	busy()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		tid, _ := strconv.Atoi(task.Name())
		if n, err := unix.Getpriority(unix.PRIO_PROCESS, tid); err != nil || 20-n < niceness {
			t.Errorf("thread %d of %d: nice %d, %v", tid, len(tasks), 20-n, err)
		}
	}
	out, err := exec.Command("nice").Output()
	if n, _ := strconv.Atoi(string(out[:max(len(out)-1, 0)])); err != nil || n < niceness {
		t.Errorf("a program has nice %q, %v", out, err)
	}
}
