package reunpack_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"repotool/fossology"
	"repotool/reunpack"
)

func contentName(b string) fossology.Name {
	return fossology.Name{SHA1: sha1.Sum([]byte(b)), MD5: md5.Sum([]byte(b)), Size: int64(len(b))}
}

// tarOf is a tar with these contents.
func tarOf(t *testing.T, contents ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, c := range contents {
		err := w.WriteHeader(&tar.Header{Name: "f" + string(rune('a'+i)), Mode: 0o644, Size: int64(len(c))})
		if _, e := io.WriteString(w, c); err != nil || e != nil {
			t.Fatal(err, e)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// takeFrom takes contents out of a tar and returns what was put.
func takeFrom(t *testing.T, b []byte, put func(fossology.Name, string) (bool, error), wanted ...string) (map[string]int, error) {
	t.Helper()
	name := t.TempDir() + "/gold"
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var names []fossology.Name
	for _, w := range wanted {
		names = append(names, contentName(w))
	}
	var mu sync.Mutex
	got := map[string]int{}
	err = reunpack.Take(t.Context(), "gold.tar", f, names, func(n fossology.Name, r io.ReadSeeker) (bool, error) {
		b, err := io.ReadAll(r)
		if err != nil || contentName(string(b)) != n {
			t.Errorf("%v, the bytes of %s have another name", err, n)
		}
		mu.Lock()
		got[string(b)]++
		mu.Unlock()
		if put != nil {
			return put(n, string(b))
		}
		return true, nil
	}, reunpack.TakeOptions{TempDir: t.TempDir()})
	return got, err
}

// What is wanted is put, once, whatever its size; nothing else is, and what is not
// there is no error.
func TestTake(t *testing.T) {
	large := strings.Repeat("larger than memory allows ", 100_000)
	b := tarOf(t, "small", large, "not wanted", "small", large)
	got, err := takeFrom(t, b, nil, "small", large, "not there")
	if err != nil || len(got) != 2 || got["small"] != 1 || got[large] != 1 {
		t.Errorf("%d contents, %v", len(got), err)
	}
	if got, err := takeFrom(t, b, nil, string(b)); err != nil || len(got) != 0 {
		t.Errorf("the gold itself: %d, %v", len(got), err)
	}
	got, err = takeFrom(t, b, func(fossology.Name, string) (bool, error) { return false, nil }, large)
	if err != nil || got[large] != 2 { // small ones are put beside each other
		t.Errorf("not taken: put %d times, %v", got[large], err)
	}
	full := errors.New("the disk is full")
	if _, err := takeFrom(t, b, func(fossology.Name, string) (bool, error) { return false, full }, "small"); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
}

// A gold is read no further than to the last content that is wanted.
func TestTakeStops(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fed := make(chan error, 1)
	go func() {
		defer w.Close()
		b := tarOf(t, "small", "second")
		if _, err := w.Write(b[:2048]); err != nil { // the end and what is behind it follow for ever
			fed <- err
			return
		}
		for {
			if _, err := w.Write(tarOf(t, strings.Repeat("more and more ", 10_000))[:512*200]); err != nil {
				fed <- err
				return
			}
		}
	}()
	put := 0
	err = reunpack.Take(ctx, "gold.tar", r, []fossology.Name{contentName("small")}, func(fossology.Name, io.ReadSeeker) (bool, error) {
		put++
		return true, nil
	}, reunpack.TakeOptions{TempDir: t.TempDir()})
	if err != nil || put != 1 || ctx.Err() != nil {
		t.Errorf("put %d times, %v, %v", put, err, ctx.Err())
	}
	r.Close()
	<-fed
}
