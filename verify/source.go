package verify

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"repotool/fossology"
	"repotool/snapshot"
)

// SourceOptions say what to check of an installation.
type SourceOptions struct {
	Repository fossology.Repository
	References snapshot.References // what the database refers to; nil: not compared
	MD5        bool                // check the whole Name, not SHA-1 and size alone
	Progress   *snapshot.Progress
}

// Source reads every file of a repository and compares it with its Name, and
// the Names with the database, both ways. It changes nothing.
func Source(ctx context.Context, o SourceOptions) (*Report, error) {
	if o.Progress == nil {
		o.Progress = new(snapshot.Progress)
	}
	o.Progress.Begin(snapshot.PhaseVerify, 0, 0)
	c := &sourceCheck{o: o, batches: make(chan []fossology.Event, 8)}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(c.batches)
		return c.walk(gctx)
	})
	for range max(2, runtime.GOMAXPROCS(0)) {
		g.Go(func() error { return c.work(gctx) })
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("verify repository %s: %w", o.Repository.Path, err)
	}
	if err := c.references(ctx); err != nil {
		return nil, fmt.Errorf("verify database: %w", err)
	}
	return c.found.into(&Report{Files: c.files.Load(), Bytes: c.bytes.Load()}), nil
}

type sourceCheck struct {
	o       SourceOptions
	batches chan []fossology.Event
	found   findings
	files   atomic.Int64
	bytes   atomic.Int64
}

func (c *sourceCheck) walk(ctx context.Context) error {
	var batch []fossology.Event
	send := func() error {
		select {
		case c.batches <- batch:
			batch = nil
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for e, err := range fossology.Walk(ctx, c.o.Repository.Path, fossology.WalkOptions{}) {
		if err != nil {
			return err
		}
		switch {
		case e.Kind == fossology.Unreadable:
			c.found.add(Finding{Kind: FileUnreadable, What: e.Path, Detail: e.Err.Error()})
		case e.Kind == fossology.FileFound && fs.FileMode(e.Stat.Mode)&0o170000 == 0o100000:
			if batch = append(batch, e); len(batch) == objectBatch {
				if err := send(); err != nil {
					return err
				}
			}
		}
	}
	return send()
}

func (c *sourceCheck) work(ctx context.Context) error {
	buf := make([]byte, 1<<20)
	for batch := range c.batches {
		for _, e := range batch {
			if err := ctx.Err(); err != nil {
				return err
			}
			c.file(e.Path, buf)
			c.o.Progress.Files.Add(1)
		}
		c.files.Add(int64(len(batch)))
	}
	return nil
}

// file compares one file with its Name, if it has one.
func (c *sourceCheck) file(path string, buf []byte) {
	want, named := fossology.ParseName(path[strings.LastIndexByte(path, '/')+1:])
	if !named {
		return
	}
	f, err := os.Open(filepath.Join(c.o.Repository.Path, path))
	if errors.Is(err, fs.ErrNotExist) {
		return // gone since
	}
	if err != nil {
		c.found.add(Finding{Kind: FileUnreadable, What: path, Detail: err.Error()})
		return
	}
	defer f.Close()
	sum1, sum5 := sha1.New(), md5.New()
	var to io.Writer = sum1
	if c.o.MD5 {
		to = io.MultiWriter(sum1, sum5)
	}
	got := want
	if got.Size, err = io.CopyBuffer(to, struct{ io.Reader }{f}, buf); err != nil {
		c.found.add(Finding{Kind: FileUnreadable, What: path, Detail: err.Error()})
		return
	}
	c.bytes.Add(got.Size)
	c.o.Progress.Bytes.Add(got.Size)
	sum1.Sum(got.SHA1[:0])
	if c.o.MD5 {
		sum5.Sum(got.MD5[:0])
	}
	if got != want {
		c.found.add(Finding{Kind: FileDamaged, What: path, Detail: fmt.Sprintf("its %d bytes have sha1 %x", got.Size, got.SHA1)})
	}
}

// references compares the database with the files that are there. The rows
// are asked for once, and once more for each host: a host holds a part of
// what the rows name, so what it has beyond them has no row.
func (c *sourceCheck) references(ctx context.Context) error {
	if c.o.References == nil {
		return nil
	}
	for _, side := range []struct {
		typ     string
		names   iter.Seq2[fossology.Name, error]
		missing Kind
	}{
		{"files", c.o.References.PfileNames(ctx), FileMissing},
		{"gold", c.o.References.GoldNames(ctx), GoldMissing},
	} {
		for name, err := range side.names {
			if err != nil {
				return err
			}
			path, err := c.o.Repository.Find(side.typ, name.String())
			if err == nil {
				_, err = os.Lstat(path)
			}
			if errors.Is(err, fs.ErrNotExist) {
				c.found.add(Finding{Kind: side.missing, What: side.typ + "/" + name.String(), Detail: "a row refers to it"})
			}
		}
	}
	hosts, err := filepath.Glob(filepath.Join(c.o.Repository.Path, "*", "files"))
	if err != nil {
		return err
	}
	for _, dir := range append(hosts, filepath.Join(c.o.Repository.Path, "files")) {
		err := snapshot.CompareNames(c.o.References.PfileNames(ctx), namesBelow(ctx, dir), func(fossology.Name) {},
			func(n fossology.Name) { c.found.add(Finding{Kind: NoRow, What: "files/" + n.String()}) })
		if err != nil {
			return err
		}
	}
	return nil
}

// namesBelow yields the Names of the files in a directory of the repository.
func namesBelow(ctx context.Context, dir string) iter.Seq2[fossology.Name, error] {
	return func(yield func(fossology.Name, error) bool) {
		if _, err := os.Stat(dir); err != nil {
			return
		}
		for e, err := range fossology.Walk(ctx, dir, fossology.WalkOptions{}) {
			if err != nil {
				yield(fossology.Name{}, err)
				return
			}
			name, ok := fossology.ParseName(e.Path[strings.LastIndexByte(e.Path, '/')+1:])
			if ok && e.Kind == fossology.FileFound && !yield(name, nil) {
				return
			}
		}
	}
}
