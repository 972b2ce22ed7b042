package unpack

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"slices"
	"strings"

	"github.com/ulikunitz/xz/lzma"
)

// 7z looks for archives inside of what it does not know, so FOSSology opens the
// image of a router's flash memory, or a blob that somebody put in front of a zip.
// Such a content is looked through for what archives begin with; only if there is
// something, libmagic and then 7z are asked.

// embedded are the beginnings, each tried behind 5,000 bytes of noise: what 7z
// finds only at the very beginning of a content is not in the list.
var embedded = []magic{
	{0, "7z\xbc\xaf\x27\x1c", "7z"},
	{0, "PK\x03\x04", "zip"},
	{0, "Rar!\x1a\x07", "rar"},
	{0, "\xed\xab\xee\xdb", "rpm"},
	{0, "!<arch>\ndebian", "deb"},
	{257, "ustar", "tar"},
	{0, "070701", "cpio"},
	{0, "070702", "cpio with checksums"},
	{0, "070707", "cpio of POSIX"},
	{0, "\x1f\x8b\x08", "gzip"},
	{4, "1AY&SY", "bzip2"},
	{0, "\xfd7zXZ\x00", "xz"},
	{0, "\x28\xb5\x2f\xfd", "zstd"},
	{0, "MSCF\x00\x00\x00\x00", "cab"},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "compound document"},
	{0, "hsqs", "squashfs"},
	{0, "sqsh", "squashfs"},
	{0, "shsq", "squashfs"},
	{0, "qshs", "squashfs"},
	{16, "Compressed ROMFS", "cramfs"},
	{512, "EFI PART\x00\x00\x01\x00", "GPT"},
	{1024, "H+\x00\x04", "HFS+"},
	{1024, "HX\x00\x05", "HFSX"},
	{32769, "CD001", "ISO 9660"},
	{32768, "\x00BEA01\x01\x00", "UDF"},
	{3, ntfsName, "NTFS"},
	{54, "FAT12   ", "FAT"},
	{54, "FAT16   ", "FAT"},
	{82, "FAT32   ", "FAT"},
	{1080, "\x53\xef", extOf},
}

// otherBlobs begin what libmagic calls something else than octet-stream: what is
// in it does not matter. The list spares most binaries of source trees being
// looked through; libmagic is asked in any case.
var otherBlobs = []string{
	"\x7fELF", "MZ", "\xca\xfe\xba\xbe", "\xcf\xfa\xed\xfe", "\xce\xfa\xed\xfe", // programs
	"\x89PNG", "\xff\xd8\xff", "GIF8", "BM", "II*\x00", "MM\x00*", "RIFF", "\x00\x00\x01\x00", // pictures
	"OggS", "ID3", "fLaC", "\x1aE\xdf\xa3", // sound
	"PK\x03\x04", "PK\x05\x06", "SQLite format 3", "wOFF", "wOF2", "\x00\x01\x00\x00\x00", "OTTO", // documents, fonts
	"\xde\x12\x04\x95", "\x95\x04\x12\xde", "%!PS", "\xed\xab\xee\xdb", "\xd0\xcf\x11\xe0", "!<arch>", "Rar!",
}

// textStart is how much of a content is looked at to know text.
const textStart = 4096

// binaries are the control characters that text does not hold, as libmagic has it.
var binaries = func() (is [256]bool) {
	for c := range is {
		is[c] = c < 7 || c > 13 && c < 27 || c > 27 && c < ' ' || c == 0x7f
	}
	return is
}()

// isBlob: not text, and nothing that is known.
func isBlob(name string, head []byte) bool {
	if name == ".bss" || !holdsBinary(head[:min(len(head), textStart)]) {
		return false
	}
	for _, m := range otherBlobs {
		if begins(m)("", head) {
			return false
		}
	}
	return true
}

func holdsBinary(b []byte) bool {
	for _, c := range b {
		if binaries[c] {
			return true
		}
	}
	return false
}

