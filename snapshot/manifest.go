package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"strings"
	"time"

	"repotool/store"
)

// Version is the format of manifests that this package writes. Since version 2
// files may be left out; a reader of version 1 would think them stored. Since version 3
// there are files that the repository has not got any more.
const Version = 3

// TimeFormat is the name of a snapshot: UTC, sortable, and a file name.
const TimeFormat = "2006-01-02T150405Z"

// Reading a manifest.
var (
	// ErrNoSnapshot: nothing answers to the name.
	ErrNoSnapshot = errors.New("no such snapshot")
	// ErrDamagedManifest: a manifest, or a segment of it, is missing or is
	// not what was written.
	ErrDamagedManifest error = damagedManifest{}
)

type damagedManifest struct{}

func (damagedManifest) Error() string { return "damaged manifest" }

// Hint says what to do about it.
func (damagedManifest) Hint() string {
	return "use another snapshot ('repotool snapshots'), or RESTORE.txt in this one's day: it needs no manifest"
}

// A Segment is an object that holds entries of a manifest.
type Segment struct {
	Object  store.Hash `json:"object"`
	Entries int64      `json:"entries"`
	Bytes   int64      `json:"bytes"`
}

// Totals counts the files of a snapshot.
type Totals struct {
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
}

// A Manifest is what a snapshot consists of. On disk it is one line of JSON,
// and a second line with the BLAKE3-256 of the first.
type Manifest struct {
	Version      int               `json:"version"`
	Installation string            `json:"installation"`
	Time         time.Time         `json:"time"`
	Strategy     string            `json:"strategy"` // full or gold
	Depth        int               `json:"depth"`    // fan-out of the repository
	Repository   string            `json:"repository"`
	DirMode      DirMeta           `json:"dirMode"`
	Owners       Owners            `json:"owners,omitzero"`
	Segments     []Segment         `json:"segments"`           // oldest first; a later one overrules
	Totals       map[string]Totals `json:"totals"`             // by type: gold, files, logs, …
	LeftOut      Totals            `json:"leftOut,omitzero"`   // of them, those that gold brings back
	Unpacker     string            `json:"unpacker,omitempty"` // by which that was proven
	Gone         Totals            `json:"gone,omitzero"`      // of them, those that the repository has not got any more
	Database     *Dump             `json:"database,omitempty"`
	Rows         map[string]int64  `json:"rows,omitempty"`       // of upload, pfile, uploadtree, jobqueue
	RestoreText  store.Hash        `json:"restoreText,omitzero"` // of RESTORE.txt; zero: no day, or not recorded
	Chain        []string          `json:"chain,omitempty"`      // the days that this one's builds on, the base first; none: it is complete
	Removed      store.Hash        `json:"removed,omitzero"`     // of what RemovedList lists; zero: no such list
}

// DirMeta is the mode and owner of every directory that has no entry of its own.
type DirMeta struct {
	Mode uint32 `json:"mode"`
	UID  uint32 `json:"uid"`
	GID  uint32 `json:"gid"`
}

// Name is the snapshot's name, made of its time.
func (m *Manifest) Name() string { return m.Time.UTC().Format(TimeFormat) }

// RestoredRows are the rows that the main database must have once its dump is loaded.
func (m *Manifest) RestoredRows() map[string]int64 {
	if m.Database != nil && len(m.Database.Rows) > 0 {
		return m.Database.Rows
	}
	return m.Rows
}

// Total adds up all types.
func (m *Manifest) Total() Totals {
	var t Totals
	for _, x := range m.Totals {
		t.Files += x.Files
		t.Bytes += x.Bytes
	}
	return t
}

// databaseFiles yields where the pieces of the dump stand in a day.
func (m *Manifest) databaseFiles() iter.Seq2[string, store.Hash] {
	return func(yield func(string, store.Hash) bool) {
		if m.Database == nil {
			return
		}
		for _, part := range m.Database.Parts {
			for i, piece := range part.Pieces {
				if !yield("database/"+part.PieceName(i), piece.Object) {
					return
				}
			}
		}
	}
}

// encode writes the manifest's two lines.
func (m *Manifest) encode() ([]byte, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	sum := store.Sum(b)
	return append(append(append(b, '\n'), sum.String()...), '\n'), nil
}

// decodeManifest is the reverse of encode.
func decodeManifest(b []byte) (*Manifest, error) {
	line, rest, _ := bytes.Cut(b, []byte("\n"))
	if strings.TrimSuffix(string(rest), "\n") != store.Sum(line).String() {
		return nil, ErrDamagedManifest
	}
	var m Manifest
	if err := json.Unmarshal(line, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamagedManifest, err)
	}
	if m.Version > Version {
		return nil, fmt.Errorf("manifest version %d, this repotool knows %d: %w", m.Version, Version, store.ErrNewerFormat)
	}
	return &m, nil
}

func readManifest(name string) (*Manifest, error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrDamagedManifest, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	m, err := decodeManifest(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// typeOf is the type in a repository path: the second part, or the first
// where there is no host.
func typeOf(path string) string {
	first, rest, ok := strings.Cut(path, "/")
	if !ok {
		return "other"
	}
	switch first {
	case "gold", "files", "license", "logs", "test":
		return first
	}
	second, _, ok := strings.Cut(rest, "/")
	if !ok {
		return "other"
	}
	return second
}
