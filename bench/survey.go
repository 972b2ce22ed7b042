package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/prune"
	"repotool/snapshot"
	"repotool/store"
)

// An Installed database is one moment of an installation's. *fossology.View is one.
type Installed interface {
	goldindex.Database
	// Parts yields what each content is to each upload, in the order of the Names.
	Parts(context.Context) iter.Seq2[fossology.Part, error]
}

// SurveyOptions say what is looked at.
type SurveyOptions struct {
	Repository fossology.Repository
	Ledger     *goldindex.Ledger
	Now        func() time.Time
	// Stored, if not nil, says what a content takes in a store that has it: less than in the
	// repository, where much of it is zeros.
	Stored func(object store.Hash) (disk int64, ok bool)
	// Entries, if not nil, are those of the last snapshot: they say which object is which file.
	Entries iter.Seq2[snapshot.Entry, error]
	// Progress, if not nil, is told of every file that was looked at.
	Progress func(files, bytes int64)
}

// A Holding counts files, and what they take.
type Holding struct {
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
	Disk  int64 `json:"disk"` // bytes of the blocks that they have
}

func (h *Holding) add(bytes, blocks int64) {
	h.Files++
	h.Bytes += bytes
	h.Disk += blocks * 512
}

// Plus is the sum of two.
func (h Holding) Plus(o Holding) Holding {
	return Holding{h.Files + o.Files, h.Bytes + o.Bytes, h.Disk + o.Disk}
}

// A Survey says what an installation holds. It is made by reading names, sizes and rows;
// no file is opened.
type Survey struct {
	Repository string                  `json:"repository"`
	Time       time.Time               `json:"time"`
	Uploads    int64                   `json:"uploads"` // that have content
	Gold       Holding                 `json:"gold"`
	Files      Holding                 `json:"files"`
	Dirs       int64                   `json:"directories"`
	Other      Holding                 `json:"other"`    // whatever else stands in the repository: logs, licences
	GoldToo    Holding                 `json:"goldToo"`  // of Files: gold has them, too; a store keeps them once
	Unproven   Holding                 `json:"unproven"` // of Files: neither gold, nor proven to come of it: a backup of gold keeps them
	Classes    map[prune.Class]Holding `json:"classes"`  // of Files that a row refers to
	Unknown    Holding                 `json:"unknown"`  // of Files: no row refers to them
	Proven     Holding                 `json:"proven"`   // of Files: gold brings them back
	// Prunable is what each level of a prune could take at most: what gold brings back, by class.
	Prunable map[prune.Level]Holding `json:"prunable"`
	Rebuild  Rebuild                 `json:"rebuild"`
	Months   []Month                 `json:"months"`
	Largest  []UploadSize            `json:"largest"`
	Troubles []string                `json:"troubles,omitempty"`
}

// Rebuild is what it takes to unpack all gold, when that was last done.
type Rebuild struct {
	Golds   int64   `json:"golds"`   // that the ledger knows
	Missing int64   `json:"missing"` // that it does not know yet
	Seconds float64 `json:"seconds"` // one after another
	Longest float64 `json:"longest"` // of one
	Bytes   int64   `json:"bytes"`   // that come out
}

// A Month is what was uploaded in one.
type Month struct {
	Month   string `json:"month"` // 2026-11
	Uploads int64  `json:"uploads"`
	Gold    int64  `json:"gold"` // bytes
	Out     int64  `json:"out"`  // bytes that came of them, as far as the ledger knows
}

// An UploadSize is one of the largest uploads.
type UploadSize struct {
	Upload  int64   `json:"upload"`
	Name    string  `json:"name"`
	Gold    int64   `json:"gold"`
	Out     int64   `json:"out"`
	Files   int64   `json:"files"`
	Seconds float64 `json:"seconds"` // to unpack it
}

// largestShown is how many are listed.
const largestShown = 10

// Ratio is how many bytes of files there are for one of gold.
func (s *Survey) Ratio() float64 {
	if s.Gold.Bytes == 0 {
		return 0
	}
	return float64(s.Files.Bytes) / float64(s.Gold.Bytes)
}

