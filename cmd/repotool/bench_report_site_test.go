package main

import (
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"repotool/bench"
)

// live adds up what stands in the repository: gold, files, the work of agents, and the rest.
func live(t *testing.T, repository string) map[string]bench.Holding {
	t.Helper()
	all := map[string]bench.Holding{}
	err := filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		var st syscall.Stat_t
		if err := syscall.Lstat(path, &st); err != nil {
			return err
		}
		rel, _ := filepath.Rel(repository, path)
		kind := "other"
		switch parts := strings.Split(rel, "/"); {
		case strings.HasSuffix(rel, ".I") || len(parts) > 2 && (parts[1] == "ununpack" || parts[1] == "wget"):
			kind = "work"
		case len(parts) > 2 && (parts[1] == "gold" || parts[1] == "files"):
			kind = parts[1]
		}
		all[kind] = all[kind].Plus(bench.Holding{Files: 1, Bytes: st.Size, Disk: st.Blocks * 512})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestReportOfLive: what a report says of the repository is what stands there, whatever a store
// takes for it.
func TestReportOfLive(t *testing.T) {
	realSite(t)
	repository := sizingOf(t).Survey.Repository
	want := live(t, repository)
	for _, when := range []string{"before the first snapshot", "after it"} {
		s := sizingOf(t).Survey
		for kind, h := range map[string]bench.Holding{"gold": s.Gold, "files": s.Files, "work": s.Work, "other": s.Other} {
			w := want[kind]
			if h.Stored = 0; h != w || h.Files == 0 {
				t.Errorf("%s, %s: %+v, but there are %+v", kind, when, h, w)
			}
		}
		repotoolEnds(t, "snapshot")
	}
	before := sizingOf(t).Survey.Prunable["derived"].Disk
	repotoolEnds(t, "prune", "--level", "derived", "--execute")
	after := live(t, repository)
	if freed := want["files"].Disk - after["files"].Disk; freed > before || freed < before/2 {
		t.Errorf("a prune frees %d, at most %d were said", freed, before)
	}
}
