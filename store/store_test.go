package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"repotool/repotest"
	"repotool/store"
)

func put(t testing.TB, st *store.Store, b []byte) store.Put {
	t.Helper()
	p, err := st.NewWriter().PutBytes(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func objectFile(st *store.Store, h store.Hash) string {
	return st.Path("objects", h.String()[:2], h.String())
}

// The same bytes make one object, read-only, whatever way they come in.
func TestPut(t *testing.T) {
	st := repotest.Store(t)
	for _, size := range []int{0, 1, 4096, 1 << 20, 1<<20 + 1, 5 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			b := bytes.Repeat([]byte("x"), size)
			if size > 3<<20 {
				clear(b[1<<20 : 3<<20]) // holes
			}
			first := put(t, st, b)
			if !first.Added || first.Object != store.Sum(b) {
				t.Fatalf("put: %+v", first)
			}
			if again := put(t, st, b); again.Added || again.Healed {
				t.Errorf("second put: %+v", again)
			}
			name := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			p, err := st.NewWriter().PutFD(t.Context(), int(f.Fd()), store.PutOptions{Clone: true})
			if err != nil || p.Added || p.Object != first.Object || p.Size != int64(size) {
				t.Errorf("put of a file: %+v, %v", p, err)
			}
			w, err := st.Create()
			if err != nil {
				t.Fatal(err)
			}
			w.Write(b)
			if p, err := w.Commit(); err != nil || p.Added || p.Object != first.Object {
				t.Errorf("written: %+v, %v", p, err)
			}
			if info, err := os.Stat(objectFile(st, first.Object)); err != nil || info.Mode() != 0o444 {
				t.Errorf("object: %v, %v", info.Mode(), err)
			}
			got, err := os.ReadFile(objectFile(st, first.Object))
			if err != nil || !bytes.Equal(got, b) {
				t.Errorf("object has other bytes: %v", err)
			}
		})
	}
}

// A writer that has seen only new objects takes the next one for new, too. If
// it is not, it is found, compared, and healed all the same.
func TestPutGuessesWrong(t *testing.T) {
	st := repotest.Store(t)
	good, bad := put(t, st, []byte("good")), put(t, st, []byte("rotten"))
	os.Remove(objectFile(st, bad.Object))
	if err := os.WriteFile(objectFile(st, bad.Object), []byte("flipped"), 0o444); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		bytes string
		want  store.Put
	}{
		{"good", store.Put{Object: good.Object, Size: 4}},
		{"rotten", store.Put{Object: bad.Object, Size: 6, Healed: true}},
	} {
		w := st.NewWriter()
		if p, err := w.PutBytes(t.Context(), []byte("new "+c.bytes)); err != nil || !p.Added {
			t.Fatalf("a new object: %+v, %v", p, err)
		}
		if p, err := w.PutBytes(t.Context(), []byte(c.bytes)); err != nil || p != c.want {
			t.Errorf("put %s: %+v, %v, want %+v", c.bytes, p, err, c.want)
		}
		if _, err := st.Check(t.Context(), c.want.Object, make([]byte, 1<<10)); err != nil {
			t.Errorf("check %s: %v", c.bytes, err)
		}
	}
	if left := leftInTmp(t, st); len(left) > 0 {
		t.Errorf("left in tmp: %v", left)
	}
}

// What a power cut left, or has rotted, is not trusted by its name: good
// bytes take its place.
func TestPutHeals(t *testing.T) {
	for _, size := range []int{10, 3 << 20} {
		for _, damage := range []string{"empty", "flipped", "longer"} {
			t.Run(fmt.Sprint(size, damage), func(t *testing.T) {
				st := repotest.Store(t)
				b := bytes.Repeat([]byte("x"), size)
				p := put(t, st, b)
				name := objectFile(st, p.Object)
				bad := map[string][]byte{"empty": nil, "flipped": append([]byte{'y'}, b[1:]...), "longer": append(b[:size:size], 'y')}[damage]
				os.Remove(name)
				if err := os.WriteFile(name, bad, 0o444); err != nil {
					t.Fatal(err)
				}
				var damaged *store.DamagedError
				if _, err := st.Check(t.Context(), p.Object, make([]byte, 1<<20)); !errors.As(err, &damaged) {
					t.Errorf("check: %v", err)
				}
				src := filepath.Join(t.TempDir(), "f")
				os.WriteFile(src, b, 0o600)
				f, _ := os.Open(src)
				defer f.Close()
				if p, err := st.NewWriter().PutFD(t.Context(), int(f.Fd()), store.PutOptions{}); err != nil || !p.Healed {
					t.Errorf("put: %+v, %v", p, err)
				}
				if _, err := st.Check(t.Context(), p.Object, make([]byte, 1<<20)); err != nil {
					t.Errorf("check after: %v", err)
				}
				if kept, err := os.ReadFile(st.Path("trash", p.Object.String())); err != nil || !bytes.Equal(kept, bad) {
					t.Errorf("what was replaced is not in trash/: %d bytes, %v", len(kept), err)
				}
			})
		}
	}
}

