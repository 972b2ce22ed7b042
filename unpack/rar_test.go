package unpack_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"testing"

	"repotool/unpack"
)

// rarBlock is a block of a RAR 4 file: it begins with the low half of its sum.
func rarBlock(kind byte, flags uint16, fields []byte) []byte {
	b := append([]byte{kind}, binary.LittleEndian.AppendUint16(nil, flags)...)
	b = binary.LittleEndian.AppendUint16(b, uint16(7+len(fields)))
	b = append(b, fields...)
	return append(binary.LittleEndian.AppendUint16(nil, uint16(crc32.ChecksumIEEE(b))), b...)
}

// rarFile is a stored file, made on Unix.
func rarFile(name string, mode uint32, content []byte) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, uint32(len(content)))
	b = le.AppendUint32(b, uint32(len(content)))
	b = le.AppendUint32(append(b, 3), crc32.ChecksumIEEE(content))
	b = append(le.AppendUint32(b, 0x4a21_0000), 20, 0x30)
	b = le.AppendUint32(le.AppendUint16(b, uint16(len(name))), mode)
	return append(rarBlock(0x74, 0x8000, append(b, name...)), content...)
}

// rar5Block is a block of a RAR 5 file; all numbers must be below 128.
func rar5Block(fields ...byte) []byte {
	b := append([]byte{byte(len(fields))}, fields...)
	return append(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)), b...)
}

// rar5File is a stored file: header with a data area, no flags, mode, method and system.
func rar5File(name string, content []byte) []byte {
	b := []byte{2, 2, byte(len(content)), 0, byte(len(content)), 0, 0, 1, byte(len(name))}
	return append(rar5Block(append(b, name...)...), content...)
}

func TestRAR(t *testing.T) {
	four := slices.Concat([]byte("Rar!\x1a\x07\x00"), rarBlock(0x73, 0, make([]byte, 6)),
		rarFile("d/hello.txt", 0o100644, []byte("hello")), rarFile("../out", 0o100644, []byte("no")), rarBlock(0x7b, 0x4000, nil))
	five := slices.Concat([]byte("Rar!\x1a\x07\x01\x00"), rar5Block(1, 0, 0),
		rar5File("d/hello.txt", []byte("hello")), rar5File("../out", []byte("no")), rar5Block(5, 0, 0))
	for name, b := range map[string][]byte{"four": four, "five": five} {
		t.Run(name, func(t *testing.T) {
			r := unpackBytes(t, "x.rar", b, unpack.Options{})
			wantSkipped(t, r, "leads out of the archive")
			if got := leaves(r); len(got) != 1 || got["d/hello.txt"] != sum([]byte("hello")) {
				t.Errorf("got %v, skipped %v", got, r.Skipped)
			}
			r.Walk(func(n *unpack.Row) error {
				if n.Class == unpack.Leaf && !n.Extra {
					t.Errorf("%s is not extra: FOSSology does not find it", n.Path())
				}
				return nil
			})
			for at := range b {
				check(t, "x.rar", b[:at], 1<<20)
				check(t, "x.rar", slices.Concat(b[:at], bytes.Repeat([]byte{0xff}, 9), b[at:]), 1<<20)
			}
		})
	}
}
