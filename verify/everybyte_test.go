package verify_test

import (
	"crypto/md5"
	"crypto/sha1"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
	"repotool/verify"
)

// smallStore is a store with two snapshots of a few small files, and what they held.
func smallStore(t *testing.T) (dir string, held map[string]string) {
	t.Helper()
	repository := filepath.Join(t.TempDir(), "repository")
	st := repotest.Store(t)
	held = map[string]string{}
	put := func(typ, content string) {
		name := fmt.Sprintf("%x.%x.%d", sha1.Sum([]byte(content)), md5.Sum([]byte(content)), len(content))
		path := filepath.Join("localhost", typ, fossology.FanOut(name, 3), name)
		full := filepath.Join(repository, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
		held[path] = content
	}
	at := time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)
	for i := range 2 {
		put("gold", fmt.Sprint("an archive ", i))
		put("files", fmt.Sprint("a file ", i))
		put("files", "")
		_, err := snapshot.Take(t.Context(), snapshot.TakeOptions{Store: st, Installation: "x", Repository: repository, Depth: 3,
			Now: func() time.Time { return at.AddDate(0, 0, i) }, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			continue
		}
		s, err := snapshot.Find(st, "x", "latest")
		if err == nil {
			err = s.Pin(t.Context(), snapshot.Pin{Since: at, Note: "kept"})
		}
		odd := filepath.Join(repository, "localhost", "files", "aa", "bb", "cc", strings.Repeat("ab", 20)+"."+strings.Repeat("cd", 16)+".3")
		if err = errors.Join(err, os.MkdirAll(filepath.Dir(odd), 0o755), os.WriteFile(odd, []byte("odd"), 0o644)); err != nil {
			t.Fatal(err) // a finding of the second snapshot
		}
	}
	return st.Dir(), held
}

// unjudged says of which files of a store verify says nothing: what is only faster with
// them, is written anew, or is for people.
func unjudged(path string) bool {
	top, _, _ := strings.Cut(path, "/")
	return top == "cache" || top == "tmp" || top == "locks"
}

// TestEveryByteOfAStore changes each byte of each file of a small store, one after the other:
// verify finds it, and what is restored then is right, or was told of. EVERY_BYTE=1 takes
// all of them, 7 one in seven; without it is one in 29.
func TestEveryByteOfAStore(t *testing.T) {
	dir, held := smallStore(t)
	step := 29
	if n, err := strconv.Atoi(os.Getenv("EVERY_BYTE")); err == nil && n > 0 {
		step = n
	}
	seen := map[[2]uint64]bool{} // hard links are one file
	bytes, at := 0, 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		var st unix.Stat_t
		if err != nil || !d.Type().IsRegular() || unjudged(rel) || unix.Lstat(path, &st) != nil || seen[[2]uint64{st.Dev, st.Ino}] {
			return err
		}
		seen[[2]uint64{st.Dev, st.Ino}] = true
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i := range b {
			if at++; at%step != 0 {
				continue
			}
			bytes++
			b[i] ^= 1 << (at % 8)
			poke(t, path, i, b[i])
			found, judged := judge(t, dir)
			if wrong := restoredWrong(t, dir, held); wrong != "" {
				t.Errorf("%s, byte %d: %s", rel, i, wrong)
			}
			if judged && found == "" {
				t.Errorf("%s, byte %d: nothing was found", rel, i)
			}
			b[i] ^= 1 << (at % 8)
			poke(t, path, i, b[i])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found, _ := judge(t, dir); found != "" || bytes < 100 || len(seen) < 16 {
		t.Errorf("in the end: %s, of %d bytes", found, bytes)
	}
	t.Logf("%d bytes of %d in %d files", bytes, at, len(seen))
}

// poke writes one byte in place, and leaves mode and times as they were.
func poke(t *testing.T, path string, at int, b byte) {
	t.Helper()
	var st unix.Stat_t
	err := unix.Stat(path, &st)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	f, e := os.OpenFile(path, os.O_WRONLY, 0)
	if err = errors.Join(err, e); err == nil {
		_, err = f.WriteAt([]byte{b}, int64(at))
		err = errors.Join(err, f.Close(), os.Chmod(path, fs.FileMode(st.Mode&0o777)), unix.UtimesNano(path, []unix.Timespec{st.Atim, st.Mtim}))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// judge is what verify finds in a store: "" for nothing. A store that cannot be opened is
// found, too.
func judge(t *testing.T, dir string) (found string, judged bool) {
	t.Helper()
	st, err := store.Open(dir)
	if err != nil {
		return err.Error(), true
	}
	defer st.Close()
	r, err := verify.Store(t.Context(), st, verify.ScrubOptions{})
	if err != nil {
		return err.Error(), true
	}
	for _, f := range r.Findings {
		found += string(f.Kind) + " "
	}
	return found, true
}

// restoredWrong restores both snapshots. What comes out is right, or something was said.
func restoredWrong(t *testing.T, dir string, held map[string]string) string {
	t.Helper()
	st, err := store.Open(dir)
	if err != nil {
		return ""
	}
	defer st.Close()
	for back := range 2 {
		s, err := snapshot.Find(st, "x", "latest~"+strconv.Itoa(back))
		if err != nil {
			continue
		}
		to := t.TempDir()
		o := snapshot.RestoreOptions{To: to, Findings: new(snapshot.Findings)}
		r, err := s.Restore(t.Context(), o)
		said := err != nil || r.Damaged > 0 || len(o.Findings.First()) > 0
		files := 0
		err = filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			rel, _ := filepath.Rel(to, path)
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if want, ok := held[rel]; !ok || want != string(b) {
				return fmt.Errorf("%s was restored as %q", rel, b)
			}
			files++
			return nil
		})
		if err != nil {
			return err.Error()
		}
		if want := 5 - 2*back; files != want && !said {
			return fmt.Sprintf("%d files of %d were restored, and nothing was said", files, want)
		}
	}
	return ""
}
