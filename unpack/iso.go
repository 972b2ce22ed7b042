package unpack

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

// ISO 9660 (ECMA-119). FOSSology asks isoinfo -R -J: the directories of Joliet
// where there are such, else those of the primary volume, in both the names of
// Rock Ridge where a record has one. All that is no directory comes out as a
// file, symbolic links too, which have no bytes.

const (
	isoSector = 2048
	isoFirst  = 16 * isoSector // where the volume descriptors begin
	isoRoot   = 156            // of a volume descriptor: the record of its root
	isoEscape = 88             // of a volume descriptor: says whether it is Joliet
	isoHeader = 33             // bytes of a directory record in front of its name
	isoIsDir  = 2              // flag of a record

	// isoMaxFile is where isoinfo's sizes become negative, so that it writes nothing.
	isoMaxFile = 1 << 31
	// isoMaxVolumes bounds the search for Joliet; images have five descriptors at most.
	isoMaxVolumes = 64
	// isoMaxDirs is how many directories are read: a DVD has two million sectors.
	isoMaxDirs = 1_000_000
	// isoMaxWaiting bounds the paths of directories that are yet to be read.
	isoMaxWaiting = 32 << 20
)

var errISO = errors.New("iso: damaged directory")

func isISO(_ string, head []byte) bool {
	return len(head) > isoFirst && begins("CD001")("", head[isoFirst+1:])
}

// isoImage is an image that is being opened.
type isoImage struct {
	a      *archive
	r      io.ReaderAt
	size   int64
	joliet bool
	seen   map[int64]bool // directories that were read, by their place
	todo   []isoDir
	waits  int   // bytes of the paths in todo
	read   int64 // bytes of directories
}

type isoDir struct {
	path string
	isoExtent
}

// isoExtent is where bytes lie in the image.
type isoExtent struct{ at, size int64 }

func openISO(_ context.Context, a *archive, r io.ReaderAt, size int64) error {
	v := &isoImage{a: a, r: r, size: size, seen: map[int64]bool{}}
	root, err := v.root()
	if err != nil {
		return err
	}
	for v.todo = []isoDir{{"", root}}; len(v.todo) > 0; {
		d := v.todo[0]
		v.todo, v.waits = v.todo[1:], v.waits-len(d.path)
		if err := v.dir(d); err != nil {
			return err
		}
	}
	return nil
}

// sector reads a sector; what lies behind the image is zero.
func (v *isoImage) sector(at int64) ([]byte, error) {
	b := make([]byte, isoSector)
	if at >= v.size {
		return b, nil
	}
	if _, err := v.r.ReadAt(b, at); err != nil && err != io.EOF {
		return nil, err
	}
	return b, nil
}

// root finds the root directory: Joliet's if there is one.
func (v *isoImage) root() (isoExtent, error) {
	first, err := v.sector(isoFirst)
	if err != nil {
		return isoExtent{}, err
	}
	if string(first[:7]) != "\x01CD001\x01" {
		return isoExtent{}, errors.New("iso: no primary volume")
	}
	at := first
	for i := int64(1); i <= isoMaxVolumes && at[0] != 0xff; i++ {
		if e := at[isoEscape:]; string(e[:2]) == "%/" && strings.IndexByte("@CE", e[2]) >= 0 && (e[3] == 0 || e[3] == ' ') {
			v.joliet = true
			return extentOf(at[isoRoot:]), nil
		}
		if at, err = v.sector(isoFirst + i*isoSector); err != nil {
			return isoExtent{}, err
		}
	}
	return extentOf(first[isoRoot:]), nil
}

func extentOf(record []byte) isoExtent {
	return isoExtent{int64(binary.LittleEndian.Uint32(record[2:])) * isoSector, int64(binary.LittleEndian.Uint32(record[10:]))}
}

