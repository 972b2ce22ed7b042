package prune_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repotool/prune"
)

// What a program of another day has written, or somebody has changed, is read or refused:
// nothing else happens.

func FuzzReadPlan(f *testing.F) {
	f.Add([]byte(`{"format":1,"golds":[{"name":"x"}]}` + "\n" + `{"victims":0,"end":""}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := prune.ReadPlan(strings.NewReader(string(b)), t.TempDir()); err == nil {
			for range p.Each(0) {
			}
			p.Close()
		}
	})
}

func FuzzReadDedupPlan(f *testing.F) {
	f.Add([]byte(`{"format":1,"kind":"dedup"}` + "\n" + `{"groups":0,"end":""}` + "\n"))
	f.Add([]byte(`{"format":1,"kind":"dedup"}` + "\n" + `{"size":1,"keep":{"path":"a/b"},"same":[{"path":"a/c"}]}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := prune.ReadDedupPlan(strings.NewReader(string(b)), t.TempDir()); err == nil {
			for range p.Each(0) {
			}
			p.Close()
		}
	})
}

func FuzzJournals(f *testing.F) {
	f.Add([]byte(`{"kind":"start","time":"2026-01-02T03:04:05Z","plan":"0123"}` + "\t9c6d3b3a\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file := filepath.Join(t.TempDir(), "x.journal")
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		prune.ReadDeed(file)
		prune.ReadDedupRun(file)
		for range prune.Removed(file) {
		}
	})
}
