package main

import (
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"repotool/bench"
)

// eachFile goes through the regular files below a directory.
func eachFile(t *testing.T, dir string, f func(path string, st *syscall.Stat_t)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		var st syscall.Stat_t
		if err = syscall.Lstat(path, &st); err == nil {
			f(path, &st)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// live adds up what stands in the repository: gold, files, the work of agents, and the rest.
func live(t *testing.T, repository string) map[string]bench.Holding {
	t.Helper()
	all := map[string]bench.Holding{}
	eachFile(t, repository, func(path string, st *syscall.Stat_t) {
		rel, _ := filepath.Rel(repository, path)
		kind := "other"
		switch parts := strings.Split(rel, "/"); {
		case strings.HasSuffix(rel, ".I") || len(parts) > 2 && (parts[1] == "ununpack" || parts[1] == "wget"):
			kind = "work"
		case len(parts) > 2 && (parts[1] == "gold" || parts[1] == "files"):
			kind = parts[1]
		}
		all[kind] = all[kind].Plus(bench.Holding{Files: 1, Bytes: st.Size, Disk: st.Blocks * 512 / int64(st.Nlink)})
	})
	return all
}

// inodesOf adds up what the inodes of all files of a repository take, and how many names they
// have more than there are inodes.
func inodesOf(t *testing.T, repository string) (bytes int64, links int) {
	t.Helper()
	known := map[uint64]bool{}
	eachFile(t, repository, func(_ string, st *syscall.Stat_t) {
		if known[st.Ino] {
			links++
			return
		}
		known[st.Ino] = true
		bytes += st.Blocks * 512
	})
	return bytes, links
}

// foldersOf adds up the directories, without those of agents at work.
func foldersOf(t *testing.T, repository string) (dirs, bytes int64) {
	t.Helper()
	err := filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if rel, _ := filepath.Rel(repository, path); strings.Count(rel, "/") == 1 && (d.Name() == "ununpack" || d.Name() == "wget") || strings.HasSuffix(rel, ".I") {
			return fs.SkipDir
		}
		var st syscall.Stat_t
		if err = syscall.Lstat(path, &st); err == nil {
			dirs, bytes = dirs+1, bytes+st.Blocks*512
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs, bytes
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
		if dirs, bytes := foldersOf(t, repository); s.Dirs != dirs || s.DirsDisk != bytes {
			t.Errorf("%d directories of %d bytes, but there are %d of %d", s.Dirs, s.DirsDisk, dirs, bytes)
		}
		repotoolEnds(t, "snapshot")
	}
	repotoolEnds(t, "dedup", "--execute")
	s := sizingOf(t).Survey
	bytes, links := inodesOf(t, repository)
	if all := s.Gold.Plus(s.Files).Plus(s.Work).Plus(s.Other); links == 0 || all.Disk > bytes || all.Disk < bytes-int64(links) {
		t.Errorf("%d names more than inodes, which take %d; said are %d", links, bytes, all.Disk)
	}
	most := s.Prunable["derived"].Disk
	repotoolEnds(t, "prune", "--level", "derived", "--execute")
	after, _ := inodesOf(t, repository)
	if freed := bytes - after; freed > most || freed < most/2 {
		t.Errorf("a prune frees %d, at most %d were said", freed, most)
	}
}
