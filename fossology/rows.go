package fossology

import (
	"fmt"
	"time"
)

// A Pfile is a row of table pfile: one content, known by its checksums.
type Pfile struct {
	PK     int64
	Name   Name
	SHA256 string // lower-case hex, "" if the row has none
}

// An Upload is a row of table upload. The row stays when the upload is deleted.
type Upload struct {
	PK       int64
	Filename string // as shown to users
	Origin   string // path or URL that it came from
	Mode     int    // 4 from a URL, 8 from a file, +32 unpacked, +64 sorted
	Time     time.Time
	Pfile    int64  // 0 if nothing has arrived, or if it was deleted
	Name     Name   // of the pfile; zero if Pfile is 0
	Table    string // table of its tree rows
	Deleted  bool
}

// Living reports whether the upload has content that somebody may want.
func (u Upload) Living() bool { return u.Pfile != 0 && !u.Deleted }

// Bits of a tree row's mode, beside those of a Unix file mode.
const (
	ModeContainer = 1 << 29 // has rows below it
	ModeArtifact  = 1 << 28 // made by the unpacker
	modeTypeMask  = 0o170000
	modeDirectory = 0o040000
)

// A TreeRow is a row of table uploadtree: one place of one upload's hierarchy.
type TreeRow struct {
	PK         int64
	Parent     int64 // row above; 0 at the top
	RealParent int64 // nearest row above that is no artifact; 0 if not known
	Upload     int64
	Pfile      int64  // 0 for a row without content
	Name       Name   // of the pfile; zero if Pfile is 0
	Mode       uint32 // Unix mode and the bits above
	Left       int64  // nested sets; 0 until adj2nest has run
	Right      int64
	FileName   string // as in the archive, unprintable bytes replaced by ~; can be empty
}

// Container reports whether the row stands for a file that was unpacked, or was
// tried: an archive, not a directory.
func (r TreeRow) Container() bool { return r.Mode&ModeContainer != 0 && r.Pfile != 0 }

// Artifact reports whether the row was made by the unpacker: artifact.dir,
// artifact.unpacked or artifact.meta.
func (r TreeRow) Artifact() bool { return r.Mode&ModeArtifact != 0 }

// Directory reports whether the row is a directory without content of its own.
func (r TreeRow) Directory() bool { return r.Pfile == 0 && r.Mode&modeTypeMask == modeDirectory }

// Counts are the numbers of rows that a restored database is compared by.
type Counts struct {
	Upload     int64 `json:"upload"`
	Pfile      int64 `json:"pfile"`
	Uploadtree int64 `json:"uploadtree"` // of all per-upload tables together
	Jobqueue   int64 `json:"jobqueue"`
}

// A RowError is a row whose content cannot be what FOSSology writes. A stream
// goes on behind it if its reader does.
type RowError struct {
	Table    string
	PK       int64 // 0 if the stream does not have it
	Text     string
	Expected string
}

func (e *RowError) Error() string {
	where := e.Table
	if e.PK != 0 {
		where = fmt.Sprintf("%s %d", e.Table, e.PK)
	}
	return fmt.Sprintf("read row of %s: found %q: expected %s", where, e.Text, e.Expected)
}

const expectedName = "sha1, md5 and size of a file"

// nameScanner is a scan target for sha1.md5.size; it takes the bytes from the
// driver without copying them.
type nameScanner struct {
	name Name
	bad  string // the text if it is no Name
}

// ScanBytes implements pgtype.BytesScanner.
func (s *nameScanner) ScanBytes(b []byte) error {
	var ok bool
	s.name, ok = ParseName(b)
	s.bad = ""
	if !ok && b != nil {
		s.bad = string(b)
		if s.bad == "" {
			s.bad = " "
		}
	}
	return nil
}
