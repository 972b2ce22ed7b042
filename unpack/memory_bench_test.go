package unpack_test

import (
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"repotool/unpack"
)

// BenchmarkMemory unpacks the file that the variable MEMORY names and walks through
// what came out. It reports the largest heap, and what each file costs.
func BenchmarkMemory(b *testing.B) {
	path := os.Getenv("MEMORY")
	if path == "" {
		b.Skip("MEMORY names no file")
	}
	for b.Loop() {
		heap := peak()
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		r, err := unpack.Unpack(b.Context(), "upload", f, unpack.Options{TempDir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		if err := r.Walk(func(*unpack.Row) error { n++; return nil }); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(heap())/(1<<20), "MiB-heap")
		b.ReportMetric(float64(n), "rows")
		r.Close()
		f.Close()
	}
}

// peak watches the heap until the function that it returns is called.
func peak() func() uint64 {
	var most atomic.Uint64
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapAlloc))
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-stopped
		return most.Load()
	}
}
