package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/repotest"
	"repotool/snapshot"
)

func TestMeasured(t *testing.T) {
	for _, tt := range []struct {
		m    measured
		want string
	}{
		{measured{}, "0.0 s"},
		{measured{files: 1, elapsed: 500 * time.Millisecond}, "1 file  0.5 s"},
		{measured{files: 12_000, bytes: 3 << 30, elapsed: 10 * time.Second}, "12,000 files  3.0 GiB  1,200 files/s  10 s"},
		{measured{files: 250, totalFiles: 1000, elapsed: 10 * time.Second}, "250 of 1,000 files  25 files/s  30 s left"},
		{measured{files: 5, bytes: 1 << 20, totalFiles: 1000, totalBytes: 4 << 20, elapsed: 100 * time.Second},
			"5 of 1,000 files  1.0 MiB of 4.0 MiB  0 files/s  5 min 0 s left"},
		{measured{bytes: 4 << 20, totalBytes: 4 << 20, elapsed: 2 * time.Hour}, "4.0 MiB of 4.0 MiB  2 h 0 min"},
	} {
		if got := strings.TrimSpace(tt.m.String()); got != tt.want {
			t.Errorf("%+v:\ngot  %q\nwant %q", tt.m, got, tt.want)
		}
	}
}

// TestTotals proves that the long phases say beforehand how much there is to do,
// so that the time left can be told.
func TestTotals(t *testing.T) {
	st, repository := repotest.Store(t), repotest.Repository(t)
	for i, want := range []bool{false, true} { // of a first snapshot nothing is known
		p, known := new(snapshot.Progress), false
		_, err := snapshot.Take(t.Context(), snapshot.TakeOptions{Store: st, Installation: "x", Repository: repository, Depth: 3, Progress: p, Detect: snapshot.DetectRead,
			Log: slog.New(slog.DiscardHandler),
			Now: func() time.Time {
				known = known || p.Phase() == snapshot.PhaseScan && p.TotalFiles.Load() == 990
				return time.Now().Add(time.Duration(i) * time.Hour)
			}})
		if err != nil {
			t.Fatal(err)
		}
		if known != want {
			t.Errorf("snapshot %d: total known %v, want %v", i, known, want)
		}
	}
}

// terminal makes a pseudo-terminal: what is written to tty is read from screen.
func terminal(t *testing.T) (tty, output *os.File) {
	t.Helper()
	output, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { output.Close() })
	if err := unix.IoctlSetPointerInt(int(output.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(output.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 25, Col: 120}); err != nil {
		t.Fatal(err)
	}
	return tty, output
}

// seen is what a terminal has been sent.
type seen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *seen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *seen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// await waits until a text is there, a minute at most: whether it is, the test sees at its end.
func (s *seen) await(text string) {
	for end := time.Now().Add(time.Minute); !strings.Contains(s.String(), text) && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
}

// TestWatch proves that a terminal sees phases, and lines written meanwhile.
func TestWatch(t *testing.T) {
	tty, output := terminal(t)
	var seen seen
	read := make(chan struct{})
	go func() {
		defer close(read)
		io.Copy(&seen, output) // ends with EIO when the terminal is closed
	}()
	scr := &screen{out: tty}
	tl := &tool{stderr: scr, screen: scr, terminal: true, now: time.Now}
	p := new(snapshot.Progress)
	stop := tl.watch(settings{}, p)
	p.Begin(snapshot.PhaseScan, 0, 0)
	p.Files.Store(4711)
	seen.await("4,711 files")
	fmt.Fprintln(scr, "a warning")
	p.Begin(snapshot.PhaseDay, 1000, 0)
	p.Files.Store(500)
	seen.await("500 of 1,000 files")
	stop()
	stop() // twice is once
	fmt.Fprintln(scr, "the end")
	tty.Close()
	<-read
	for _, want := range []string{"scan ", "4,711 files", "a warning", "day directory", "500 of 1,000 files", "the end"} {
		if !strings.Contains(seen.String(), want) {
			t.Errorf("no %q in %q", want, seen.String())
		}
	}
}

