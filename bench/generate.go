package bench

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Options say what to generate. Equal options make equal repositories.
type Options struct {
	Files   int    // number of files, gold and its copies not counted; 0: 100,000
	Seed    uint64 // another seed, another repository
	Workers int    // files made at a time; 0: one for each processor
	Host    string // directory below the repository; "": localhost
	Median  int    // size of a file, bytes, of the lognormal distribution; 0: 3 KiB, which real servers have

	// Uploads: gold is no noise, but zips that really make the files, each of its own
	// upload, so that a database can say so (see Rows).
	Uploads bool
	Rows    *Rows // with Uploads: gets a row for all that is made; may be nil
	// Doubles is the share of Files, below a half, that are there a second time: half of
	// these as gold of the same Name, half at another host.
	Doubles float64
}

// Facts count what was written or removed.
type Facts struct {
	Files   int64 `json:"files"`   // in files/, copies of gold included
	Gold    int64 `json:"gold"`    // in gold/
	Dirs    int64 `json:"dirs"`    // directories that were made
	Bytes   int64 `json:"bytes"`   // content of files and gold
	Removed int64 `json:"removed"` // files that were removed
}

// withDefaults fills in what is zero.
func (o Options) withDefaults() Options {
	if o.Files <= 0 {
		o.Files = 100_000
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Host == "" {
		o.Host = "localhost"
	}
	if o.Median <= 0 {
		o.Median = medianSize
	}
	return o
}

// Generate writes a repository into dir, which must not hold one yet.
func Generate(ctx context.Context, dir string, opt Options) (Facts, error) {
	opt = opt.withDefaults()
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return Facts{}, fmt.Errorf("generate repository: %s is not empty", dir)
	}
	g := &generator{Options: opt, dir: dir}
	var err error
	if opt.Uploads {
		err = g.addUploads(ctx, span{0, g.uploads()})
	} else {
		err = g.each(ctx, 0, opt.Files-g.doubles(), g.add)
	}
	return g.facts(), err
}

// generator is one run over a range of file numbers.
type generator struct {
	Options
	dir   string
	prune bool                                                // remove directories that become empty
	rows  func(upload int, gold member, files []member) error // may be nil

	files, gold, dirs, bytes, gone atomic.Int64
}

// worker is what one goroutine needs for itself.
type worker struct {
	buf, name []byte
	zip       bytes.Buffer
}

// secondHost has the doubles that are not gold.
const secondHost = "second"

// doubles is how many files are there twice.
func (g *generator) doubles() int { return int(float64(g.Files) * g.Doubles) }

// action does something with the file of a number.
type action func(w *worker, number int) error

func (g *generator) facts() Facts {
	return Facts{Files: g.files.Load(), Gold: g.gold.Load(), Dirs: g.dirs.Load(), Bytes: g.bytes.Load(), Removed: g.gone.Load()}
}

// each calls act for every number from first up to last, in parallel.
func (g *generator) each(ctx context.Context, first, last int, act action) error {
	var next atomic.Int64
	next.Store(int64(first))
	group, ctx := errgroup.WithContext(ctx)
	for range g.Workers {
		group.Go(func() error {
			w := &worker{}
			for {
				number := int(next.Add(1) - 1)
				if number >= last {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := act(w, number); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

// add writes a file, and every goldEvery-th time a gold with its copy.
func (g *generator) add(w *worker, number int) error {
	w.buf = g.fileContent(w.buf, uint64(number))
	if err := g.write(w, g.Host, "files", number); err != nil {
		return err
	}
	g.files.Add(1)
	if number < g.doubles() {
		if err := g.double(w, number); err != nil {
			return err
		}
	}
	if number%goldEvery != goldEvery-1 {
		return nil
	}
	w.buf = goldContent(w.buf, g.Seed, uint64(number))
	if err := errors.Join(g.write(w, g.Host, "gold", number), g.write(w, g.Host, "files", number)); err != nil {
		return err
	}
	g.files.Add(1)
	g.gold.Add(1)
	return nil
}

// double writes w.buf a second time, with another time.
func (g *generator) double(w *worker, number int) error {
	g.files.Add(1)
	if number%2 == 0 {
		return g.write(w, g.Host, "gold", g.Files+number)
	}
	return g.write(w, secondHost, "files", g.Files+number)
}

// remove removes what add wrote.
func (g *generator) remove(w *worker, number int) error {
	w.buf = g.fileContent(w.buf, uint64(number))
	if err := g.unlink(w, "files"); err != nil {
		return err
	}
	if number%goldEvery != goldEvery-1 {
		return nil
	}
	w.buf = goldContent(w.buf, g.Seed, uint64(number))
	return errors.Join(g.unlink(w, "gold"), g.unlink(w, "files"))
}

// path returns where the content in w.buf belongs.
func (g *generator) path(w *worker, host, typ string) string {
	s, m := sha1.Sum(w.buf), md5.Sum(w.buf)
	w.name = hex.AppendEncode(w.name[:0], s[:])
	w.name = append(w.name, '.')
	w.name = hex.AppendEncode(w.name, m[:])
	w.name = append(w.name, '.')
	w.name = strconv.AppendInt(w.name, int64(len(w.buf)), 10)
	n := string(w.name)
	return g.dir + "/" + host + "/" + typ + "/" + n[0:2] + "/" + n[2:4] + "/" + n[4:6] + "/" + n
}

// epoch is the time of file number 0.
var epoch = time.Date(2019, 3, 1, 0, 0, 0, 0, time.UTC)

// timeOf is that of the file of a number, each a second and a bit after the one before.
func timeOf(number int) time.Time {
	return epoch.Add(time.Duration(number) * 1_000_007 * time.Microsecond)
}

// write writes w.buf under its name.
func (g *generator) write(w *worker, host, typ string, number int) error {
	path := g.path(w, host, typ)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o660)
	if errors.Is(err, fs.ErrNotExist) {
		if err := g.mkdir(filepath.Dir(path)); err != nil {
			return err
		}
		f, err = os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o660)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(w.buf)
	mtime := unix.NsecToTimeval(timeOf(number).UnixNano())
	err = errors.Join(err, unix.Fchmod(int(f.Fd()), 0o2660), unix.Futimes(int(f.Fd()), []unix.Timeval{mtime, mtime}), f.Close())
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	g.bytes.Add(int64(len(w.buf)))
	return nil
}

// mkdir makes a directory and those above it, each with FOSSology's mode.
func (g *generator) mkdir(path string) error {
	err := unix.Mkdir(path, 0o770)
	if errors.Is(err, fs.ErrNotExist) {
		if err := g.mkdir(filepath.Dir(path)); err != nil {
			return err
		}
		err = unix.Mkdir(path, 0o770)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil // another worker was faster
	}
	if err == nil {
		g.dirs.Add(1)
		err = unix.Chmod(path, 0o2770)
	}
	if err != nil {
		return fmt.Errorf("make directory %s: %w", path, err)
	}
	return nil
}

// unlink removes the file that holds w.buf, as FOSSology does: empty directories stay.
func (g *generator) unlink(w *worker, typ string) error {
	path := g.path(w, g.Host, typ)
	if err := os.Remove(path); err != nil {
		return err
	}
	g.gone.Add(1)
	for range 3 {
		path = filepath.Dir(path)
		if !g.prune || unix.Rmdir(path) != nil {
			break // not empty
		}
		g.dirs.Add(-1)
	}
	return nil
}
