package goldindex

import (
	"time"

	"repotool/fossology"
	"repotool/unpack"
)

// A Kind says what became of a gold.
type Kind byte

// The kinds.
const (
	Unpacked Kind = 'u' // its rows follow
	Damaged  Kind = 'd' // its bytes contradict its name
	Missing  Kind = 'm' // the database or an earlier run knows it, the repository does not hold it
)

func (k Kind) known() bool { return k == Unpacked || k == Damaged || k == Missing }

// String says it for people.
func (k Kind) String() string {
	switch k {
	case Unpacked:
		return "unpacked"
	case Damaged:
		return "damaged"
	case Missing:
		return "missing"
	}
	return "unknown"
}

// A Header is what a record says of its gold before the rows.
type Header struct {
	Gold     string    `json:"gold"`           // its Name
	Kind     string    `json:"kind"`           // as the letter of the kind
	Upload   string    `json:"upload"`         // name by which it was unpacked, the top of all paths
	Time     time.Time `json:"time"`           // when that was
	Why      string    `json:"why,omitempty"`  // it is damaged
	Stamp    *stamp    `json:"file,omitempty"` // of a damaged gold
	Unpacker Unpacker  `json:"unpacker"`
	Cost     Cost      `json:"cost"`

	Skips   int64            `json:"skips"`             // what did not come out
	Skipped []unpack.Skipped `json:"skipped,omitempty"` // the first of it
}

// Cost is what a gold took to unpack.
type Cost struct {
	Seconds float64 `json:"seconds"`
	Bytes   int64   `json:"bytes"` // that came out
	Rows    int64   `json:"rows"`
	Files   int64   `json:"files"` // rows with a content
}

// stamp tells whether a damaged gold has been replaced and is worth another try.
type stamp struct {
	Inode uint64 `json:"inode"`
	Mtime int64  `json:"mtime"` // nanoseconds since 1970
	Ctime int64  `json:"ctime"`
	Size  int64  `json:"size"`
}

// maxSkippedKept is how much of what was skipped a record lists.
const maxSkippedKept = 20

// A Row is one place of a gold's tree.
type Row struct {
	Depth  int // rows above it; the gold itself has 0, and is the first
	Class  unpack.Class
	Extra  bool   // FOSSology's unpacker does not find it
	Format string // of a container
	Name   string // as the archive spells it
	Held   bool   // it has a content:
	Of     fossology.Name
	BLAKE3 [32]byte
}

// treeRows calls f for the rows of what a gold unpacks to, a parent before its
// children. A Row is valid until f returns.
func treeRows(of *unpack.Result, f func(*Row) error) error {
	var r Row
	return of.Walk(func(n *unpack.Row) error {
		r = Row{Depth: n.Depth, Class: n.Class, Extra: n.Extra, Format: n.Format, Name: n.Name}
		if d := n.Digests; d != nil && n.HasContent() {
			r.Held, r.BLAKE3 = true, d.BLAKE3
			r.Of = fossology.Name{SHA1: d.SHA1, MD5: d.MD5, Size: d.Size}
		}
		return f(&r)
	})
}
