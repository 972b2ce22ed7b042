package unpack_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"repotool/unpack"
)

// withDictionary makes a xz whose dictionary has that property: 28 is 64 MiB, each
// two more are twice as much.
func withDictionary(t *testing.T, b []byte, property byte) []byte {
	t.Helper()
	x, ok := tool(t, b, "xz", "-c", "-1")
	if !ok || !bytes.HasPrefix(x[12:], []byte("\x02\x00\x21\x01")) {
		t.Fatalf("a xz of an unknown form: %x", x[:24])
	}
	x[16] = property
	binary.LittleEndian.PutUint32(x[20:], crc32.ChecksumIEEE(x[12:20]))
	return x
}

// TestDictionaries: those larger than xz -9 makes are taken, up to a limit for all
// that are needed at once.
func TestDictionaries(t *testing.T) {
	inner := tarOf(t, text(1_000_000))
	want := untarred(t, withDictionary(t, inner, 20))
	for property, ok := range map[byte]bool{28: true, 30: true, 34: true, 35: false, 40: false} {
		r := unpackBytes(t, "f.xz", withDictionary(t, inner, property), unpack.Options{})
		if got := leaves(r); maps.Equal(got, want) != ok {
			t.Errorf("%d: got %v, want that it comes out: %v", property, got, ok)
		}
	}
	four := nested(t, 1, withDictionary(t, inner, 30))
	r := unpackBytes(t, "f.gz", four, unpack.Options{})
	if len(leaves(r)) != 1+6 {
		t.Errorf("one of 128 MiB in a gzip: %v", leaves(r))
	}
	for range 4 {
		four = withDictionary(t, tarFile(t, four), 30)
	}
	wantSkipped(t, unpackBytes(t, "f.xz", four, unpack.Options{}), "more memory")
}

// tarFile is a tar of one file.
func tarFile(t *testing.T, b []byte) []byte {
	out := tarFrom(t)
	head := tarFrom(t, tarHeader("f.xz", len(b)))[:512]
	return slices.Concat(head, b, make([]byte, -len(b)&511), out)
}

// TestDictionariesTogether: of uploads that are opened side by side no more have large
// dictionaries than fit into what all may have; and those that want more within what
// they have do not wait for each other for ever.
func TestDictionariesTogether(t *testing.T) {
	x := withDictionary(t, tarOf(t, text(1_000_000)), 28) // 64 MiB
	var mu sync.Mutex
	in, most, second, third := 0, 0, make(chan struct{}), make(chan struct{})
	enter := func() {
		mu.Lock()
		if in++; in > most {
			switch most = in; most {
			case 2:
				close(second)
			case 3:
				close(third)
			}
		}
		mu.Unlock()
		select { // on a busy machine it comes late
		case <-second:
		case <-time.After(time.Minute):
		}
		select { // the others have time to come, if they can
		case <-third:
		case <-time.After(300 * time.Millisecond):
		}
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			var began atomic.Bool
			entered := make(chan struct{})
			r, err := unpack.Unpack(t.Context(), "f.xz", bytes.NewReader(x), unpack.Options{TempDir: t.TempDir(), Parallel: 1,
				Content: func(n *unpack.Node) unpack.Content {
					if n.Name != "f.xz" && began.CompareAndSwap(false, true) {
						enter()
						close(entered)
					}
					if n.Name == "5" { // the last one: it has its dictionary until this is done
						<-entered
						mu.Lock()
						in--
						mu.Unlock()
					}
					return nil
				}})
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close()
			if len(leaves(r)) != 6 {
				t.Errorf("%v", leaves(r))
			}
		})
	}
	all.Wait()
	if most != 2 {
		t.Errorf("%d had 64 MiB at once", most)
	}

	for range 2 { // 192 MiB in each
		x = withDictionary(t, tarFile(t, x), 28)
	}
	for range 4 {
		all.Go(func() {
			r, err := unpack.Unpack(t.Context(), "f.xz", bytes.NewReader(x), unpack.Options{TempDir: t.TempDir()})
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close()
			if r.Skips != 0 {
				t.Errorf("%v", r.Skipped)
			}
		})
	}
	all.Wait()
}
