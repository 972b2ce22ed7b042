package bench_test

import (
	"crypto/md5"
	"crypto/sha1"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repotool/bench"
)

// tree returns path, mode and time of every file below dir, and fails when a
// name is not that of the content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if e.IsDir() {
			if info.Mode() != fs.ModeDir|fs.ModeSetgid|0o770 {
				t.Errorf("%s: mode %v", rel, info.Mode())
			}
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("%x.%x.%d", sha1.Sum(content), md5.Sum(content), len(content))
		parts := strings.Split(rel, "/")
		want := strings.Join([]string{"localhost", parts[1], name[0:2], name[2:4], name[4:6], name}, "/")
		if rel != want {
			t.Errorf("%s holds %s", rel, name)
		}
		files[rel] = fmt.Sprint(info.Mode(), info.ModTime().UnixNano())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// memory returns a directory of the test, in memory where there is one: tests
// of counts need not wait for a disk, nor for whoever else writes to it.
func memory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "repotool-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestGenerate(t *testing.T) {
	ctx := t.Context()
	opt := bench.Options{Files: 2000, Seed: 7}
	one := filepath.Join(memory(t), "one")
	facts, err := bench.Generate(ctx, one, opt)
	if err != nil {
		t.Fatal(err)
	}
	first := tree(t, one)
	if facts.Files != 2001 || facts.Gold != 1 || int64(len(first)) != facts.Files+facts.Gold {
		t.Errorf("%+v, %d files found", facts, len(first))
	}
	if mean := facts.Bytes / facts.Files; mean < 8<<10 || mean > 20<<10 {
		t.Errorf("mean size %d", mean)
	}
	for rel := range first {
		if gold, ok := strings.CutPrefix(rel, "localhost/gold/"); ok && first["localhost/files/"+gold] == "" {
			t.Errorf("no copy of gold %s", gold)
		}
	}

	two := filepath.Join(memory(t), "two")
	opt.Workers = 1
	if _, err := bench.Generate(ctx, two, opt); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(first, tree(t, two)) {
		t.Error("the same options made another repository")
	}
	if _, err := bench.Generate(ctx, two, opt); err == nil {
		t.Error("a second repository in the same place")
	}
}

func TestNight(t *testing.T) {
	ctx := t.Context()
	dir := filepath.Join(memory(t), "repo")
	opt := bench.Options{Files: 1000, Seed: 1}
	if _, err := bench.Generate(ctx, dir, opt); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	for night := 1; night <= 2; night++ {
		facts, err := bench.Night(ctx, dir, opt, night)
		if err != nil {
			t.Fatal(err)
		}
		if facts.Files != 10 || facts.Removed != 2 {
			t.Errorf("night %d: %+v", night, facts)
		}
	}
	after := tree(t, dir)
	if want := len(before) + 2*(10-2); len(after) != want {
		t.Errorf("%d files after two nights, want %d", len(after), want)
	}
	for night := 2; night >= 1; night-- {
		if _, err := bench.UndoNight(ctx, dir, opt, night); err != nil {
			t.Fatal(err)
		}
	}
	if got := tree(t, dir); !maps.Equal(got, before) {
		t.Errorf("undone: %d files, were %d", len(got), len(before))
	}
}