// A terminal that does not know its size, such as a serial console, sees them too.
func TestWatchSizeless(t *testing.T) {
	tty, output := terminal(t)
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{}); err != nil {
		t.Fatal(err)
	}
	var seen seen
	read := make(chan struct{})
	go func() {
		defer close(read)
		io.Copy(&seen, output)
	}()
	scr := &screen{out: tty}
	tl := &tool{stderr: scr, screen: scr, terminal: true, now: time.Now}
	p := new(snapshot.Progress)
	stop := tl.watch(settings{}, p)
	p.Begin(snapshot.PhaseFiles, 1000, 0)
	p.Files.Store(500)
	seen.await("500 of 1,000 files")
	stop()
	tty.Close()
	<-read
	if want := "500 of 1,000 files"; !strings.Contains(seen.String(), want) {
		t.Errorf("no %q in %q", want, seen.String())
	}
}

// noUploads is a database without any.
type noUploads struct{}

func (noUploads) Uploads(context.Context) iter.Seq2[fossology.Upload, error] {
	return func(func(fossology.Upload, error) bool) {}
}
func (noUploads) Uses(context.Context) iter.Seq2[fossology.Use, error] {
	return func(func(fossology.Use, error) bool) {}
}
func (noUploads) CutShort(context.Context) iter.Seq2[int64, error] {
	return func(func(int64, error) bool) {}
}

// TestWatchIndex proves that an index shows its phases on a terminal, and that a gold
// counts while it is being unpacked, not when it is done.
func TestWatchIndex(t *testing.T) {
	const size = 512 << 20 // of nothing: a leaf, whose name is wrong
	repo := fossology.Repository{Path: t.TempDir(), Depth: 3, Routes: []fossology.Route{{Host: "localhost", Type: "*", Start: "00", End: "ff"}}}
	name := fossology.Name{SHA1: [20]byte{1}, Size: size}.String()
	dir := filepath.Join(repo.Path, "localhost", "gold", fossology.FanOut(name, 3))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, name), size); err != nil {
		t.Fatal(err)
	}
	tty, output := terminal(t)
	var seen bytes.Buffer
	read := make(chan struct{})
	go func() {
		defer close(read)
		io.Copy(&seen, output)
	}()
	scr := &screen{out: tty}
	tl := &tool{stderr: scr, screen: scr, terminal: true, now: time.Now, log: slog.New(slog.DiscardHandler)}
	ledger, err := goldindex.Open(filepath.Join(t.TempDir(), "ledger"), goldindex.Unpacker{Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	if _, err := tl.update(t.Context(), settings{}, ledger, goldindex.UpdateOptions{Repository: repo, Database: noUploads{}, TempDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	<-read
	if amid := regexp.MustCompile(`unpack gold .*1 file  [1-9][0-9.]* MiB of 512 MiB`); !amid.Match(seen.Bytes()) {
		t.Errorf("no %v in %q", amid, seen.String())
	}
}

// TestWatchElsewhere proves that nothing is shown where nobody looks.
func TestWatchElsewhere(t *testing.T) {
	for name, tt := range map[string]struct {
		terminal bool
		s        settings
	}{
		"no terminal": {},
		"quiet":       {true, settings{quiet: true}},
		"json":        {true, settings{json: true}},
	} {
		var out bytes.Buffer
		scr := &screen{out: &out}
		tl := &tool{stderr: scr, screen: scr, terminal: tt.terminal, now: time.Now}
		p := new(snapshot.Progress)
		stop := tl.watch(tt.s, p)
		p.Begin(snapshot.PhaseScan, 0, 0)
		time.Sleep(2 * progressEvery)
		stop()
		if out.Len() > 0 {
			t.Errorf("%s: %q", name, out.String())
		}
	}
}
