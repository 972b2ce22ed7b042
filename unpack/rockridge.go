package unpack

import (
	"bytes"
	"encoding/binary"
)

// Rock Ridge keeps a file's real name behind its record, in fields of the System
// Use Sharing Protocol (IEEE P1281, P1282): two letters, a length, a version.

const (
	suspName     = "NM" // a piece of the name
	suspContinue = "CE" // more fields lie elsewhere

	suspHeader = 4
	// suspMaxAreas bounds the areas of one record: a name of 255 bytes needs two.
	suspMaxAreas = 32
)

// systemUse is what follows the name in a directory record, without the
// attributes of CD-ROM XA.
func systemUse(b []byte, name int) []byte {
	at := isoHeader + name
	if name%2 == 0 {
		at++
	}
	b = b[min(at, len(b)):]
	if len(b) >= 14 && string(b[6:8]) == "XA" && b[9] == 0 {
		b = b[14:]
	}
	return b
}

// rockRidge is the name that the fields give, or the one given if they give none.
func (v *isoImage) rockRidge(name string, fields []byte) (string, error) {
	found := false
	for range suspMaxAreas {
		var next []byte
		for len(fields) >= suspHeader {
			size := int(fields[2])
			if size < suspHeader || size > len(fields) || fields[3] != 1 && fields[3] != 2 {
				return name, nil
			}
			switch f := fields[:size]; {
			case string(f[:2]) == suspName && size > suspHeader:
				piece, _, _ := bytes.Cut(f[suspHeader+1:], []byte{0})
				if !found {
					name = ""
				}
				name, found = name+string(piece), true
			case string(f[:2]) == suspContinue && size >= 28:
				next = f
			}
			fields = fields[size:]
		}
		if next == nil {
			break
		}
		area, err := v.sector(int64(binary.LittleEndian.Uint32(next[4:])) * isoSector)
		if err != nil {
			return "", err
		}
		from := min(int64(binary.LittleEndian.Uint32(next[12:])), isoSector)
		fields = area[from:min(from+int64(binary.LittleEndian.Uint32(next[20:])), isoSector)]
	}
	return name, nil
}
