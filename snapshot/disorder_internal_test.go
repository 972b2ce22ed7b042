package snapshot

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/repotest"
)

// Whatever an earlier run has left in the cache, a later one takes a snapshot: it
// begins again if the cache leads it astray, and leaves a good one.
func TestTakeCacheMisleads(t *testing.T) {
	repository, st := t.TempDir(), repotest.Store(t)
	old := time.Now().Add(-time.Hour)
	for _, dir := range []string{"host/files/aa", "logs/98", "logs/99"} {
		if err := os.MkdirAll(filepath.Join(repository, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(repository, dir, "file")
		if err := os.WriteFile(name, []byte(dir), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
	}
	o := TakeOptions{Store: st, Installation: "fossology", Repository: repository, Depth: 3}
	if _, err := Take(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	names, err := listNames(st, "fossology")
	if err != nil {
		t.Fatal(err)
	}
	m, err := loadManifest(st, "fossology", names[0])
	if err != nil {
		t.Fatal(err)
	}
	w, err := newCacheWriter(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	for _, dir := range []string{"", "logs", "logs/98", "host", "host/files", "logs", "logs/99"} {
		var st unix.Stat_t
		if err := unix.Stat(filepath.Join(repository, dir), &st); err != nil {
			t.Fatal(err)
		}
		err := w.add(fossology.Dir{Path: dir, Signature: fossology.Signature{Inode: st.Ino, Mtime: st.Mtim.Nano(), Ctime: st.Ctim.Nano()}})
		if err != nil {
			t.Fatal(err)
		}
	}
	full := time.Now().Add(-time.Minute)
	if err := w.save(cacheName(st, "fossology"), cacheHead{cacheVersion, cacheKey(repository, m.Segments), full}); err != nil {
		t.Fatal(err)
	}
	for night := range 2 {
		s, err := Take(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if first := night == 0; s.FullScan != first || s.Files != 3 || s.Findings() != 0 {
			t.Errorf("night %d: full scan %v, %d files, %v", night, s.FullScan, s.Files, s.First)
		}
	}
}
