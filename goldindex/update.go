package goldindex

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"repotool/fossology"
	"repotool/unpack"
)

// A Database says what FOSSology knows. [*fossology.View] is one, which should not be
// open as long as an update may take; that asks for the uploads only, at its beginning.
type Database interface {
	// Uploads yields all uploads in the order of their keys.
	Uploads(context.Context) iter.Seq2[fossology.Upload, error]
	// Uses yields which upload holds which content, in the order of the Names.
	Uses(context.Context) iter.Seq2[fossology.Use, error]
	// CutShort yields the uploads whose first unpack did not come to its end.
	CutShort(context.Context) iter.Seq2[int64, error]
}

// UpdateOptions say what a ledger is brought up to date with.
type UpdateOptions struct {
	Repository fossology.Repository
	Database   Database
	Budget     time.Duration // after it no further gold is begun, no further file read; 0: none
	Parallel   int           // golds, or files, at once; 0: one for each processor
	TempDir    string        // see [unpack.Options]
	Prefix     string
	Limits     unpack.Limits
	Now        func() time.Time // nil: time.Now
	Log        *slog.Logger     // nil: nothing is said

	Progress Progress // nil: nobody is told

	// Opened, if not nil, is told of every file of the repository that is opened to
	// be read.
	Opened func(path string)
}

// fewestRows of a gold may be in memory, however many golds there are at once.
const fewestRows = 2048

