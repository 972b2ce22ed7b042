package goldindex

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"iter"
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
	benchGolds = 10_000
	benchFiles = 10_000_000
)

// BenchmarkLedger makes a ledger of ten million derived files by the ways that Update
// goes, records and all. It says what a file costs on the disk, what one lookup takes,
// and what status and an update that finds one new gold cost in time and memory, when
// nothing of it is in files.
func BenchmarkLedger(b *testing.B) {
	l := testLedger(b)
	begin := time.Now()
	golds, names := benchLedger(b, l)
	took := time.Since(begin)
	var st Status
	l.sumGolds(&st)
	var records int64
	for _, e := range l.entries() {
		records += e.size
	}
	b.Run("open", func(b *testing.B) {
		defer benchPeak(b)()
		for b.Loop() {
			again, err := Open(l.dir, l.unpacker)
			if err != nil {
				b.Fatal(err)
			}
			again.Close()
		}
		b.ReportMetric(float64(records)/benchFiles, "records-B/file")
		b.ReportMetric(float64(st.Ledger.Bytes-records)/benchFiles, "segments-B/file")
		b.ReportMetric(float64(st.Ledger.Segments), "segments")
		b.ReportMetric(took.Seconds(), "s-to-make")
	})
	b.Run("lookup", func(b *testing.B) {
		r := rand.New(rand.NewPCG(7, 8))
		defer benchPeak(b)()
		used := processorTime(b)
		n := 0
		for b.Loop() {
			n++
			if _, ok, err := l.Confirmed(names[r.IntN(len(names))]); !ok || err != nil {
				b.Fatalf("%v, %v", ok, err)
			}
		}
		b.ReportMetric(float64((processorTime(b)-used).Nanoseconds())/float64(n), "cpu-ns/op")
	})
	db := &benchDatabase{l: l, golds: golds}
	repo := benchRepository(b, golds)
	b.Run("status", func(b *testing.B) {
		defer benchPeak(b)()
		for b.Loop() {
			st, err := l.Status(b.Context(), repo, db)
			if err != nil || st.Absent.Made.Files != benchFiles {
				b.Fatalf("%v, %+v", err, st)
			}
		}
	})
	b.Run("update", func(b *testing.B) {
		defer benchPeak(b)()
		n := byte(0)
		for b.Loop() {
			b.StopTimer()
			n++
			benchGold(b, repo, []byte{n, 1, 2, 3})
			b.StartTimer()
			r, err := l.Update(b.Context(), UpdateOptions{Repository: repo, Database: db, TempDir: b.TempDir()})
			if err != nil || r.New != 1 || r.Missing > 0 {
				b.Fatalf("%v, %+v", err, r)
			}
		}
	})
}

// benchPeak reports the most memory that a benchmark had in use.
func benchPeak(b *testing.B) (report func()) {
	runtime.GC()
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		var most uint64
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
			select {
			case <-tick.C:
			case <-done:
				peak <- most
				return
			}
		}
	}()
	return func() {
		close(done)
		b.ReportMetric(float64(<-peak)/(1<<20), "peak-MB")
	}
}

// benchGold puts a content into a repository's gold.
func benchGold(b *testing.B, repo fossology.Repository, content []byte) {
	b.Helper()
	n := fossology.Name{SHA1: sha1.Sum(content), MD5: md5.Sum(content), Size: int64(len(content))}
	benchFile(b, repo, n, content)
}

func benchFile(b *testing.B, repo fossology.Repository, n fossology.Name, content []byte) {
	path := filepath.Join(repo.Path, "localhost", "gold", fossology.FanOut(n.String(), repo.Depth), n.String())
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, content, 0o644)
	}
	if err == nil {
		err = os.Truncate(path, n.Size)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// benchRepository holds golds, of which only the size is right, and no files.
func benchRepository(b *testing.B, golds []fossology.Name) fossology.Repository {
	repo := fossology.Repository{Path: b.TempDir(), Depth: 3, Routes: []fossology.Route{{Host: "localhost", Type: "*", Start: "00", End: "ff"}}}
	for _, n := range golds {
		benchFile(b, repo, n, nil)
	}
	return repo
}

// benchDatabase refers to all that the ledger knows.
type benchDatabase struct {
	l     *Ledger
	golds []fossology.Name
}

// Uploads implements [Database].
func (d *benchDatabase) Uploads(context.Context) iter.Seq2[fossology.Upload, error] {
	return func(yield func(fossology.Upload, error) bool) {
		for i, g := range d.golds {
			if !yield(fossology.Upload{PK: int64(i + 1), Pfile: 1, Name: g, Filename: "upload"}, nil) {
				return
			}
		}
	}
}

// Uses implements [Database].
func (d *benchDatabase) Uses(ctx context.Context) iter.Seq2[fossology.Use, error] {
	return func(yield func(fossology.Use, error) bool) {
		for n, err := range d.PfileNames(ctx) {
			if !yield(fossology.Use{Name: n, Upload: 1}, err) {
				return
			}
		}
	}
}

// CutShort implements [Database].
func (d *benchDatabase) CutShort(context.Context) iter.Seq2[int64, error] {
	return func(func(int64, error) bool) {}
}

// PfileNames implements [Contents].
func (d *benchDatabase) PfileNames(context.Context) iter.Seq2[fossology.Name, error] {
	return func(yield func(fossology.Name, error) bool) {
		c, err := newCursor(d.l.set.read)
		for err == nil {
			row, h := c.peek()
			if row == nil || !yield(keyName(row), nil) {
				return
			}
			err = c.pass(h)
		}
		yield(fossology.Name{}, err)
	}
}

// benchLedger fills a ledger, and returns the golds and some of the Names.
func benchLedger(b *testing.B, l *Ledger) (golds, names []fossology.Name) {
	b.Helper()
	r := rand.New(rand.NewPCG(9, 10))
	read := &rows{width: readWidth}
	for g := range benchGolds {
		gold := benchName(r)
		golds = append(golds, gold)
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
	return golds, names
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