// dir reads a directory: its files come out, its directories are left to do. Each
// is read once, so an image whose directories go round has an end.
func (v *isoImage) dir(d isoDir) error {
	if v.seen[d.at] {
		v.a.Skip(d.path, "the directory was met before")
		return nil
	}
	if len(v.seen) == isoMaxDirs {
		v.a.Skip(d.path, "too many directories")
		return nil
	}
	v.seen[d.at] = true
	same := isoFile{}
	for at := d.at; at < min(d.at+d.size, v.size) && d.size < isoMaxFile; at += isoSector {
		// Each has its own place, but many may overlap, which would take days to read.
		if v.read += isoSector; v.read > v.size {
			v.a.Skip(d.path, "its directories are larger than the image")
			break
		}
		b, err := v.sector(at)
		if err == nil {
			err = v.a.stop()
		}
		if err != nil {
			return err
		}
		for i := 0; i+isoHeader < isoSector && b[i] != 0; i += int(b[i]) {
			if int(b[i]) <= isoHeader || i+isoHeader+int(b[i+32]) > min(i+int(b[i]), isoSector) {
				v.a.Skip(d.path+"/", errISO.Error())
				break
			}
			if err := v.record(d.path, b[i:min(i+int(b[i]), isoSector)], &same); err != nil {
				return err
			}
		}
	}
	return v.file(same)
}

// record deals with one record of a directory. The records of a file that has
// several extents have one name and follow each other: same collects them.
func (v *isoImage) record(dir string, b []byte, same *isoFile) error {
	raw := b[isoHeader : isoHeader+int(b[32])]
	if len(raw) == 0 || len(raw) == 1 && raw[0] <= 1 {
		return nil // the directory itself, and the one above it
	}
	name, err := v.rockRidge(v.name(raw), systemUse(b, len(raw)))
	if err != nil || name == "" {
		return err
	}
	path := dir + "/" + name
	if strings.Contains(name, "/") {
		v.a.Skip(path, "a name with a slash")
		return nil
	}
	if b[25]&isoIsDir == 0 {
		if path != same.path {
			err = v.file(*same)
			*same = isoFile{path: path}
		}
		same.extents = append(same.extents, extentOf(b))
		return err
	}
	v.a.room()
	n, err := v.a.place(path, true)
	switch {
	case n == nil:
	case len(v.todo) == isoMaxDirs || v.waits > isoMaxWaiting:
		v.a.Skip(path, "too many directories")
	default:
		v.todo, v.waits = append(v.todo, isoDir{path, extentOf(b)}), v.waits+len(path)
	}
	return err
}

// name is a name as isoinfo writes it: in Latin-1, with "_" for all else.
func (v *isoImage) name(raw []byte) string {
	if !v.joliet {
		name, _, _ := bytes.Cut(raw, []byte{0})
		return string(name)
	}
	name := make([]byte, len(raw)/2)
	for i := range name {
		if name[i] = raw[2*i+1]; raw[2*i] != 0 || name[i] == 0 {
			name[i] = '_'
		}
	}
	return string(name)
}

// isoFile is a file and where its bytes lie.
type isoFile struct {
	path    string
	extents []isoExtent
}

// file hands a file on. One that lies in one piece is not copied.
func (v *isoImage) file(f isoFile) error {
	var parts []io.Reader
	size := int64(0)
	for _, e := range f.extents {
		if e.size >= isoMaxFile {
			v.a.Skip(f.path, "isoinfo writes nothing of 2 GiB or more")
			continue
		}
		there := max(0, min(e.size, v.size-e.at))
		parts, size = append(parts, io.NewSectionReader(v.r, e.at, there)), size+e.size
		if there < e.size {
			parts = append(parts, again{io.ErrUnexpectedEOF})
		}
	}
	switch {
	case len(f.extents) == 0:
		return nil
	case len(parts) == 1:
		return v.a.File(f.path, size, parts[0])
	}
	return v.a.File(f.path, size, io.MultiReader(parts...))
}
