package goldindex_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repotool/fossology"
	"repotool/goldindex"
)

// TestEveryByte changes each byte of each file of a ledger, one at a time. Whoever asks
// gets the right answer, none, or an error that says that the ledger is damaged; the next
// update makes it as it was. The same for a file that ends anywhere.
func TestEveryByte(t *testing.T) {
	h := &hoard{dir: t.TempDir()}
	for i := range uint64(2) {
		h.add(t, []byte("shared"), random(i, 100))
	}
	dir := filepath.Join(t.TempDir(), "ledger")
	update := func() *goldindex.Report {
		l := openHoard(t, dir)
		defer l.Close()
		r, err := l.Update(t.Context(), goldindex.UpdateOptions{Repository: h.repository(), Database: h, TempDir: t.TempDir(), Parallel: 1})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	update()
	before, want := contentOf(t, dir), h.said(t, dir)
	right := map[fossology.Name][32]byte{}
	l := openHoard(t, dir)
	for _, u := range h.uses {
		sum, ok, err := l.Confirmed(u.Name)
		if !ok || err != nil {
			t.Fatalf("%v: %v, %v", u.Name, ok, err)
		}
		right[u.Name] = sum
	}
	l.Close()
	asked, silent := 0, 0
	ask := func(what string, at int) {
		t.Helper()
		l, err := goldindex.Open(dir, tools)
		if err != nil {
			if !errors.Is(err, goldindex.ErrDamaged) && !errors.Is(err, goldindex.ErrNewerFormat) {
				t.Errorf("%s, byte %d: open: %v", what, at, err)
			}
			return
		}
		defer l.Close()
		for n, good := range right {
			asked++
			sum, ok, err := l.Confirmed(n)
			switch {
			case err != nil && !errors.Is(err, goldindex.ErrDamaged):
				t.Errorf("%s, byte %d: %v: %v", what, at, n, err)
			case err == nil && ok && sum != good:
				t.Errorf("%s, byte %d: %v is wrongly confirmed as %x", what, at, n, sum)
			case err == nil && !ok:
				silent++
			}
			places, err := l.Which(n)
			if err != nil && !errors.Is(err, goldindex.ErrDamaged) && !errors.Is(err, goldindex.ErrNotMade) {
				t.Errorf("%s, byte %d: which %v: %v", what, at, n, err)
			}
			for _, p := range places {
				if !strings.Contains(want[n.String()], p.Gold.String()) {
					t.Errorf("%s, byte %d: %v is made by %v", what, at, n, p.Gold)
				}
			}
		}
	}
	files := 0
	for name, content := range before {
		path := filepath.Join(dir, name)
		files++
		for at := range len(content) {
			bad := []byte(content)
			bad[at] ^= 1 << (at % 8)
			overwrite(t, path, bad)
			ask("changed "+name, at)
			overwrite(t, path, bad[:at])
			ask("cut "+name, at)
			if at%37 == 0 && at > len("repotool ledger segment 1") {
				if r := update(); r.Rebuilt == 0 {
					t.Errorf("cut %s, byte %d: not noticed: %+v", name, at, *r)
				}
				same(t, want, h.said(t, dir))
				restoreAll(t, dir, before)
			}
		}
		overwrite(t, path, []byte(content))
	}
	t.Logf("%d files, %d answers, %d of them not confirmed", files, asked, silent)
}

func overwrite(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// restoreAll makes a directory hold some files and no others.
func restoreAll(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name := range contentOf(t, dir) {
		if _, is := files[name]; !is {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, content := range files {
		overwrite(t, filepath.Join(dir, name), []byte(content))
	}
}

// TestNewerLedger: what a later repotool wrote is not thrown away, and not believed.
func TestNewerLedger(t *testing.T) {
	h := &hoard{dir: t.TempDir()}
	h.add(t, random(1, 100))
	dir := filepath.Join(t.TempDir(), "ledger")
	l := openHoard(t, dir)
	o := goldindex.UpdateOptions{Repository: h.repository(), Database: h, TempDir: t.TempDir()}
	if _, err := l.Update(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	l.Close()
	paths, err := filepath.Glob(filepath.Join(dir, "segments", "*"))
	if err != nil || len(paths) != 2 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		later := slices.Clone(old)
		later[len("repotool ledger segment ")]++
		overwrite(t, path, later)
		before := contentOf(t, dir)
		if _, err := goldindex.Open(dir, tools); !errors.Is(err, goldindex.ErrNewerFormat) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", path, err)
		}
		same(t, before, contentOf(t, dir))
		overwrite(t, path, old)
	}
}
