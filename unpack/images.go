package unpack

import (
	"encoding/binary"
	"slices"
	"strings"
)

// FOSSology gives every content that libmagic calls application/octet-stream to
// 7z, and opens it if 7z lists and tests it without complaint. Starting 7z for
// each unknown file costs too much; these are the contents of which libmagic 5.44
// says no more and that 7z may open. 7z has the last word.

// A magic is bytes at a place, with a reason to be in the list.
type magic struct {
	at    int
	bytes string
	of    string
}

var imageMagics = []magic{
	{1080, "\x53\xef", extOf},
	{0, "hsqs", "squashfs"},
	{0, "sqsh", "squashfs of a big-endian machine"},
	{0, "shsq", "squashfs with LZMA, as routers have it"},
	{0, "qshs", "the same, big-endian"},
	{0, "\x45\x3d\xcd\x28", "cramfs"},
	{16, "Compressed ROMFS", "cramfs of a big-endian machine"},
	{512, "EFI PART\x00\x00\x01\x00", "disk with a GPT"},
	{1024, "H+\x00\x04", "HFS+"},
	{1024, "HX\x00\x05", "HFSX"},
	{1024, "BD", "HFS"},
	{32, "NXSB", "APFS"},
	{0, "KDMV", "disk of VMware"},
	{64, "\x7f\x10\xda\xbe", "disk of VirtualBox"},
	{0, "vhdxfile", "disk of Hyper-V"},
	{0, "\x3a\xff\x26\xed\x01\x00", "Android sparse image"},
	{4096, "\x67\x44\x6c\x61\x34\x00\x00\x00", "Android super partition"},
	{32768, "\x00BEA01\x01\x00", "UDF without ISO 9660"},
	{16, "\xd9\x54\x93\x7a\x68\x04\x4a\x44\x81\xce\x0b\xf6\x17\xd8\x90\xdf", "UEFI firmware volume, FFS 1"},
	{16, "\x78\xe5\x8c\x8c\x3d\x8a\x1c\x4f\x99\x35\x89\x61\x85\xc3\x2d\xd3", "UEFI firmware volume, FFS 2"},
	{0, "\xbd\x86\x66\x3b\x76\x0d\x30\x40\xb7\x0e\xb5\x51\x9e\x2f\xc5\xa0", "UEFI capsule"},
	{4, "\xef\xbe\xad\xdeNullsoftInst", "NSIS installer without its program"},
	{0, "\x8f\xaf\xac\x84", "PPMd"},
}

const extOf = "ext2, ext3, ext4"

// Signatures of a boot sector.
const (
	bootMark   = "\x55\xaa"
	bootMarkAt = 510
	ntfsName   = "NTFS    "
	isoMark    = "CD001"
	isoMarkAt  = 32769
)

func (m magic) in(head []byte) bool {
	return len(head) >= m.at+len(m.bytes) && string(head[m.at:m.at+len(m.bytes)]) == m.bytes
}

// isImage says whether 7z is worth asking. What 7z once took out of a program as
// ".bss" is passed over by FOSSology, lest it never end.
func isImage(name string, head []byte) bool {
	if name == ".bss" || (magic{at: isoMarkAt, bytes: isoMark}).in(head) {
		return false
	}
	return slices.ContainsFunc(imageMagics, func(m magic) bool { return m.in(head) }) ||
		isFAT(head) || isNTFS(head) || isMBR(head)
}

// isNTFS is libmagic's word, too: what 7z refuses goes to The Sleuth Kit.
func isNTFS(head []byte) bool {
	return magic{at: bootMarkAt, bytes: bootMark}.in(head) && magic{at: 3, bytes: ntfsName}.in(head)
}

// isFAT: a boot sector whose parameter block makes sense.
func isFAT(head []byte) bool {
	if !(magic{at: bootMarkAt, bytes: bootMark}).in(head) {
		return false
	}
	jump := head[0] == 0xe9 || head[0] == 0xeb && head[2] == 0x90
	sector := binary.LittleEndian.Uint16(head[11:])
	cluster, fats := head[13], head[16]
	return jump && powerOf2(int(sector)) && sector >= 512 && sector <= 4096 &&
		powerOf2(int(cluster)) && (fats == 1 || fats == 2)
}

// isMBR: four entries that are partitions or empty, at least one of them in use.
func isMBR(head []byte) bool {
	if !(magic{at: bootMarkAt, bytes: bootMark}).in(head) {
		return false
	}
	used := 0
	for i := range 4 {
		e := head[446+16*i : 462+16*i]
		if e[0] != 0 && e[0] != 0x80 {
			return false
		}
		if e[4] != 0 && binary.LittleEndian.Uint32(e[12:]) != 0 {
			used++
		}
	}
	return used > 0
}

func powerOf2(n int) bool { return n > 0 && n&(n-1) == 0 }

// Places and bits of an ext2 superblock.
const (
	extIncompatible  = 1024 + 96 // features without which it cannot be read
	extReadOnly      = 1024 + 100
	ext3Incompatible = 0x2 | 0x4 | 0x8 | 0x10 // names with types, recovery, journal device, meta groups
	ext3ReadOnly     = 0x1 | 0x2 | 0x4        // sparse superblocks, large files, directories as trees
)

// isExt2or3 tells what libmagic calls so: its features are none that only ext4 has.
func isExt2or3(head []byte) bool {
	if !(magic{at: 1080, bytes: "\x53\xef"}).in(head) || len(head) < extReadOnly+4 {
		return false
	}
	return binary.LittleEndian.Uint32(head[extIncompatible:])&^ext3Incompatible == 0 &&
		binary.LittleEndian.Uint32(head[extReadOnly:])&^ext3ReadOnly == 0
}

// isMicrosoft is what libmagic calls application/vnd.ms-… whatever it holds:
// FOSSology asks nobody whether 7z can open it.
func isMicrosoft(_ string, head []byte) bool {
	return slices.ContainsFunc([]string{"MSCF", "ITSF", "OTTO", "\x78\x9f\x3e\x22"}, // cab, help, OpenType, TNEF
		func(m string) bool { return strings.HasPrefix(string(head[:min(len(head), 4)]), m) })
}

// isOLE is a compound document, of which libmagic calls some so.
func isOLE(_ string, head []byte) bool { return begins("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")("", head) }

// isProgram is a program of DOS, or one of a later system whose header libmagic
// looks at more closely. One of Windows, as linkers make it, is a leaf.
func isProgram(_ string, head []byte) bool {
	if !begins("MZ")("", head) || len(head) < 64 {
		return false
	}
	if (magic{at: 0x202, bytes: "HdrS"}).in(head) {
		return true // a kernel of Linux that is a program of UEFI, too; for libmagic it is none
	}
	at := int(binary.LittleEndian.Uint32(head[60:]))
	usual := binary.LittleEndian.Uint16(head[24:]) >= 64 // where its relocations are: behind what would be a later header's place
	return !usual || at < 64 || at+4 > len(head) || string(head[at:at+4]) != "PE\x00\x00"
}
