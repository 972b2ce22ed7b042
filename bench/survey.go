package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
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
	// Size is how many bytes it takes.
	Size(context.Context) (int64, error)
}

// SurveyOptions say what is looked at.
type SurveyOptions struct {
	Repository fossology.Repository
	Ledger     *goldindex.Ledger
	Now        func() time.Time
	// Stored, if not nil, says what a content takes in a store that has it: less than in the
	// repository, where much of it is zeros.
	Stored func(object store.Hash) (disk int64, ok bool)
	// Zeros lets large files of which no store says so be looked into for runs of zeros, for
	// which a store takes no room.
	Zeros bool
	// Entries, if not nil, are those of the last snapshot: they say which object is which file.
	Entries iter.Seq2[snapshot.Entry, error]
	// Progress, if not nil, is told of every file that was looked at.
	Progress func(files, bytes int64)
}

// A Holding counts files, and what they take.
type Holding struct {
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
	Disk  int64 `json:"disk"` // bytes of the blocks that they have; hard links share them evenly
	// Stored is what a store takes for them: less, where they have runs of zeros.
	Stored int64 `json:"stored"`
}

// A room is how many bytes of the disk a file takes, and how many a store takes for it.
type room struct{ disk, stored int64 }

func (h *Holding) add(bytes int64, r room) {
	h.Files++
	h.Bytes += bytes
	h.Disk += r.disk
	h.Stored += r.stored
}

// Plus is the sum of two.
func (h Holding) Plus(o Holding) Holding {
	return Holding{h.Files + o.Files, h.Bytes + o.Bytes, h.Disk + o.Disk, h.Stored + o.Stored}
}

// A Survey says what an installation holds. It is made by reading names, sizes and rows;
// unless Zeros is asked for, no file is opened.
type Survey struct {
	Repository string                  `json:"repository"`
	Time       time.Time               `json:"time"`
	Uploads    int64                   `json:"uploads"` // that have content
	First      time.Time               `json:"first"`   // of them; zero if there is none
	Gold       Holding                 `json:"gold"`
	Files      Holding                 `json:"files"`
	Dirs       int64                   `json:"directories"`
	DirsDisk   int64                   `json:"directoriesDisk"` // bytes of the blocks that they have
	Other      Holding                 `json:"other"`           // whatever else stands in the repository: logs, licences
	Work       Holding                 `json:"work"`            // files that agents have for their work, which no snapshot takes: ununpack, wget, *.I
	GoldToo    Holding                 `json:"goldToo"`         // of Files: gold has them, too; a store keeps them once
	Unproven   Holding                 `json:"unproven"`        // of Files: neither gold, nor proven to come of it: a backup of gold keeps them
	Classes    map[prune.Class]Holding `json:"classes"`         // of Files that a row refers to
	Unknown    Holding                 `json:"unknown"`         // of Files: no row refers to them
	Proven     Holding                 `json:"proven"`          // of Files: gold brings them back
	LeftOut    Holding                 `json:"leftOut"`         // of Proven: a backup by gold does not hold them
	// Prunable is what each level of a prune could take at most: what gold brings back, by class.
	Prunable map[prune.Level]Holding `json:"prunable"`
	// Undo is what it takes to bring that back.
	Undo     map[prune.Level]Making `json:"undo"`
	Database int64                  `json:"database"` // bytes, as PostgreSQL says
	Ledger   int64                  `json:"ledger"`   // bytes on the disk of the ledger, which lies in the store
	Rebuild  Rebuild                `json:"rebuild"`
	Months   []Month                `json:"months"`
	Largest  []UploadSize           `json:"largest"`
	ByHand   []Assumption           `json:"byHand,omitempty"` // the figures that it was made of, if nobody looked
	Opened   bool                   `json:"opened"`           // large files were looked into for zeros
	Troubles []string               `json:"troubles,omitempty"`
}

