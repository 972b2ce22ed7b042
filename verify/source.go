package verify

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/snapshot"
	"repotool/store"
)

// SourceOptions say what to check of an installation.
type SourceOptions struct {
	Repository fossology.Repository
	References snapshot.References // what the database refers to; nil: not compared
	Since      time.Time           // when References were fixed: files that arrived later have no row there
	Rebuilder  fossology.Rebuilder // knows which gold makes what is not there; nil: nobody does
	MD5        bool                // check the whole Name, not SHA-1 and size alone
	Expect     int64               // about so many files, for Progress; 0: not known
	Progress   *snapshot.Progress
}

// Source reads every file of a repository and compares it with its Name, and
// the Names with the database, both ways. It changes nothing.
func Source(ctx context.Context, o SourceOptions) (*Report, error) {
	if o.Progress == nil {
		o.Progress = new(snapshot.Progress)
	}
	if _, err := o.Repository.Tops(); err != nil {
		return nil, err
	}
	o.Progress.Begin(PhaseFiles, o.Expect, 0)
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
	if o.References != nil {
		o.Progress.Begin(PhaseRows, o.Expect, 0)
		if err := c.missing(ctx); err != nil {
			return nil, fmt.Errorf("verify database: %w", err)
		}
	}
	return c.found.into(&Report{Scope: ScopeSource, Files: c.files.Load(), Bytes: c.bytes.Load(),
		Unnamed: c.unnamed.Load(), Pruned: c.pruned, Compared: o.References != nil}), nil
}

type sourceCheck struct {
	o       SourceOptions
	batches chan []fossology.Event
	found   findings
	files   atomic.Int64
	bytes   atomic.Int64
	unnamed atomic.Int64
	pruned  int64
}

// walk hands the files to the workers, and compares them with the rows as they
// come.
func (c *sourceCheck) walk(ctx context.Context) error {
	rows := &rowMerge{refs: c.o.References, depth: c.o.Repository.Depth}
	defer rows.end()
	out := batcher[fossology.Event]{to: c.batches}
	for e, err := range fossology.Walk(ctx, c.o.Repository.Path, fossology.WalkOptions{}) {
		if err != nil {
			return err
		}
		switch {
		case e.Kind == fossology.Unreadable:
			c.found.add(Finding{Kind: FileUnreadable, What: e.Path, Detail: e.Err.Error()})
		case e.Kind == fossology.FileFound && fs.FileMode(e.Stat.Mode)&0o170000 == 0o100000:
			lacks, err := rows.lacks(ctx, e.Path)
			if err != nil {
				return fmt.Errorf("compare with database: %w", err)
			}
			if lacks != "" && !c.arrived(e.Path) {
				c.found.add(Finding{Kind: NoRow, What: e.Path, Detail: lacks})
			}
			if err := out.add(ctx, e); err != nil {
				return err
			}
		}
	}
	return out.flush(ctx)
}

func (c *sourceCheck) work(ctx context.Context) error {
	buf := make([]byte, 1<<20)
	for batch := range c.batches {
		for _, e := range batch {
			if err := ctx.Err(); err != nil {
				return err
			}
			c.file(ctx, e.Path, buf)
			c.o.Progress.Files.Add(1)
		}
		c.files.Add(int64(len(batch)))
	}
	return nil
}

// file compares one file with its Name, if it has one.
func (c *sourceCheck) file(ctx context.Context, path string, buf []byte) {
	want, named := fossology.ParseName(path[strings.LastIndexByte(path, '/')+1:])
	if !named {
		c.unnamed.Add(1)
		return
	}
	fd, err := store.OpenUntouched(unix.AT_FDCWD, filepath.Join(c.o.Repository.Path, path))
	if errors.Is(err, fs.ErrNotExist) {
		return // gone since
	}
	if err != nil {
		c.found.add(Finding{Kind: FileUnreadable, What: path, Detail: err.Error()})
		return
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	sum1, sum5 := sha1.New(), md5.New()
	var to io.Writer = sum1
	if c.o.MD5 {
		to = io.MultiWriter(sum1, sum5)
	}
	got := want
	if got.Size, err = io.CopyBuffer(to, patient{ctx, f}, buf); ctx.Err() != nil {
		return
	} else if err != nil {
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

// patient is a reader that gives up with its context.
type patient struct {
	ctx context.Context
	r   io.Reader
}

func (p patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.r.Read(b)
}
