package unpack

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
)

// isTar: the checksum of the first header is right, as libmagic wants it; this
// covers the dialects that have no magic.
func isTar(_ string, head []byte) bool {
	if len(head) < 512 || head[0] == 0 {
		return false
	}
	field := head[148:156]
	want, digits := 0, 0
	for _, c := range field {
		if c >= '0' && c <= '7' {
			want, digits = want*8+int(c-'0'), digits+1
		} else if digits > 0 {
			break
		}
	}
	sum := 8 * int(' ')
	for i, c := range head[:512] {
		if i < 148 || i >= 156 {
			sum += int(c)
		}
	}
	return digits > 0 && sum == want
}

// openTar opens a tar. One that cannot be read to its end is dropped with all
// that is in it: FOSSology asks tar -t first.
func openTar(ctx context.Context, a *archive, r io.Reader) error {
	err := tarMembers(a, r)
	if err != nil && !errors.Is(err, errStop) {
		return fmt.Errorf("%w: %w", errDropped, err)
	}
	return err
}

// tarOf tells of the members of a tar that comes from a decoder. tar does not
// learn of the decoder's error: for it the tar is at its end, and what came out
// before that stays.
func (a *archive) tarOf(decoder io.Reader) error {
	c := &quiet{u: a.u, r: decoder}
	return errors.Join(tarMembers(a, c), c.err)
}

// tarBlock is what tar reads; less of it, at the end of a damaged tar, it drops.
const tarBlock = 512

// tarMembers tells of the members of a tar.
func tarMembers(a *archive, r io.Reader) error {
	t := tar.NewReader(&pieces{r: r, unit: tarBlock, buf: make([]byte, 20*tarBlock)})
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return err
		}
		switch h.Typeflag {
		case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
			err = a.File(h.Name, h.Size, t)
		case tar.TypeDir:
			err = a.Dir(h.Name)
		case tar.TypeLink:
			err = a.Link(h.Name, h.Linkname)
		case tar.TypeSymlink:
			err = a.Symlink(h.Name)
		case tar.TypeFifo:
			err = a.Other(h.Name)
		default:
			a.Skip(h.Name, fmt.Sprintf("a member of type %q", h.Typeflag))
			err = nil
		}
		if err != nil {
			return err
		}
	}
}
