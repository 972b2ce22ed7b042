package unpack

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/bodgit/sevenzip"
)

func open7z(_ context.Context, a *archive, r io.ReaderAt, size int64) error {
	z, err := sevenzip.NewReader(r, size)
	if err != nil {
		return err
	}
	for _, f := range z.File {
		if err := member7z(a, f); err != nil {
			return err
		}
	}
	return nil
}

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
	var locked *sevenzip.ReadError
	if errors.As(err, &locked) && locked.Encrypted {
		a.Skip(f.Name, "it is encrypted")
		return nil
	}
	if err != nil {
		return err
	}
	defer r.Close()
	return a.File(f.Name, int64(f.UncompressedSize), r)
}