// All is what a full backup holds: each content once.
func (s *Survey) All() Holding {
	all := s.Gold.Plus(s.Files).Plus(s.Other)
	return Holding{all.Files - s.GoldToo.Files, all.Bytes - s.GoldToo.Bytes, all.Disk - s.GoldToo.Disk}
}

// Kept is what a backup by gold holds.
func (s *Survey) Kept() Holding { return s.Gold.Plus(s.Unproven).Plus(s.Other) }

// MakeSurvey looks at an installation.
func MakeSurvey(ctx context.Context, db Installed, o SurveyOptions) (*Survey, error) {
	s := &Survey{Repository: o.Repository.Path, Time: o.Now().UTC(), Classes: map[prune.Class]Holding{}, Prunable: map[prune.Level]Holding{}}
	for _, step := range []func(context.Context, Installed, *SurveyOptions) error{s.sizes, s.classes, s.uploads} {
		if err := step(ctx, db, &o); err != nil {
			return nil, fmt.Errorf("survey of %s: %w", o.Repository.Path, err)
		}
	}
	return s, nil
}

func (s *Survey) trouble(err error) {
	if len(s.Troubles) < 20 {
		s.Troubles = append(s.Troubles, err.Error())
	}
}

// sizes adds up what stands where.
func (s *Survey) sizes(ctx context.Context, _ Installed, o *SurveyOptions) error {
	tops, err := o.Repository.Tops()
	if err != nil {
		return err
	}
	kind := map[string]string{}
	for _, top := range tops {
		kind[top] = path.Base(top)
	}
	entries := fossology.Follow(o.Entries, func(e snapshot.Entry) string { return e.Path }, fossology.ComparePaths)
	defer entries.Stop()
	for e, err := range fossology.Walk(ctx, o.Repository.Path, fossology.WalkOptions{}) {
		if err != nil {
			return err
		}
		if e.Kind == fossology.DirRead {
			s.Dirs++
		}
		if e.Kind == fossology.Unreadable {
			s.trouble(fmt.Errorf("%s: %w", e.Path, e.Err))
		}
		if e.Kind != fossology.FileFound || e.Stat.Mode&unix.S_IFMT != unix.S_IFREG {
			continue
		}
		if o.Progress != nil {
			o.Progress(1, e.Stat.Size)
		}
		known, err := entries.At(e.Path)
		if err != nil {
			return err
		}
		if len(known) > 0 {
			if disk, ok := o.disk(known[0].Object); ok {
				e.Stat.Blocks = disk / 512
			}
		}
		switch topKind(kind, e.Path) {
		case "gold":
			s.Gold.add(e.Stat.Size, e.Stat.Blocks)
			if there, err := o.Repository.Find("files", path.Base(e.Path)); err == nil {
				var st unix.Stat_t
				if unix.Lstat(there, &st) == nil && st.Size == e.Stat.Size {
					s.GoldToo.add(st.Size, e.Stat.Blocks)
				}
			}
		case "files":
			s.Files.add(e.Stat.Size, e.Stat.Blocks)
		default:
			s.Other.add(e.Stat.Size, e.Stat.Blocks)
		}
	}
	return nil
}

// topKind is gold or files if a path lies in one.
func topKind(kind map[string]string, path string) string {
	for at := range len(path) {
		if path[at] == '/' && kind[path[:at]] != "" {
			return kind[path[:at]]
		}
	}
	return ""
}

