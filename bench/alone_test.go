package bench_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repotool/bench"
	"repotool/repotest"
)

// TestCommandAlone: a command gets nothing of what our own surroundings name.
func TestCommandAlone(t *testing.T) {
	for _, name := range []string{"REPOTOOL_REPOSITORY", "RESTIC_PASSWORD_FILE", "BORG_REPO", "PGSERVICE", "PGHOST"} {
		t.Setenv(name, "/srv/real")
	}
	c := bench.Command{Args: []string{"sh", "-c", "env >&2; exit 1"}, Env: []string{"MINE=1"}}
	_, err := c.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "MINE=1") || !strings.Contains(err.Error(), "PATH=") || strings.Contains(err.Error(), "/srv/real") {
		t.Errorf("%v", err)
	}
}

// TestCommandInterrupted: what a command has started ends with it.
func TestCommandInterrupted(t *testing.T) {
	at := filepath.Join(t.TempDir(), "pid")
	ctx, stop := context.WithCancel(t.Context())
	go func() { appears(at); stop() }()
	c := bench.Command{Args: []string{"bash", "-c", "sleep 600 & echo $! > " + at + ".new && mv " + at + ".new " + at + " && wait"}}
	if _, err := c.Run(ctx); err == nil {
		t.Error("it ended well")
	}
	repotest.Gone(t, at)
}

// TestNightElsewhere: a night changes no directory that was not made so.
func TestNightElsewhere(t *testing.T) {
	opt := bench.Options{Files: 600, Seed: 5}
	dir := memory(t)
	if _, err := bench.Generate(context.Background(), dir, opt); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]bench.Options{"seed": {Files: 600, Seed: 6}, "fewer": {Files: 300, Seed: 5}, "more": {Files: 1100, Seed: 5}} {
		var other *bench.NotMadeError
		if _, err := bench.Night(t.Context(), dir, o, 1); !errors.As(err, &other) {
			t.Errorf("%s: %v", name, err)
		}
	}
	real := t.TempDir()
	if err := os.WriteFile(filepath.Join(real, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bench.Night(t.Context(), real, opt, 1); err == nil {
		t.Error("a night in a directory of somebody else's")
	}
	n := 0
	filepath.WalkDir(real, func(string, fs.DirEntry, error) error { n++; return nil })
	if n != 2 {
		t.Errorf("%d things are there", n)
	}
	if _, err := bench.Night(t.Context(), dir, opt, 1); err != nil {
		t.Error(err)
	}
	if _, err := bench.Night(t.Context(), dir, opt, 1); err == nil {
		t.Error("a night was there twice")
	}
}
