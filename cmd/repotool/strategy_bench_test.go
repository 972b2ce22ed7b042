package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/repotest"
	"repotool/snapshot"
	"repotool/store"
)

// Sizes of what BenchmarkNight goes through.
const (
	nightGolds = 30
	nightFiles = 1000 // of each gold
)

// A yard is a generated repository of golds and what they unpack to, with the database
// that an index asks.
type yard struct {
	repo    fossology.Repository
	r       *rand.Rand
	uploads []fossology.Upload
	uses    []fossology.Use
}

func (y *yard) place(b *testing.B, typ string, content []byte) fossology.Name {
	b.Helper()
	n := fossology.Name{SHA1: sha1.Sum(content), MD5: md5.Sum(content), Size: int64(len(content))}
	path, err := y.repo.Find(typ, n.String())
	if err != nil {
		b.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o770); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o660); err != nil {
		b.Fatal(err)
	}
	return n
}

// upload adds a tar and what it unpacks to.
func (y *yard) upload(b *testing.B) {
	b.Helper()
	pk := int64(len(y.uploads) + 1)
	var t bytes.Buffer
	w := tar.NewWriter(&t)
	for i := range nightFiles {
		content := fmt.Appendf(nil, "upload %d, file %d, ", pk, i)
		for len(content) < 500+y.r.IntN(2000) {
			content = fmt.Append(content, y.r.Uint64(), " ")
		}
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("src/%03d/file.c", i), Mode: 0o644, Size: int64(len(content))}); err != nil {
			b.Fatal(err)
		}
		w.Write(content)
		y.uses = append(y.uses, fossology.Use{Name: y.place(b, "files", content), Upload: pk})
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	gold := y.place(b, "gold", t.Bytes())
	y.place(b, "files", t.Bytes())
	y.uses = append(y.uses, fossology.Use{Name: gold, Upload: pk})
	y.uploads = append(y.uploads, fossology.Upload{PK: pk, Filename: fmt.Sprintf("package-%d.tar", pk), Pfile: pk, Name: gold})
}

func each[T any](of []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, x := range of {
			if !yield(x, nil) {
				return
			}
		}
	}
}

// The methods of [goldindex.Database].
func (y *yard) Uploads(context.Context) iter.Seq2[fossology.Upload, error] { return each(y.uploads) }
func (y *yard) CutShort(context.Context) iter.Seq2[int64, error]           { return each[int64](nil) }
func (y *yard) Uses(context.Context) iter.Seq2[fossology.Use, error] {
	slices.SortFunc(y.uses, func(a, b fossology.Use) int { return a.Name.Compare(b.Name) })
	return each(y.uses)
}

// night takes one snapshot and says what it cost.
func (y *yard) night(b *testing.B, st *store.Store, strategy, what string, layout snapshot.Layout) {
	b.Helper()
	begin, used := time.Now(), processor(b)
	o := snapshot.TakeOptions{Store: st, Installation: "yard", Repository: y.repo.Path, Depth: y.repo.Depth, Layout: layout}
	indexed := time.Duration(0)
	if strategy == "gold" {
		unpacker, err := goldindex.Present(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		ledger, err := goldindex.Open(st.Path("ledger", "yard"), unpacker)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := ledger.Update(b.Context(), goldindex.UpdateOptions{Repository: y.repo, Database: y, TempDir: b.TempDir()}); err != nil {
			b.Fatal(err)
		}
		ledger.Close()
		if ledger, err = goldindex.Open(st.Path("ledger", "yard"), unpacker); err != nil {
			b.Fatal(err)
		}
		defer ledger.Close()
		indexed = time.Since(begin)
		begin, used = time.Now(), processor(b)
		o.Prover, o.Unpacker = newProven(ledger), "unpack"
	}
	sum, err := snapshot.Take(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%-4s %-12s %8.2f s, %6.2f s of a processor; index %6.2f s; %d files, %d left out, read %d, added %.1f MB", strategy, what, time.Since(begin).Seconds(),
		(processor(b) - used).Seconds(), indexed.Seconds(), sum.Files, sum.LeftOut.Files, sum.Read.Files, float64(sum.Added.Bytes)/1e6)
}

func processor(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkNight compares what nights cost by the strategies full and gold: the first,
// two without change, one with 1 % more, one without change again.
func BenchmarkNight(b *testing.B) {
	for b.Loop() {
		for _, layout := range []snapshot.Layout{snapshot.LayoutNone, snapshot.LayoutFlat} {
			b.Logf("day layout %s", layout)
			y := &yard{r: rand.New(rand.NewPCG(3, 4)), repo: fossology.Repository{Path: b.TempDir(), Depth: 3,
				Routes: []fossology.Route{{Host: "localhost", Type: "*", Start: "00", End: "ff"}}}}
			for range nightGolds {
				y.upload(b)
			}
			stores := map[string]*store.Store{"full": repotest.Store(b), "gold": repotest.Store(b)}
			time.Sleep(time.Second) // until the walk trusts the directories
			for i, what := range []string{"first", "quiet", "quiet", "+1 %", "quiet"} {
				if what == "+1 %" {
					y.upload(b)
					time.Sleep(time.Second)
				}
				if i > 0 {
					time.Sleep(1100 * time.Millisecond) // their names are seconds
				}
				for _, strategy := range []string{"full", "gold"} {
					y.night(b, stores[strategy], strategy, what, layout)
				}
			}
		}
	}
}