// classes says what the files are, and which of them gold brings back.
func (s *Survey) classes(ctx context.Context, db Installed, o *SurveyOptions) error {
	left := s.Files.Disk
	parts := fossology.Follow(db.Parts(ctx), func(x fossology.Part) fossology.Name { return x.Name }, fossology.Name.Compare)
	defer parts.Stop()
	for f, err := range o.Ledger.Files(ctx, o.Repository, db, s.trouble) {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if f.Absent || unix.Lstat(f.Path, &st) != nil {
			continue
		}
		of, err := parts.At(f.Name)
		if err != nil {
			return err
		}
		gold := false
		if !f.Name.IsZero() {
			at, err := o.Repository.Find("gold", f.Name.String())
			gold = err == nil && there(at)
		}
		if disk, ok := o.disk(f.BLAKE3); ok {
			st.Blocks = disk / 512
		}
		if len(of) == 0 || f.Name.IsZero() {
			s.Unknown.add(f.Size, st.Blocks)
		} else {
			s.class(of, &f, st.Blocks)
		}
		switch {
		case f.Class == goldindex.Confirmed:
			s.Proven.add(f.Size, st.Blocks)
		case !gold:
			s.Unproven.add(f.Size, st.Blocks)
			continue
		}
		left -= st.Blocks * 512
	}
	s.Unproven.Disk = max(0, left) // which is known of the whole more exactly
	return nil
}

// class adds a file to its class, and to what can be pruned.
func (s *Survey) class(of []fossology.Part, f *goldindex.File, blocks int64) {
	kinds := fossology.Kinds(0)
	for _, p := range of {
		kinds |= p.Kinds
	}
	c := s.Classes[prune.ClassOf(kinds)]
	c.add(f.Size, blocks)
	s.Classes[prune.ClassOf(kinds)] = c
	for _, level := range prune.Levels() {
		if f.Class == goldindex.Confirmed && level.Takes(kinds) {
			h := s.Prunable[level]
			h.add(f.Size, blocks)
			s.Prunable[level] = h
		}
	}
}

// disk is what an object takes in the store.
func (o *SurveyOptions) disk(object store.Hash) (int64, bool) {
	if o.Stored == nil || object == (store.Hash{}) {
		return 0, false
	}
	return o.Stored(object)
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// uploads goes through them, and asks the ledger what became of each.
func (s *Survey) uploads(ctx context.Context, db Installed, o *SurveyOptions) error {
	months, seen := map[string]*Month{}, map[fossology.Name]bool{}
	for u, err := range db.Uploads(ctx) {
		var bad *fossology.RowError
		if errors.As(err, &bad) {
			s.trouble(err)
			continue
		}
		if err != nil {
			return err
		}
		if !u.Living() {
			continue
		}
		s.Uploads++
		x := UploadSize{Upload: u.PK, Name: u.Filename, Gold: u.Name.Size}
		h, err := o.Ledger.Header(u.Name)
		known := err == nil
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, goldindex.ErrNotMade) {
			return err
		}
		if known {
			x.Out, x.Files, x.Seconds = h.Cost.Bytes, h.Cost.Files, h.Cost.Seconds
		}
		if !seen[u.Name] { // the same archive twice is unpacked once
			seen[u.Name] = true
			s.Rebuild.add(&x, known)
		}
		key := u.Time.UTC().Format("2006-01")
		if months[key] == nil {
			months[key] = &Month{Month: key}
		}
		m := months[key]
		m.Uploads, m.Gold, m.Out = m.Uploads+1, m.Gold+x.Gold, m.Out+x.Out
		s.largest(x)
	}
	for _, m := range months {
		s.Months = append(s.Months, *m)
	}
	slices.SortFunc(s.Months, func(a, b Month) int { return cmp.Compare(a.Month, b.Month) })
	return nil
}

func (r *Rebuild) add(u *UploadSize, known bool) {
	if !known {
		r.Missing++
		return
	}
	r.Golds++
	r.Seconds += u.Seconds
	r.Longest = max(r.Longest, u.Seconds)
	r.Bytes += u.Out
}

// largest keeps the uploads of which most came.
func (s *Survey) largest(x UploadSize) {
	s.Largest = append(s.Largest, x)
	slices.SortStableFunc(s.Largest, func(a, b UploadSize) int { return cmp.Compare(b.Gold+b.Out, a.Gold+a.Out) })
	s.Largest = s.Largest[:min(len(s.Largest), largestShown)]
}