// openBlob opens a blob as 7z does, if there is something in it.
func openBlob(ctx context.Context, a *archive, r io.ReaderAt, size int64) error {
	if !opensByName(a.node.Name) && !endsAsZip(r, size) && !mayBeLZMA(r) {
		if found, err := holdsArchive(ctx, r, size); err != nil {
			return err
		} else if !found {
			return errNoArchive
		}
	}
	return openAsked(ctx, a, r, size)
}

// opensByName: 7z takes any content of such a name for the first of several parts, or
// zeros for a tar without members.
func opensByName(name string) bool {
	return slices.ContainsFunc([]string{".001", ".01", ".00", ".tar"}, func(e string) bool { return strings.HasSuffix(name, e) })
}

// endsAsZip: libmagic knows a zip by its end, too, if no comment follows it.
func endsAsZip(r io.ReaderAt, size int64) bool {
	end := make([]byte, zipRecord)
	n, _ := r.ReadAt(end, size-zipRecord)
	return n == zipRecord && string(end[:4]) == "PK\x05\x06" && end[20] == 0 && end[21] == 0
}

// mayBeLZMA: a LZMA stream of other properties than those that libmagic knows. Its
// header is five bytes of properties and eight of the size; its data begin with zero.
func mayBeLZMA(r io.ReaderAt) bool {
	head := make([]byte, lzma.HeaderLen+1)
	n, _ := r.ReadAt(head, 0)
	return n == len(head) && head[lzma.HeaderLen] == 0 && lzma.ValidHeader(head[:lzma.HeaderLen])
}

// Places that are looked at.
const (
	// maxEmbedded is how far 7z 26.02 looks; beyond it 7z finds nothing.
	maxEmbedded = 8 << 20
	// embeddedStep is how much is read at once.
	embeddedStep = 256 << 10
	// maxMagic is longer than any of the signatures, and than what of an ext2
	// superblock is looked at.
	maxMagic = 64
)

// holdsArchive looks for the beginning of an archive.
func holdsArchive(ctx context.Context, r io.ReaderAt, size int64) (bool, error) {
	buffer := make([]byte, embeddedStep+maxMagic)
	for at := int64(0); at < min(size, maxEmbedded+isoMarkAt); at += embeddedStep {
		if err := context.Cause(ctx); err != nil {
			return false, err
		}
		n, err := r.ReadAt(buffer, at)
		if err != nil && err != io.EOF {
			return false, err
		}
		if hasMagic(buffer[:n], at) {
			return true, nil
		}
	}
	return false, nil
}

// embeddedPairs holds the first two bytes of each of them.
var embeddedPairs = func() (pairs [1 << 16]bool) {
	for _, m := range embedded {
		pairs[binary.BigEndian.Uint16([]byte(m.bytes))] = true
	}
	return pairs
}()

// hasMagic says whether an archive begins at a place that these bytes tell of,
// which stand at at.
func hasMagic(b []byte, at int64) bool {
	for i := range len(b) - 1 {
		if !embeddedPairs[binary.BigEndian.Uint16(b[i:])] {
			continue
		}
		for _, m := range embedded {
			if at+int64(i) >= int64(m.at) && bytes.HasPrefix(b[i:], []byte(m.bytes)) && sane(m, b[i:]) {
				return true
			}
		}
	}
	return false
}

// sane looks further where a signature is so short that noise holds it.
func sane(m magic, b []byte) bool {
	switch m.of {
	case "gzip":
		return len(b) >= 10 && b[3] < 0x20 && b[8] <= 4 && (b[9] <= 13 || b[9] == 0xff) // flags, effort, system
	case extOf:
		return isExtState(b)
	}
	return true
}

// isExtState looks at what follows the mark of an ext2 superblock, which is short:
// the state, what to do about errors, and the system that made it.
func isExtState(b []byte) bool {
	if len(b) < 20 {
		return false
	}
	state, errs, system := binary.LittleEndian.Uint16(b[2:]), binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint32(b[16:])
	return state < 8 && errs < 4 && system < 5
}
