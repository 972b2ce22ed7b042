package unpack

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"

	"github.com/bodgit/sevenzip"
)

// open7z opens a 7z in process. What the library does not decode, or finds damaged,
// the tool opens from the beginning: what it leaves of such an archive is what counts.
func open7z(ctx context.Context, a *archive, r io.ReaderAt, size int64) error {
	err := library7z(a, r, size)
	var unable *unable7z
	if !errors.As(err, &unable) {
		return err
	}
	if _, missing := tool("7z"); missing != nil {
		return err
	}
	a.afresh()
	return open7zAnyway(ctx, a, r, size)
}

// An unable7z is what the library says of an archive.
type unable7z struct{ error }

func (e *unable7z) Unwrap() error { return e.error }

func library7z(a *archive, r io.ReaderAt, size int64) error {
	z, err := sevenzip.NewReaderWithPassword(r, size, strings.TrimPrefix(password, "-p"))
	if err != nil {
		return &unable7z{err}
	}
	for _, f := range z.File {
		if err := member7z(a, f); err != nil {
			return err
		}
	}
	return nil
}

// unixAttributes says that a mode of Unix is in the upper half of the attributes.
const unixAttributes = 0x8000

func member7z(a *archive, f *sevenzip.File) error {
	mode := f.Mode()
	switch {
	case mode.IsDir():
		return a.Dir(f.Name)
	case mode&fs.ModeSymlink != 0:
		return a.Symlink(f.Name)
	case !mode.IsRegular():
		return a.Other(f.Name)
	}
	r, err := f.Open()
	if err != nil {
		return &unable7z{err}
	}
	defer r.Close()
	a.blind = f.Attributes&unixAttributes != 0 && mode.Perm()&ownerReads == 0
	defer func() { a.blind = false }()
	last := &lastError{r: r}
	err = a.File(f.Name, int64(f.UncompressedSize), last)
	if err == nil && last.err != nil && last.err != io.EOF {
		return &unable7z{last.err}
	}
	return err
}

// afresh forgets what came out of an archive, which is then opened in another way.
func (a *archive) afresh() {
	a.wait.Wait()
	out := a.dir()
	out.Children, out.byName = nil, nil
	a.links, a.soft = nil, nil
}