// Ratio is how many bytes of files there are for one of gold.
func (s *Survey) Ratio() float64 {
	if s.Gold.Bytes == 0 {
		return 0
	}
	return float64(s.Files.Bytes) / float64(s.Gold.Bytes)
}

// Share says how much of the bytes of files something has.
func (s *Survey) Share(h Holding) string {
	return fmt.Sprintf("%.0f %%", 100*float64(h.Bytes)/float64(max(1, s.Files.Bytes)))
}

// All is what a full backup holds: each content once, which takes Stored in a store.
func (s *Survey) All() Holding {
	all := s.Gold.Plus(s.Files).Plus(s.Other)
	return Holding{Files: all.Files - s.GoldToo.Files, Bytes: all.Bytes - s.GoldToo.Bytes, Stored: all.Stored - s.GoldToo.Stored}
}

// Kept is what a backup by gold holds.
func (s *Survey) Kept() Holding { return s.Gold.Plus(s.Unproven).Plus(s.Other) }

// MakeSurvey looks at an installation.
func MakeSurvey(ctx context.Context, db Installed, o SurveyOptions) (*Survey, error) {
	s := &Survey{Repository: o.Repository.Path, Opened: o.Zeros, Time: o.Now().UTC(), Classes: map[prune.Class]Holding{}, Prunable: map[prune.Level]Holding{},
		Undo: map[prune.Level]Making{}, Months: []Month{}, Largest: []UploadSize{}}
	var err error
	if s.Database, err = db.Size(ctx); err != nil {
		return nil, fmt.Errorf("survey of %s: %w", o.Repository.Path, err)
	}
	for _, step := range []func(context.Context, Installed, *SurveyOptions) error{s.sizes, s.classes, s.uploads} {
		if err := step(ctx, db, &o); err != nil {
			return nil, fmt.Errorf("survey of %s: %w", o.Repository.Path, err)
		}
	}
	return s, nil
}

// maxTroubles is how many are listed.
const maxTroubles = 20

func (s *Survey) trouble(err error) {
	if len(s.Troubles) < maxTroubles {
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
			s.DirsDisk += e.Stat.Blocks * 512
		}
		if e.Kind == fossology.Unreadable {
			s.trouble(fmt.Errorf("%s: %w", e.Path, e.Err))
		}
		if e.Kind == fossology.WorkFile {
			s.work(path.Join(o.Repository.Path, e.Path), o)
			continue
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
		var object store.Hash
		if len(known) > 0 {
			object = known[0].Object
		}
		r := o.room(object, path.Join(o.Repository.Path, e.Path), e.Stat.Size, e.Stat.Blocks, uint64(e.Stat.Links))
		s.stands(topKind(kind, e.Path), &e, r, o)
	}
	return nil
}

// stands counts a file of that kind.
func (s *Survey) stands(kind string, e *fossology.Event, r room, o *SurveyOptions) {
	switch kind {
	case "gold":
		s.Gold.add(e.Stat.Size, r)
		if there, err := o.Repository.Find("files", path.Base(e.Path)); err == nil {
			var st unix.Stat_t
			if unix.Lstat(there, &st) == nil && st.Size == e.Stat.Size {
				s.GoldToo.add(st.Size, room{share(st.Blocks, uint64(st.Nlink)), r.stored})
			}
		}
	case "files":
		s.Files.add(e.Stat.Size, r)
	default:
		s.Other.add(e.Stat.Size, r)
	}
}

// work counts the files of an agent at work. They come and go, so whatever is not there
// any more is no trouble.
func (s *Survey) work(name string, o *SurveyOptions) {
	err := filepath.WalkDir(name, func(at string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			s.trouble(err)
			return nil
		}
		var st unix.Stat_t
		if !d.Type().IsRegular() || unix.Lstat(at, &st) != nil {
			return nil
		}
		if o.Progress != nil {
			o.Progress(1, st.Size)
		}
		s.Work.add(st.Size, room{disk: share(st.Blocks, uint64(st.Nlink))}) // a store has none of it
		return nil
	})
	if err != nil {
		s.trouble(err)
	}
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

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
