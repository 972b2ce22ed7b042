package bench_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repotool/bench"
	"repotool/repotest"
)

// TestRunLife takes rsync's two methods through the cycle twice, with two nights of each kind.
func TestRunLife(t *testing.T) {
	repotest.Tool(t, "rsync")
	dir := memory(t)
	var steps, asides int
	report, err := bench.RunLife(t.Context(), bench.LifeOptions{
		Options: bench.Options{Files: 300, Seed: 3}, Dir: dir, Cache: t.TempDir(), Nights: 2,
	}, bench.RunOptions{
		Runs: 2, Contestants: []string{bench.RsyncCp, bench.LinkDest},
		Note: func(e bench.Event) {
			if e.Aside != "" {
				asides++
			} else {
				steps++
			}
		},
		Now: func() time.Time { return time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 * 2 * (8 + 7); steps != want { // run, before and after; rsync --link-dest cannot verify
		t.Errorf("%d events, want %d", steps, want)
	}
	if want := 1 + 2*2; asides != want { // all is made once, and removed behind each turn
		t.Errorf("%d asides, want %d", asides, want)
	}
	for _, name := range []string{bench.RsyncCp, bench.LinkDest} {
		for _, step := range []bench.Step{bench.First, bench.Unchanged, bench.Changed, bench.Restore, bench.Verify, bench.Remove} {
			m, n := report.Median(name, step)
			if n == 0 && name == bench.LinkDest && step == bench.Verify {
				continue
			}
			want := 2
			if step == bench.Unchanged || step == bench.Changed {
				want = 4
			}
			if n != want || m.Wall <= 0 || m.CPU <= 0 || m.RSS <= 0 {
				t.Errorf("%s, %s: %+v of %d", name, step, m, n)
			}
			if (step == bench.First || step == bench.Unchanged) && m.Walked.Inodes < 300 {
				t.Errorf("%s, %s: %+v", name, step, m.Walked)
			}
			if step == bench.Remove && m.Walked.Inodes >= 0 {
				t.Errorf("%s, %s: %+v", name, step, m.Walked)
			}
		}
		for _, d := range report.Restored[name] {
			if !d.Same() || d.Files != 306 { // two nights of three files
				t.Errorf("%s restored %+v", name, d)
			}
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "source" {
		t.Errorf("left in %s: %v, %v", dir, left, err)
	}
	if _, err := json.Marshal(report); err != nil {
		t.Error(err)
	}
	var b strings.Builder
	if err := report.Markdown(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"**night without change**", "| rsync -a + cp -al | 4 ", "\ncp -al target/current target/day1\n", "the same, 306 files"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

// TestRunOnly measures one step, and does what it builds on.
func TestRunOnly(t *testing.T) {
	report, err := bench.RunLife(t.Context(), bench.LifeOptions{Options: bench.Options{Files: 100}, Dir: memory(t), Cache: t.TempDir()},
		bench.RunOptions{Runs: 1, Contestants: []string{bench.RsyncCp, bench.Flat}, Only: []bench.Step{bench.Verify}})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(report.Samples[bench.RsyncCp]); n != 1 {
		t.Errorf("%d steps were measured", n)
	}
	if _, n := report.Median(bench.RsyncCp, bench.Verify); n != 1 {
		t.Errorf("verify was measured %d times", n)
	}
	// There is no program: what it cannot do is a failure of the first step, not the end.
	if s := report.Samples[bench.Flat][bench.First]; len(s) != 1 || s[0].Failure == "" {
		t.Errorf("a missing program: %+v", s)
	}
}

func TestCompare(t *testing.T) {
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	// write makes a tree of two files with the same times.
	write := func(t *testing.T, content string) string {
		dir := t.TempDir()
		for name, text := range map[string]string{"a/one": "1", "a/two": content} {
			path := filepath.Join(dir, name)
			os.MkdirAll(filepath.Dir(path), 0o770)
			if err := os.WriteFile(path, []byte(text), 0o660); err != nil {
				t.Fatal(err)
			}
			os.Chtimes(path, old, old)
		}
		return dir
	}
	for _, c := range []struct {
		name   string
		change func(dir string) error
		want   bench.Differences
	}{
		{"nothing", func(string) error { return nil }, bench.Differences{Files: 2}},
		{"missing", func(d string) error { return os.Remove(d + "/a/two") }, bench.Differences{Files: 1, Missing: 1}},
		{"extra", func(d string) error { return os.WriteFile(d+"/a/zero", nil, 0o660) }, bench.Differences{Files: 2, Extra: 1}},
		{"content", func(d string) error {
			err := os.WriteFile(d+"/a/two", []byte("3"), 0)
			os.Chtimes(d+"/a/two", old, old)
			return err
		}, bench.Differences{Files: 2, Content: 1}},
		{"mode", func(d string) error { return os.Chmod(d+"/a/two", 0o600) }, bench.Differences{Files: 2, Mode: 1}},
		{"time", func(d string) error { return os.Chtimes(d+"/a/two", old, old.Add(1)) }, bench.Differences{Files: 2, Time: 1}},
		{"type", func(d string) error {
			os.Remove(d + "/a/two")
			return os.Mkdir(d+"/a/two", 0o770)
		}, bench.Differences{Files: 1, Content: 1, Mode: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := write(t, "2"), write(t, "2")
			if err := c.change(b); err != nil {
				t.Fatal(err)
			}
			got, err := bench.Compare(t.Context(), a, b)
			if err != nil {
				t.Fatal(err)
			}
			first := got.FirstOne
			got.FirstOne, got.DirTime = "", 0
			if got != c.want || (first == "") != c.want.Same() {
				t.Errorf("got %+v (%s), want %+v", got, first, c.want)
			}
		})
	}
}