// A refused file leaves nothing behind.
func TestPutRefused(t *testing.T) {
	st := repotest.Store(t)
	refused := errors.New("refused")
	for _, size := range []int{10, 3 << 20} {
		name := filepath.Join(t.TempDir(), "f")
		os.WriteFile(name, make([]byte, size), 0o600)
		f, _ := os.Open(name)
		defer f.Close()
		_, err := st.NewWriter().PutFD(t.Context(), int(f.Fd()), store.PutOptions{Accept: func(int64) error { return refused }})
		if !errors.Is(err, refused) {
			t.Errorf("got %v", err)
		}
	}
	for info := range st.List(t.Context()) {
		t.Errorf("object %s", info.Object)
	}
	if left := leftInTmp(t, st); len(left) > 0 {
		t.Errorf("left in tmp: %v", left)
	}
}

// The second to want a lock is told who has it, and gets it when that ends.
func TestLock(t *testing.T) {
	st := repotest.Store(t)
	since := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	l, err := st.Lock(t.Context(), "snapshot-x", "repotool snapshot", since)
	if err != nil {
		t.Fatal(err)
	}
	var locked *store.LockedError
	if _, err := st.Lock(t.Context(), "snapshot-x", "another", since); !errors.As(err, &locked) {
		t.Fatalf("second lock: %v", err)
	}
	if h := locked.Holder; h.PID != os.Getpid() || h.Command != "repotool snapshot" || !h.Since.Equal(since) {
		t.Errorf("holder: %+v", h)
	}
	l.Unlock()
	if l, err = st.Lock(t.Context(), "snapshot-x", "another", since); err != nil {
		t.Fatal(err)
	}
	l.Unlock()
}

// A holder that has the lock and has not written its name yet is not taken for
// the one before it.
func TestLockNameless(t *testing.T) {
	st := repotest.Store(t)
	l, err := st.Lock(t.Context(), "snapshot-x", "the one before", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	l.Unlock()
	f, err := os.Open(st.Path("locks", "snapshot-x"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	var locked *store.LockedError
	if _, err := st.Lock(t.Context(), "snapshot-x", "another", time.Now()); !errors.As(err, &locked) {
		t.Fatalf("second lock: %v", err)
	}
	if want := "snapshot-x is locked by a run that has just begun and has not written its name yet"; locked.Error() != want {
		t.Errorf("%q, want %q", locked, want)
	}
	if hint := locked.Hint(); !strings.Contains(hint, f.Name()) {
		t.Errorf("hint %q does not name the file", hint)
	}
}

// Init and Open refuse with the reason.
func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := store.Open(dir); !errors.Is(err, store.ErrNoStore) {
		t.Errorf("no store: %v", err)
	}
	os.WriteFile(filepath.Join(dir, "x"), nil, 0o600)
	var unfit *store.UnfitError
	if _, err := store.Init(context.Background(), dir, time.Now()); !errors.As(err, &unfit) || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("not empty: %v", err)
	}
	st := repotest.Store(t)
	if _, err := store.Init(context.Background(), st.Dir(), time.Now()); !errors.Is(err, store.ErrExists) {
		t.Errorf("again: %v", err)
	}
	for text, want := range map[string]error{`{"version":99}`: store.ErrNewerFormat, `{"vers`: nil, `{}`: nil, "": nil} {
		os.WriteFile(st.Path("store.json"), []byte(text), 0o600)
		_, err := store.Open(st.Dir())
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("store.json %q: %v, want %v", text, err, want)
		}
	}
}

// FuzzParseHash: what parses prints the same.
func FuzzParseHash(f *testing.F) {
	f.Add(store.Sum(nil).String())
	f.Add("AB")
	f.Fuzz(func(t *testing.T, s string) {
		if h, err := store.ParseHash(s); err == nil && h.String() != s {
			t.Errorf("%q became %q", s, h)
		}
	})
}
