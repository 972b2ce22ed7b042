package prune

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// A Run is what the journal of a prune or of a dedup tells.
type Run struct {
	Journal string    `json:"journal"`
	Plan    string    `json:"plan"`
	Start   time.Time `json:"start"`
	Ended   bool      `json:"ended"`            // else it was interrupted, or runs
	Undone  bool      `json:"undone,omitempty"` // what it did was taken back

	next  int64 // what is behind the last batch that was dealt with
	whole int64 // bytes of the journal
}

// Interrupted says whether a run neither came to its end nor was undone.
func (r *Run) Interrupted() bool { return !r.Ended && !r.Undone }

// A Deed is a prune.
type Deed struct {
	Run
	Report Report `json:"report"` // as far as it is known

	open *entry // a batch that was begun, and not done
}

// ReadDeed reads a journal.
func ReadDeed(file string) (*Deed, error) {
	d := &Deed{Run: Run{Journal: file}}
	err := readRun(&d.Run, func(e entry) error {
		switch {
		case e.Kind == lineStart:
			d.Plan, d.Start = e.Plan, e.Time
		case e.Kind == lineBegin:
			d.open = &e
		case e.Kind == lineDone && e.Report != nil:
			d.open, d.next, d.Report = nil, e.To, *e.Report
		case e.Kind == lineEnd && e.Report != nil:
			d.Ended, d.Report = true, *e.Report
		case e.Kind == lineUndone:
			d.Undone = true
		default:
			return ErrJournal
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	d.Report.Plan, d.Report.Journal = d.Plan, file
	return d, nil
}

// readRun goes through the lines of a run's journal, which must say what its plan is.
func readRun[E any](r *Run, each func(E) error) error {
	f, err := os.Open(r.Journal)
	if err != nil {
		return err
	}
	defer f.Close()
	r.whole, err = readEntries(f, each)
	if err == nil && r.Plan == "" {
		err = ErrJournal
	}
	if err != nil {
		return &JournalError{r.Journal, err}
	}
	return nil
}

// Deeds lists those of a directory, the oldest first.
func Deeds(dir string) ([]*Deed, error) {
	return runs(dir, ReadDeed, func(d *Deed) *Run { return &d.Run })
}

// runs reads all journals of a directory, the oldest first.
func runs[D any](dir string, read func(file string) (D, error), of func(D) *Run) (all []D, err error) {
	files, err := os.ReadDir(dir) // no pattern: a store's path may hold brackets
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, x := range files {
		if !strings.HasSuffix(x.Name(), journalEnding) {
			continue
		}
		file := filepath.Join(dir, x.Name())
		if begun, err := hasBegun(file); err != nil || !begun {
			if err != nil {
				return nil, err
			}
			continue
		}
		d, err := read(file)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b D) int {
		return cmp.Or(of(a).Start.Compare(of(b).Start), cmp.Compare(of(a).Plan, of(b).Plan))
	})
	return all, nil
}

// Removed yields the Names that a journal says were removed, or were about to be, batch
// by batch.
func Removed(file string) iter.Seq2[[]fossology.Name, error] {
	return func(yield func([]fossology.Name, error) bool) {
		f, err := os.Open(file)
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		enough := errors.New("enough")
		_, err = readEntries(f, func(e entry) error {
			if e.Kind != lineBegin {
				return nil
			}
			names := make([]fossology.Name, 0, len(e.Files))
			for _, s := range e.Files {
				n, ok := fossology.ParseName(s)
				if !ok {
					return ErrJournal
				}
				names = append(names, n)
			}
			if !yield(names, nil) {
				return enough
			}
			return nil
		})
		if err != nil && err != enough {
			yield(nil, &JournalError{file, err})
		}
	}
}

// Resume goes on with a deed that was interrupted.
func Resume(ctx context.Context, d *Deed, tempDir string, o ExecuteOptions) (*Report, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	f, err := os.Open(filepath.Join(o.Dir, d.Plan+planEnding))
	if err != nil {
		return nil, fmt.Errorf("prune: find the plan of %s: %w", d.Journal, err)
	}
	p, err := ReadPlan(f, tempDir)
	f.Close()
	if err != nil {
		return nil, err
	}
	defer p.Close()
	j, err := d.reopen(o.Now)
	if err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	so := d.Report
	settled, err := d.settle(p, o.Repository, &so)
	if err != nil {
		return nil, errors.Join(err, j.f.Close())
	}
	return p.carryOut(ctx, o, j, d.next, so, settled)
}

// settle counts what a batch that was cut short had removed. What is gone of it was
// removed then: nobody else removes just these.
func (d *Deed) settle(p *Plan, repo fossology.Repository, so *Report) (map[fossology.Name]bool, error) {
	settled := map[fossology.Name]bool{}
	if d.open == nil {
		return settled, nil
	}
	for i, s := range d.open.Files {
		n, ok := fossology.ParseName(s)
		if !ok || i >= len(d.open.Hosts) {
			return nil, &JournalError{d.Journal, ErrJournal}
		}
		var st unix.Stat_t
		path := filepath.Join(p.Repository, d.open.Hosts[i], "files", fossology.FanOut(s, repo.Depth), s)
		if errors.Is(unix.Lstat(path, &st), unix.ENOENT) {
			so.Removed.add(n.Size)
			settled[n] = true
		}
	}
	return settled, nil
}

// reopen opens the journal behind its last whole line.
func (d *Run) reopen(now func() time.Time) (*journal, error) {
	f, err := os.OpenFile(d.Journal, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	err = f.Truncate(d.whole)
	if err == nil {
		_, err = f.Seek(0, io.SeekEnd)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &journal{f, now}, nil
}

// MarkUndone writes into a journal that what it removed was brought back.
func (d *Deed) MarkUndone(back Sum, missing int64, now func() time.Time) error {
	j, err := d.reopen(now)
	if err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return errors.Join(j.write(entry{Kind: lineUndone, Time: j.time(), Back: &back, Missing: missing}), j.f.Sync(), j.f.Close())
}
