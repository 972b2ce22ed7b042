package unpack

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
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
		a.asExtra()
		a.dir().Extra = true
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
	a.loose = true
	t := tar.NewReader(&pieces{r: r, unit: tarBlock, buf: make([]byte, 20*tarBlock)})
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return err
		}
		if err := a.tarMember(h, t); err != nil {
			return err
		}
	}
}

// Types of GNU tar that the library does not name.
const (
	tarDumpDir = 'D' // a directory, its content a list of what is in it
	tarMulti   = 'M' // the rest of a file that began in another tar
	tarNames   = 'N' // long names, as they were once kept
	tarVolume  = 'V' // the name of the tar
)

// tarMember tells of one member. A type that tar does not know is a file to it; so
// was a directory to old programs, but for the slash behind its name.
func (a *archive) tarMember(h *tar.Header, content io.Reader) error {
	path := a.through(h.Name)
	switch h.Typeflag {
	case tar.TypeDir, tarDumpDir:
		return a.Dir(path)
	case tar.TypeLink:
		return a.Link(path, tarTarget(h.Linkname))
	case tar.TypeSymlink:
		return a.SymlinkTo(path, h.Linkname)
	case tar.TypeFifo:
		return a.Other(path)
	case tar.TypeXGlobalHeader:
		return nil
	case tar.TypeChar, tar.TypeBlock, tarMulti, tarNames, tarVolume:
		a.Skip(path, fmt.Sprintf("a member of type %q", h.Typeflag))
		return nil
	}
	if strings.HasSuffix(path, "/") {
		return a.Dir(path)
	}
	a.blind = h.Mode&ownerReads == 0
	defer func() { a.blind = false }()
	return a.File(path, h.Size, content)
}

// tarTarget is what tar makes of the target of a hard link: everything up to the
// last step upwards goes.
func tarTarget(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range slices.Backward(parts) {
		if part == ".." {
			return strings.Join(parts[i+1:], "/")
		}
	}
	return path
}
