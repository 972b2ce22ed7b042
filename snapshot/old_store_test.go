package snapshot_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"repotool/repotest"
	"repotool/store"
)

// oldStore unpacks a store that version 1 of the formats was written into: two
// snapshots, a file that went and one that came, links of both kinds, an empty
// file, a directory with a mode of its own.
func oldStore(t testing.TB) *store.Store {
	t.Helper()
	st := repotest.Store(t)
	out, err := exec.Command("sh", "-c", repotest.Tool(t, "zstd")+" -dc testdata/store-1.tar.zst | "+
		repotest.Tool(t, "tar")+" -x --no-same-owner -C '"+st.Dir()+"' snapshots objects").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return st
}

// A store of version 1 reads as ever, and is gone on with.
func TestVersion1(t *testing.T) {
	st := oldStore(t)
	want := map[string]string{"one": "one", "two": "two", "linked": "linked", "gold": "gold", "": ""}
	latest := find(t, st, "latest")
	if latest.Manifest.Version != 1 || latest.Name() != "2026-11-23T020000Z" {
		t.Fatalf("%s of version %d", latest.Name(), latest.Manifest.Version)
	}
	to := filepath.Join(t.TempDir(), "to")
	r := restore(t, latest, snapshotTo(to))
	if r.Files != 8 || r.Damaged != 0 || r.LeftOut != 0 {
		t.Errorf("restored %+v", *r)
	}
	for content := range want {
		typ := "files"
		if content == "gold" {
			typ = "gold"
		}
		name := strings.Replace(pathOf(to, nameOf(content)), "/files/", "/"+typ+"/", 1)
		if b, err := os.ReadFile(name); err != nil || string(b) != content {
			t.Errorf("%q: %q, %v", content, b, err)
		}
	}
	if _, had := held(t, find(t, st, "latest~1"))["localhost/files/"+strings.TrimPrefix(pathOf("", nameOf("gone")), "localhost/files/")]; !had {
		t.Error("the first snapshot does not hold the file that went")
	}
	keep(t, to, "three")
	s := take(t, options(st, to))
	if s.Read.Files != 1 || s.Added.Files != 1 {
		t.Errorf("the next snapshot read %+v and added %+v", s.Read, s.Added)
	}
	if m := find(t, st, "latest").Manifest; m.Version != 3 {
		t.Errorf("version %d", m.Version)
	}
}
