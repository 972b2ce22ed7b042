package unpack

import (
	"context"
	"io"
	"io/fs"

	"github.com/nwaples/rardecode/v2"
)

// FOSSology gives rar to unrar, which Debian's FOSSology does not bring: nothing
// comes out there, and what comes out here is extra.

func isRAR(_ string, head []byte) bool {
	return begins("Rar!\x1a\x07\x00")("", head) || begins("Rar!\x1a\x07\x01\x00")("", head)
}

func openRAR(_ context.Context, a *archive, r io.Reader) error {
	a.extra = true
	if err := a.needs(maxRARDictionary); err != nil {
		return err
	}
	z, err := rardecode.NewReader(r, rardecode.MaxDictionarySize(maxRARDictionary))
	if err != nil {
		return err
	}
	for {
		h, err := z.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := rarMember(a, h, z); err != nil {
			return err
		}
	}
}

// maxRARDictionary is what programs of rar take when they are not asked for more.
const maxRARDictionary = 128 << 20

func rarMember(a *archive, h *rardecode.FileHeader, r io.Reader) error {
	mode := h.Mode()
	switch {
	case h.IsDir:
		return a.Dir(h.Name)
	case h.Encrypted || h.HeaderEncrypted:
		a.Skip(h.Name, "it is encrypted")
		return nil
	case h.LinkType >= rardecode.LinkTypeHardLink:
		return a.Link(h.Name, h.LinkTarget)
	case h.LinkType != rardecode.LinkTypeNone || mode&fs.ModeSymlink != 0:
		return a.Symlink(h.Name)
	case !mode.IsRegular():
		return a.Other(h.Name)
	}
	size := h.UnPackedSize
	if h.UnKnownSize {
		size = -1
	}
	return a.File(h.Name, size, r)
}
