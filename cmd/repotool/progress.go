package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"repotool/snapshot"
)

const (
	progressEvery = 200 * time.Millisecond
	// What ends sooner leaves no line behind on the terminal.
	progressWorthIt = time.Second
)

// screen is standard error. While bars are shown, other lines go above them.
type screen struct {
	out  io.Writer
	mu   sync.Mutex
	bars *mpb.Progress
}

// Write writes whole lines.
func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bars != nil {
		if n, err := s.bars.Write(b); err == nil {
			return n, nil
		}
	}
	return s.out.Write(b)
}

func (s *screen) show(bars *mpb.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bars = bars
}

// shows says whether progress is shown.
func (t *tool) shows(s settings) bool { return t.terminal && !s.quiet && !s.json }

// watch shows on a terminal how far an operation has come, until the returned
// function is called. Elsewhere it shows nothing.
func (t *tool) watch(s settings, p *snapshot.Progress) (stop func()) {
	if !t.shows(s) {
		return func() {}
	}
	v := &progressView{p: p, now: t.now, bars: mpb.New(append(onTerminal(t.screen.out), mpb.WithRefreshRate(progressEvery))...)}
	t.screen.show(v.bars)
	stopped, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				v.update()
			case <-stopped:
				v.end()
				t.screen.show(nil)
				v.bars.Shutdown()
				return
			}
		}
	}()
	return sync.OnceFunc(func() { close(stopped); <-done })
}

// onTerminal lets bars be drawn on a terminal, even on one that does not know
// its size, such as a serial console: that is where people restore.
func onTerminal(out io.Writer) []mpb.ContainerOption {
	if f, ok := out.(*os.File); ok {
		if _, rows, err := term.GetSize(int(f.Fd())); err == nil && rows == 0 {
			return []mpb.ContainerOption{mpb.WithOutput(struct{ io.Writer }{out}), mpb.WithAutoRefresh()}
		}
	}
	return []mpb.ContainerOption{mpb.WithOutput(out)}
}

// progressView is one bar for each phase; those that took a while stay.
type progressView struct {
	p     *snapshot.Progress
	now   func() time.Time
	bars  *mpb.Progress
	bar   *mpb.Bar
	phase snapshot.Phase
	since time.Time
	line  *atomic.Pointer[string]
}

func (v *progressView) update() {
	if phase := v.p.Phase(); phase != v.phase {
		v.end()
		v.begin(phase)
	}
	if v.bar == nil {
		return
	}
	now := measure(v.p, v.now().Sub(v.since))
	text := now.String()
	v.line.Store(&text)
	if done, total := now.share(); total > 0 {
		v.bar.SetTotal(total, false)
		v.bar.SetCurrent(min(done, total-1)) // a full bar is over
	}
}

func (v *progressView) begin(phase snapshot.Phase) {
	v.phase, v.since = phase, v.now()
	line := &atomic.Pointer[string]{}
	v.line = line
	filler := mpb.NopStyle()
	_, total := measure(v.p, 0).share()
	if total > 0 {
		filler = mpb.BarStyle().Lbound("").Filler("█").Tip("█").Padding("·").Rbound("")
	}
	v.bar = v.bars.New(total, filler, mpb.BarWidth(24),
		mpb.PrependDecorators(decor.Name(fmt.Sprintf("%-14s ", phase))),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			if s := line.Load(); s != nil {
				return *s
			}
			return ""
		})))
}

// end takes the bar away, or lets it stand with the time it took.
func (v *progressView) end() {
	if v.bar == nil {
		return
	}
	took := v.now().Sub(v.since)
	v.bar.Abort(took < progressWorthIt)
	v.bar.Wait()
	v.bar = nil
}

// measured is how far an operation has come at one moment.
type measured struct {
	files, bytes, totalFiles, totalBytes int64
	elapsed                              time.Duration
}

func measure(p *snapshot.Progress, elapsed time.Duration) measured {
	return measured{p.Files.Load(), p.Bytes.Load(), p.TotalFiles.Load(), p.TotalBytes.Load(), elapsed}
}

// share is what is done of what: bytes if their sum is known, else files.
func (m measured) share() (done, total int64) {
	if m.totalBytes > 0 {
		return m.bytes, m.totalBytes
	}
	return m.files, m.totalFiles
}

// left estimates the time that is left; 0 if nothing can be said yet.
func (m measured) left() time.Duration {
	done, total := m.share()
	if total <= 0 || done <= 0 || done >= total || m.elapsed < time.Second {
		return 0
	}
	return time.Duration(float64(m.elapsed) * float64(total-done) / float64(done))
}

// String is one line: files, bytes, files per second, time left.
func (m measured) String() string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch {
	case m.totalFiles > 0:
		add("%s of %s files", count(m.files), count(m.totalFiles))
	case m.files > 0:
		add("%s", plural(m.files, "file", "files"))
	}
	switch {
	case m.totalBytes > 0:
		add("%s of %s", size(m.bytes), size(m.totalBytes))
	case m.bytes > 0:
		add("%s", size(m.bytes))
	}
	if s := m.elapsed.Seconds(); s >= 1 && m.files > 0 {
		add("%s files/s", count(int64(float64(m.files)/s)))
	}
	if left := m.left(); left > 0 {
		add("%s left", seconds(left))
	} else {
		add("%s", seconds(m.elapsed))
	}
	return " " + strings.Join(parts, "  ")
}
