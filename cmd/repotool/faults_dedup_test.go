package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// doubles gives a world files that are there twice, and returns what all have to hold.
func (w *faultWorld) doubles() map[string]string {
	w.put("gold", "an archive")
	for i := range 5 {
		content := fmt.Sprint("another archive ", i)
		gold, files := w.put("gold", content), w.put("files", content)
		if err := errors.Join(os.Chmod(gold, 0o664), os.Chmod(files, 0o660)); err != nil {
			w.t.Fatal(err)
		}
	}
	return contents(w.t, filepath.Join(w.repository, "localhost"))
}

// twice are the Names that stand in gold and files, and whether they are one inode.
func (w *faultWorld) twice() map[string]bool {
	one := map[string]bool{}
	golds, _ := filepath.Glob(filepath.Join(w.repository, "localhost/gold/*/*/*/*"))
	for _, gold := range golds {
		a, err := os.Lstat(gold)
		b, err2 := os.Lstat(strings.Replace(gold, "/gold/", "/files/", 1))
		if errors.Join(err, err2) == nil {
			one[filepath.Base(gold)] = a.Sys().(*syscall.Stat_t).Ino == b.Sys().(*syscall.Stat_t).Ino
		}
	}
	return one
}

// sharing checks that every file has its bytes, and, if it is known, whether doubles are one.
func (w *faultWorld) sharing(want map[string]string, repeated, share bool) {
	w.t.Helper()
	if got := contents(w.t, filepath.Join(w.repository, "localhost")); repeated && !maps.Equal(got, want) {
		w.t.Errorf("%d files, %d wanted; or other bytes", len(got), len(want))
	} else {
		for key, content := range want {
			if got[key] != content {
				w.t.Errorf("%s: has other bytes, or is gone", key)
			}
		}
	}
	for name, one := range w.twice() {
		if repeated && one != share {
			w.t.Errorf("%s: one inode: %v", name, one)
		}
	}
}

// dedupJob has doubles share their bytes.
func dedupJob() faultJob {
	var want map[string]string
	return faultJob{name: "dedup", damaged: true,
		prepare: func(w *faultWorld) { want = w.doubles(); w.must("snapshot") },
		args:    func(*faultWorld) []string { return []string{"dedup", "--execute"} },
		again: func(w *faultWorld) []string {
			if strings.Contains(repotoolEnds(w.t, "dedup", "--list"), "interrupted") {
				return []string{"dedup", "--resume", "last"}
			}
			return []string{"dedup", "--execute"}
		},
		roots: func(w *faultWorld) []string { return []string{w.dir} },
		check: func(w *faultWorld, _ map[string]map[string]string, repeated bool) { w.sharing(want, repeated, true) }}
}

// dedupUndoJob gives them their own again.
func dedupUndoJob() faultJob {
	var want map[string]string
	return faultJob{name: "dedup --undo", damaged: true,
		prepare: func(w *faultWorld) {
			want = w.doubles()
			w.must("snapshot")
		},
		ready: func(w *faultWorld) { w.must("dedup", "--execute") },
		args:  func(*faultWorld) []string { return []string{"dedup", "--undo", "last"} },
		roots: func(w *faultWorld) []string { return []string{w.dir} },
		check: func(w *faultWorld, _ map[string]map[string]string, repeated bool) { w.sharing(want, repeated, false) }}
}
