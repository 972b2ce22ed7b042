package goldindex

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"

	"repotool/fossology"
	"repotool/unpack"
)

// ExtractOptions say how a content is taken out of gold.
type ExtractOptions struct {
	Repository fossology.Repository
	TempDir    string // the content lies here until it is checked; see [unpack.Options]
	Prefix     string
	Limits     unpack.Limits
}

// errExtracted ends an unpack that has found what was wanted.
var errExtracted = errors.New("it has been found")

// Extract writes a content to w, straight from the first gold that makes it.
// Nothing is written before all of it is there and its hashes are right.
func (l *Ledger) Extract(ctx context.Context, n fossology.Name, w io.Writer, o ExtractOptions) error {
	places, err := l.Which(n)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range places {
		f, err := l.extract(ctx, n, p, o)
		if err != nil {
			errs = append(errs, fmt.Errorf("take %s from gold %s: %w", n, p.Gold, err))
			if ctx.Err() != nil {
				break
			}
			continue
		}
		defer f.Close()
		if _, err := io.Copy(w, f); err != nil {
			return fmt.Errorf("write %s: %w", n, err)
		}
		return nil
	}
	return errors.Join(errs...)
}

// extract returns a file, at its beginning, that holds the content and has no name.
func (l *Ledger) extract(ctx context.Context, n fossology.Name, p Place, o ExtractOptions) (*os.File, error) {
	path, err := o.Repository.Find("gold", p.Gold.String())
	if err != nil {
		return nil, err
	}
	gold, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: the repository does not hold it", ErrGold)
	}
	if err != nil {
		return nil, err
	}
	defer gold.Close()
	h, err := l.header(p.Gold)
	if err != nil {
		return nil, err
	}
	// The bytes of a hard link come by at one of its names only, which may be another.
	for _, paths := range [][]string{p.Paths, nil} {
		x := &extraction{want: n, half: p.half, paths: paths, dir: o.TempDir}
		if f, err := x.from(ctx, gold, h.Upload, &o); f != nil || err != nil {
			return f, err
		}
	}
	return nil, fmt.Errorf("%w any more: it is damaged, or the unpacker has changed", ErrGold)
}

// from unpacks a gold until the content has come; nil: it has not.
func (x *extraction) from(ctx context.Context, gold *os.File, upload string, o *ExtractOptions) (*os.File, error) {
	unpacking, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	x.found = func() { stop(errExtracted) }
	defer x.clear()
	r, err := unpack.Unpack(unpacking, upload, gold, unpack.Options{Limits: o.Limits, TempDir: o.TempDir, Prefix: o.Prefix,
		Hashes: recorded, TakenOnly: true, Content: x.content})
	if err == nil {
		err = r.Close()
	}
	if f := x.take(); f != nil {
		_, err := f.Seek(0, io.SeekStart)
		return f, err
	}
	return nil, err
}

func (l *Ledger) header(gold fossology.Name) (*Header, error) {
	e, ok := l.entry(gold)
	if !ok {
		return nil, ErrNotMade
	}
	return l.read(e, nil)
}

// An extraction keeps the contents that come by at certain paths, until one is the
// one that is wanted.
type extraction struct {
	want  fossology.Name
	half  [16]byte
	paths []string // none: any
	dir   string
	found func()

	mu   sync.Mutex
	done *os.File
	open []*os.File
}

// content is Options.Content of package unpack.
func (x *extraction) content(n *unpack.Node) unpack.Content {
	if len(x.paths) > 0 && !slices.Contains(x.paths, n.Path()) {
		return nil
	}
	f, err := os.CreateTemp(x.dir, "repotool-cat-*")
	if err == nil {
		err = os.Remove(f.Name()) // nothing stays, however this ends
		x.mu.Lock()
		x.open = append(x.open, f)
		x.mu.Unlock()
	}
	return &candidate{x: x, f: f, err: err}
}

// take hands out the content that was found.
func (x *extraction) take() *os.File {
	x.mu.Lock()
	defer x.mu.Unlock()
	f := x.done
	x.done = nil
	x.open = slices.DeleteFunc(x.open, func(o *os.File) bool { return o == f })
	return f
}

// drop lets go of a content that is another.
func (x *extraction) drop(f *os.File) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f.Close()
	x.open = slices.DeleteFunc(x.open, func(o *os.File) bool { return o == f })
}

func (x *extraction) clear() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, f := range x.open {
		f.Close()
	}
}

// A candidate is a content that may be the one.
type candidate struct {
	x   *extraction
	f   *os.File
	n   int64
	err error // of this machine
}

func (c *candidate) Write(b []byte) (int, error) {
	if c.n += int64(len(b)); c.err == nil && c.n <= c.x.want.Size {
		_, c.err = c.f.Write(b)
	}
	return len(b), nil
}

// Close implements [unpack.Content]; an error ends the unpack.
func (c *candidate) Close(d *unpack.Digests) error {
	if c.err != nil {
		return c.err
	}
	if (fossology.Name{SHA1: d.SHA1, MD5: d.MD5, Size: d.Size}) != c.x.want || c.x.half != [16]byte(d.BLAKE3[:16]) {
		c.x.drop(c.f)
		return nil
	}
	c.x.mu.Lock()
	defer c.x.mu.Unlock()
	if c.x.done == nil {
		c.x.done = c.f
		c.x.found()
	}
	return nil
}