func (o *UpdateOptions) complete() {
	if o.Parallel <= 0 {
		o.Parallel = runtime.GOMAXPROCS(0)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Limits.RowsInMemory == 0 { // what may be in memory, golds share
		o.Limits.RowsInMemory = max(fewestRows, 2*unpack.DefaultRowsInMemory/int64(o.Parallel))
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = silence{}
	}
}

func (o *UpdateOptions) unpack() unpack.Options {
	return unpack.Options{Limits: o.Limits, TempDir: o.TempDir, Prefix: o.Prefix, Hashes: recorded}
}

// recorded are the hashes that a record holds.
const recorded = unpack.NameHashes | unpack.BLAKE3

func (o *UpdateOptions) open(path string) (*os.File, error) {
	if o.Opened != nil {
		o.Opened(path)
	}
	return os.Open(path)
}

// A Report is what an update did.
type Report struct {
	Golds     int64    `json:"golds"`                // in the repository
	UpToDate  int64    `json:"upToDate"`             // of them, that needed no look
	Unpacked  Cost     `json:"unpacked"`             // this time, and what it cost
	New       int64    `json:"new"`                  // golds unpacked this time
	Damaged   int64    `json:"damaged"`              // golds whose bytes contradict their name
	Missing   int64    `json:"missing"`              // golds that the repository should hold and does not
	Forgotten int64    `json:"forgotten"`            // records of golds that nobody knows any more
	Left      int64    `json:"left"`                 // golds that the budget did not reach
	Read      int64    `json:"read"`                 // files read and confirmed
	ReadBytes int64    `json:"readBytes"`            // their bytes
	Differ    int64    `json:"differ"`               // files whose bytes are not those that gold makes
	LeftFiles int64    `json:"leftFiles"`            // files that the budget did not reach
	Rebuilt   int64    `json:"rebuilt"`              // damaged files of the ledger that were made anew
	Troubles  int64    `json:"troubles"`             // things that could not be read
	First     []string `json:"firstNotes,omitempty"` // the first few of what is to be told
	Seconds   float64  `json:"seconds"`
}

// maxNotes is how many findings a report lists; all are counted.
const maxNotes = 20

// An update is one call of Update.
type update struct {
	*Ledger
	o       UpdateOptions
	until   time.Time
	uploads map[fossology.Name]string // living golds, and a name of theirs

	mu sync.Mutex
	r  Report
}

// Update brings the ledger up to date: golds that are new, or were unpacked by another
// unpacker, are unpacked, and files that a gold makes are read once and compared.
// What it has done stays done, whenever it ends. It changes nothing but the ledger.
// The caller sees to it that there is one at a time.
//
// A gold that was begun within the budget is finished, however long it takes: else one
// that takes longer than the budget would be begun every night, and never be done.
func (l *Ledger) Update(ctx context.Context, o UpdateOptions) (*Report, error) {
	o.complete()
	begin := o.Now()
	u := &update{Ledger: l, o: o, uploads: map[fossology.Name]string{}}
	if o.Budget > 0 {
		u.until = begin.Add(o.Budget)
	}
	err := u.run(ctx)
	u.r.Seconds = o.Now().Sub(begin).Seconds()
	if err != nil {
		return &u.r, fmt.Errorf("update ledger: %w", err)
	}
	return &u.r, nil
}

func (u *update) run(ctx context.Context) error {
	if err := u.prepared(ctx); err != nil {
		return err
	}
	for up, err := range u.o.Database.Uploads(ctx) {
		var bad *fossology.RowError
		if errors.As(err, &bad) {
			u.note(&u.r.Troubles, "%v", bad)
			continue
		}
		if err != nil {
			return err
		}
		if _, known := u.uploads[up.Name]; up.Living() && !known {
			u.uploads[up.Name] = up.Filename
		}
	}
	// With a budget, what the last run unpacked is confirmed before more is unpacked:
	// else a large backlog would be confirmed on the last night only.
	early := u.o.Budget > 0 && len(u.set.made) > 0
	before := u.r
	if early {
		if err := u.confirm(ctx); err != nil {
			return err
		}
	}
	after := u.r
	if err := u.golds(ctx); err != nil {
		return err
	}
	lost, err := u.index(ctx)
	u.r.Rebuilt += int64(lost)
	if err != nil {
		return err
	}
	if early && u.r.New == 0 {
		return nil // there is nothing else to confirm
	}
	u.retract(before, after) // it is found again
	return u.confirm(ctx)
}

// retract takes back what was told between two moments.
func (u *update) retract(before, after Report) {
	u.r.Differ -= after.Differ - before.Differ
	u.r.Troubles -= after.Troubles - before.Troubles
	u.r.First = slices.Delete(u.r.First, len(before.First), len(after.First))
}

// prepared makes the ledger fit for writing: what is damaged goes, and is made anew
// as if it had never been.
func (u *update) prepared(ctx context.Context) error {
	u.r.Rebuilt += int64(len(u.set.broken))
	if err := u.prepare(ctx); err != nil {
		return err
	}
	u.o.Progress.Begin(PhaseCheck, 0, u.size())
	dropped, err := u.set.check(ctx, func(n int64) { u.o.Progress.Done(0, n) })
	u.r.Rebuilt += int64(dropped)
	if err != nil {
		return err
	}
	for _, e := range u.entries() {
		if err := ctx.Err(); err != nil {
			return err
		}
		sum, err := fileID(u.recordPath(e))
		u.o.Progress.Done(0, e.size)
		if err == nil && sum == e.sum {
			continue
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("read record of gold %s: %w", e.gold, err)
		}
		u.r.Rebuilt++
		if err := u.forget(e.gold); err != nil {
			return err
		}
	}
	_, err = u.index(ctx) // of a run that was killed before it came to that
	return err
}

// size is what the ledger's files have, all together.
func (u *update) size() (n int64) {
	for _, e := range u.entries() {
		n += e.size
	}
	for _, s := range slices.Concat(u.set.made, u.set.read) {
		n += s.size
	}
	return n
}

// over says whether the budget is used up.
func (u *update) over() bool { return !u.until.IsZero() && !u.o.Now().Before(u.until) }

// note counts a finding and lists it if it is one of the first.
func (u *update) note(n *int64, format string, args ...any) {
	u.mu.Lock()
	defer u.mu.Unlock()
	*n++
	if text := fmt.Sprintf(format, args...); len(u.r.First) < maxNotes {
		u.r.First = append(u.r.First, text)
	}
}
