package prune

import (
	"context"
	"iter"
	"time"

	"repotool/fossology"
	"repotool/goldindex"
)

// A Database is one moment of it. *fossology.View is one.
type Database interface {
	goldindex.Database
	// Parts yields what each content is to each upload, in the order of the Names.
	Parts(context.Context) iter.Seq2[fossology.Part, error]
	// Jobs yields the jobs that run or wait.
	Jobs(context.Context) iter.Seq2[fossology.Job, error]
	// Position is how far it has come.
	Position(context.Context) (fossology.Position, error)
}

// Filters leave files out. The zero value leaves out none. What they ask of uploads is
// asked of every upload that has the file.
type Filters struct {
	Uploads    []int64   `json:"uploads,omitempty"`   // only these; nil: all
	Before     time.Time `json:"before,omitzero"`     // uploaded before
	MinSize    int64     `json:"minSize,omitempty"`   // bytes
	ReadBefore time.Time `json:"readBefore,omitzero"` // neither changed nor read since; FOSSology sets the time of what it reads
	Copies     int       `json:"copies,omitempty"`    // golds that make it, at least; 0: one
	Free       int64     `json:"free,omitempty"`      // bytes that are enough; 0: all
	Unbacked   bool      `json:"unbacked,omitempty"`  // also what the last good snapshot does not know
	CutShort   bool      `json:"cutShort,omitempty"`  // also of uploads whose first unpack did not come to its end: FOSSology would not bring them back
}

// Options say what is to be planned.
type Options struct {
	Installation string
	Repository   fossology.Repository
	Ledger       *goldindex.Ledger
	Level        Level
	Filters      Filters
	// BackedUp yields the Names of the files that the last good snapshot knows, in order.
	// Nil: there is none.
	BackedUp iter.Seq2[fossology.Name, error]
	TempDir  string // for the list of victims; "" is os.TempDir
	Now      func() time.Time
	// Progress, if not nil, is told of every file that was judged.
	Progress func(files, bytes int64)
}
