package main

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"repotool/repotest"
)

// cycles are those of the store, with what their snapshots show: known by the days alone,
// each of which is laid over those before.
func (w *faultWorld) cycles(done bool) map[string]map[string]map[string]string {
	w.t.Helper()
	all := map[string]map[string]map[string]string{}
	root := filepath.Join(w.store, "cycles", "fossology")
	bases, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.t.Fatal(err)
	}
	for _, base := range bases {
		if strings.HasPrefix(base.Name(), ".") {
			continue
		}
		all[base.Name()] = w.cycle(filepath.Join(root, base.Name()), done)
		if all[base.Name()][base.Name()] == nil {
			w.t.Errorf("the cycle %s has no base", base.Name())
		}
	}
	return all
}

func (w *faultWorld) cycle(dir string, done bool) map[string]map[string]string {
	w.t.Helper()
	names, err := os.ReadDir(filepath.Join(dir, "snapshots", "fossology"))
	if err != nil {
		w.t.Errorf("a cycle without snapshots: %v", err)
	}
	all, now := map[string]map[string]string{}, map[string]string{}
	for _, n := range names { // in the order of time
		if strings.HasPrefix(n.Name(), ".") {
			continue
		}
		day := filepath.Join(dir, "days", "fossology", n.Name())
		if _, err := os.Stat(day); errors.Is(err, fs.ErrNotExist) && !done {
			day = filepath.Join(dir, "days", "fossology", ".building-"+n.Name())
		}
		if _, err := os.Stat(filepath.Join(day, "REMOVED.zst")); err == nil {
			gone, err := exec.Command(repotest.Tool(w.t, "zstd"), "-dcq", filepath.Join(day, "REMOVED.zst")).Output()
			if err != nil {
				w.t.Errorf("REMOVED.zst of %s: %v", n.Name(), err)
			}
			for path := range bytes.SplitSeq(gone, []byte{0}) {
				typ := "files "
				if strings.Contains(string(path), "/gold/") {
					typ = "gold "
				}
				delete(now, typ+filepath.Base(string(path)))
			}
		}
		maps.Copy(now, contents(w.t, filepath.Join(day, "localhost")))
		all[n.Name()] = maps.Clone(now)
	}
	return all
}

// rotatingJobs are the snapshots of the scheme rotating: a first base, a day, and a base that
// takes the place of a cycle.
func rotatingJobs() []faultJob {
	store := func(w *faultWorld) []string { return []string{w.store} }
	night := func(w *faultWorld) {
		w.states = append(w.states, contents(w.t, filepath.Join(w.repository, "localhost")))
		if err := os.Remove(w.put("files", "file 1")); err != nil {
			w.t.Fatal(err)
		}
		w.put("files", "something new")
		w.put("files", "another new one")
		w.states = append(w.states, contents(w.t, filepath.Join(w.repository, "localhost")))
	}
	rotating := func(cycle string) func(*faultWorld) []string {
		return func(*faultWorld) []string { return []string{"snapshot", "--scheme", "rotating", "--cycle", cycle} }
	}
	return []faultJob{
		{name: "first base", many: true, prepare: func(w *faultWorld) {
			w.states = append(w.states, contents(w.t, filepath.Join(w.repository, "localhost")))
		}, args: rotating("9"), roots: store, check: func(w *faultWorld, _ map[string]map[string]string, repeated bool) {
			all := w.cycles(repeated)
			for base, of := range all {
				if !maps.Equal(of[base], w.states[0]) {
					w.t.Errorf("base %s shows %d files", base, len(of[base]))
				}
			}
			if repeated && len(all) != 1 {
				w.t.Errorf("%d cycles", len(all))
			}
		}},
		{name: "day of a cycle", prepare: func(w *faultWorld) { w.must(rotating("9")(w)...); night(w) }, args: rotating("9"), roots: store,
			check: func(w *faultWorld, _ map[string]map[string]string, repeated bool) {
				all := w.cycles(repeated)
				if len(all) != 1 {
					w.t.Fatalf("%d cycles", len(all))
				}
				for base, of := range all {
					for name, files := range of {
						want := w.states[1]
						if name == base {
							want = w.states[0]
						}
						if !maps.Equal(files, want) {
							w.t.Errorf("%s shows %v", name, slices.Sorted(maps.Keys(files)))
						}
					}
					if repeated && len(of) < 2 {
						w.t.Errorf("%d snapshots", len(of))
					}
				}
			}},
		{name: "next base", many: true, prepare: func(w *faultWorld) { w.must(rotating("1")(w)...); night(w) }, args: rotating("1"), roots: store,
			check: func(w *faultWorld, _ map[string]map[string]string, repeated bool) {
				all := w.cycles(repeated)
				bases := slices.Sorted(maps.Keys(all))
				if len(bases) == 0 {
					w.t.Fatal("there is no cycle any more")
				}
				for i, base := range bases {
					if files := all[base][base]; !maps.Equal(files, w.states[1]) && (i > 0 || !maps.Equal(files, w.states[0])) {
						w.t.Errorf("base %s shows %v", base, slices.Sorted(maps.Keys(files)))
					}
				}
				if last := bases[len(bases)-1]; repeated && (len(bases) != 1 || !maps.Equal(all[last][last], w.states[1])) {
					w.t.Errorf("cycles %v", bases)
				}
			}},
	}
}
