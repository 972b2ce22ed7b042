package snapshot

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stubborn does not care for SIGTERM, nor does its child; it tells their numbers.
const stubborn = `trap "" TERM; sh -c 'trap "" TERM; while :; do sleep 600; done' & echo $$ $!; while :; do sleep 600; done`

// running says whether a process still does anything: an orphan that nobody buries is dead.
func running(pid string) bool {
	b, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	return err == nil && !strings.Contains(string(b), ") Z ")
}

// ends waits until the processes have ended. It gives up only when that is hopeless.
func ends(t *testing.T, pids ...string) {
	t.Helper()
	for _, pid := range pids {
		for range 3000 {
			if !running(pid) {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if running(pid) {
			t.Errorf("process %s of %v runs on", pid, pids)
		}
	}
}

// TestToolThatIgnoresSignals interrupts a tool that ignores it, and has a child that does.
func TestToolThatIgnoresSignals(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	tool := &pgTool{path: "/bin/sh", name: "stubborn", args: []string{"-c", stubborn}, grace: 200 * time.Millisecond}
	var pids []string
	_, err := tool.stream(ctx, func(r pipe) error {
		line, err := bufio.NewReader(r).ReadString('\n')
		pids = strings.Fields(line)
		cancel()
		io.Copy(io.Discard, r)
		return err
	})
	if err == nil || len(pids) != 2 {
		t.Fatalf("%v, %v", pids, err)
	}
	ends(t, pids...)
}

// TestToolThatLeavesSomethingBehind ends well, but for its child.
func TestToolThatLeavesSomethingBehind(t *testing.T) {
	tool := &pgTool{path: "/bin/sh", name: "careless", args: []string{"-c", `sleep 600 >/dev/null 2>&1 & echo $!`}}
	out, err := tool.output(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	ends(t, strings.TrimSpace(string(out)))
}

// TestToolLeavesItsOutputOpen ends well, but for a child that holds its output open: that is ended first, and so is
// not waited for.
func TestToolLeavesItsOutputOpen(t *testing.T) {
	tool := &pgTool{path: "/bin/sh", name: "careless", args: []string{"-c", `sleep 600 & echo $!`}}
	out, err := tool.output(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	ends(t, strings.TrimSpace(string(out)))
}

// TestToolEndsWithUs kills, by SIGKILL, the process that started a tool.
func TestToolEndsWithUs(t *testing.T) {
	victim := exec.Command(os.Args[0], "-test.run=^TestToolVictim$")
	victim.Env = append(os.Environ(), "TOOL_VICTIM=1")
	out, err := victim.StdoutPipe()
	if err == nil {
		err = victim.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	victim.Process.Kill()
	victim.Wait()
	pids := strings.Fields(line)
	if err != nil || len(pids) != 2 {
		t.Fatalf("%q, %v", line, err)
	}
	ends(t, pids[0])
	if group, err := strconv.Atoi(pids[0]); err == nil { // its own child says nothing, and so lives on
		syscall.Kill(-group, syscall.SIGKILL)
	}
}

// TestToolVictim is the process that TestToolEndsWithUs kills.
func TestToolVictim(t *testing.T) {
	if os.Getenv("TOOL_VICTIM") == "" {
		return
	}
	tool := &pgTool{path: "/bin/sh", name: "stubborn", args: []string{"-c", stubborn}}
	_, err := tool.stream(t.Context(), func(r pipe) error {
		_, err := io.Copy(os.Stdout, r)
		return err
	})
	t.Fatalf("not killed: %v", err)
}

// TestToolOutlivesAThread starts a tool from a thread that ends at once.
func TestToolOutlivesAThread(t *testing.T) {
	p := (&pgTool{path: "cat", name: "cat"}).command(t.Context())
	in, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	thread := make(chan int)
	var start func()
	start = func() {
		runtime.LockOSThread()
		if syscall.Gettid() == os.Getpid() { // the first thread never ends
			done := make(chan struct{})
			go func() { defer close(done); start() }()
			<-done
			runtime.UnlockOSThread()
			return
		}
		if err := p.Start(); err != nil {
			t.Error(err)
		}
		thread <- syscall.Gettid()
	}
	go start() // not unlocked: the thread ends with the goroutine
	ends(t, fmt.Sprintf("self/task/%d", <-thread))
	go func() {
		io.WriteString(in, "still here")
		in.Close()
	}()
	b, err := io.ReadAll(out)
	if e := p.Wait(); e != nil || err != nil || string(b) != "still here" {
		t.Errorf("%q, %v, %v", b, err, e)
	}
}
