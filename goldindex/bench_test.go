package goldindex

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/unpack"
)

// Sizes of the ledger that the package comment speaks of.
const (
	benchGolds = 1000
	benchFiles = 10_000_000
)

// BenchmarkLookup makes a ledger of ten million derived files by the ways that Update
// goes, records and all, and looks up random ones. It says what a file costs on the
// disk, and how long one lookup takes.
func BenchmarkLookup(b *testing.B) {
	l := testLedger(b)
	begin := time.Now()
	names := benchLedger(b, l)
	b.Logf("%d files in %d golds recorded and indexed in %v", benchFiles, benchGolds, time.Since(begin).Round(time.Second))
	var records int64
	for _, e := range l.entries() {
		records += e.size
	}
	segments := int64(0)
	files, err := os.ReadDir(l.set.dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			b.Fatal(err)
		}
		segments += info.Size()
	}
	var mem runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&mem)
	b.Logf("records %.1f, segments %.1f bytes for each file; %d segments; heap %d MB", float64(records)/benchFiles,
		float64(segments)/benchFiles, len(files), mem.HeapAlloc>>20)
	r := rand.New(rand.NewPCG(7, 8))
	b.ResetTimer()
	used := processorTime(b)
	defer func() {
		b.ReportMetric(float64((processorTime(b)-used).Nanoseconds())/float64(b.N), "cpu-ns/op")
	}()
	for b.Loop() {
		n := names[r.IntN(len(names))]
		if _, ok, err := l.Confirmed(n); !ok || err != nil {
			b.Fatalf("%v: %v, %v", n, ok, err)
		}
	}
}

// benchLedger fills a ledger, and returns some of the Names.
func benchLedger(b *testing.B, l *Ledger) (names []fossology.Name) {
	b.Helper()
	r := rand.New(rand.NewPCG(9, 10))
	read := &rows{width: readWidth}
	for g := range benchGolds {
		gold := benchName(r)
		h := &Header{Upload: fmt.Sprintf("package-%d.tar.gz", g), Unpacker: l.unpacker, Time: time.Unix(1, 0)}
		err := l.record(gold, Unpacked, h, func(add func(*Row) error) error {
			for i := range benchFiles / benchGolds {
				x := Row{Depth: min(i, 2), Class: unpack.Leaf, Held: true, Of: benchName(r),
					Name: fmt.Sprintf("%s_%d.%s", []string{"main", "parse", "test-data", "README"}[r.IntN(4)], r.IntN(10000), []string{"c", "h", "txt"}[r.IntN(3)])}
				fill(r, x.BLAKE3[:])
				read.b = append(appendKey(read.b, x.Of), x.BLAKE3[:]...)
				if i%100 == 0 {
					names = append(names, x.Of)
				}
				if err := add(&x); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		if read.Len() >= keepRows {
			if err := l.publish(readFamily, read, nil); err != nil {
				b.Fatal(err)
			}
			read.b = read.b[:0]
		}
	}
	if err := l.publish(readFamily, read, nil); err != nil {
		b.Fatal(err)
	}
	if err := l.merge(b.Context(), readFamily); err != nil {
		b.Fatal(err)
	}
	if _, err := l.index(b.Context()); err != nil {
		b.Fatal(err)
	}
	if dir, err := filepath.Glob(filepath.Join(l.dir, "tmp", "*")); err != nil || len(dir) > 0 {
		b.Fatalf("left in tmp: %v, %v", dir, err)
	}
	return names
}

func benchName(r *rand.Rand) (n fossology.Name) {
	var b [40]byte
	fill(r, b[:])
	copy(n.SHA1[:], b[:])
	copy(n.MD5[:], b[20:])
	n.Size = r.Int64N(1 << 20)
	return n
}

// fill draws bytes, in eights.
func fill(r *rand.Rand, b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, r.Uint64())
	}
}

// processorTime is what this process has used.
func processorTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
