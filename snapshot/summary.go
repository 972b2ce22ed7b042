package snapshot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"repotool/store"
)

// A Summary says how a snapshot was made. It is summary.json beside the
// manifest, and what 'repotool snapshot --json' prints.
type Summary struct {
	Version      int                   `json:"version"`
	Installation string                `json:"installation"`
	Name         string                `json:"name"`
	Time         time.Time             `json:"time"`
	Repotool     string                `json:"repotool"`
	Strategy     string                `json:"strategy"`
	Detection    Detection             `json:"detection"`
	FullScan     bool                  `json:"fullScan"` // every directory was read
	Layout       Layout                `json:"dayLayout"`
	Files        int64                 `json:"files"`
	Bytes        int64                 `json:"bytes"`
	Types        map[string]Totals     `json:"types"`
	Read         Totals                `json:"read"`    // read from the repository
	Added        Totals                `json:"added"`   // new to the store
	Removed      int64                 `json:"removed"` // paths that are no longer there
	WorkFiles    int64                 `json:"workFiles"`
	Dirs         int64                 `json:"directories"`
	DirsRead     int64                 `json:"directoriesRead"`
	Standstill   float64               `json:"standstillSeconds"`
	StaleJobs    []int64               `json:"staleJobs,omitempty"`   // jq_pk, see Standstill
	UnseenHosts  []string              `json:"unseenHosts,omitempty"` // see Standstill
	Broken       bool                  `json:"standstillBroken,omitempty"`
	Seconds      float64               `json:"seconds"`
	Database     *DumpStats            `json:"database,omitempty"`
	Rows         map[string]int64      `json:"rows,omitempty"`
	FindingCount map[FindingKind]int64 `json:"findings"`
	First        []Finding             `json:"firstFindings"` // of each kind
}

func (s *Summary) addScan(r scanResult) {
	s.Read.Files += r.newFiles.Files
	s.Read.Bytes += r.newFiles.Bytes
	s.Added.Files += r.added.Files
	s.Added.Bytes += r.added.Bytes
	s.Removed += r.removed
	s.WorkFiles = r.workFiles
	s.Dirs = r.dirs
	s.DirsRead += r.dirsRead
}

func (s *Summary) addStandstill(still Standstill) {
	s.Standstill = still.Duration.Seconds()
	s.StaleJobs, s.UnseenHosts, s.Broken = still.StaleJobs, still.UnseenHosts, still.Broken
}

func (s *Summary) finish(t *taker) {
	total := t.manifest.Total()
	s.Files, s.Bytes, s.Types = total.Files, total.Bytes, t.manifest.Totals
	s.Rows = t.manifest.Rows
	if t.manifest.Database != nil {
		s.Database = &t.manifest.Database.Stats
	}
	s.Seconds = t.Now().Sub(t.started).Seconds()
	s.FindingCount = t.findings.Counts()
	s.First = t.findings.First()
}

// Findings says how many findings there are.
func (s *Summary) Findings() int64 {
	n := int64(0)
	for _, c := range s.FindingCount {
		n += c
	}
	return n
}

// write puts summary.json into dir.
func (s *Summary) write(dir string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "summary.json"), append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

// Contradicts says in which way a summary is not that of the manifest; ""
// if it is. Nothing is restored by what a summary says, but people read it.
func (s *Summary) Contradicts(m *Manifest) string {
	total := m.Total()
	switch {
	case s.Strategy == "":
		return "it cannot be read"
	case s.Files != total.Files || s.Bytes != total.Bytes:
		return fmt.Sprintf("it counts %d files of %d bytes, the manifest %d of %d", s.Files, s.Bytes, total.Files, total.Bytes)
	case !maps.Equal(s.Rows, m.Rows):
		return "it counts other rows than the manifest"
	}
	return ""
}

// listNames returns the names of an installation's snapshots, oldest first.
func listNames(st *store.Store, installation string) ([]string, error) {
	dirs, err := os.ReadDir(snapshotsDir(st, installation))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list snapshots: %w", err)
	}
	var names []string
	for _, d := range dirs {
		if _, err := time.Parse(TimeFormat, d.Name()); err == nil {
			names = append(names, d.Name())
		}
	}
	return names, nil
}

// Installations returns the names of the installations in a store, sorted.
func Installations(st *store.Store) ([]string, error) {
	dirs, err := os.ReadDir(st.Path("snapshots"))
	if err != nil {
		return nil, fmt.Errorf("list installations: %w", err)
	}
	var names []string
	for _, d := range dirs {
		if d.IsDir() && !strings.HasPrefix(d.Name(), ".") {
			names = append(names, d.Name())
		}
	}
	sort.Strings(names)
	return names, nil
}

// List returns the summaries of an installation's snapshots, oldest first. A
// summary that cannot be read is replaced by what its name says, with a
// finding.
func List(st *store.Store, installation string) ([]*Summary, error) {
	names, err := listNames(st, installation)
	if err != nil {
		return nil, err
	}
	list := make([]*Summary, len(names))
	for i, name := range names {
		list[i] = readSummary(st, installation, name)
	}
	return list, nil
}

func readSummary(st *store.Store, installation, name string) *Summary {
	s := new(Summary)
	b, err := os.ReadFile(filepath.Join(snapshotsDir(st, installation), name, "summary.json"))
	if err == nil {
		err = json.Unmarshal(b, s)
	}
	if err == nil && s.Name != name {
		err = fmt.Errorf("summary.json is that of snapshot %q", s.Name)
	}
	if err != nil {
		t, _ := time.Parse(TimeFormat, name)
		*s = Summary{Installation: installation, Name: name, Time: t, FindingCount: map[FindingKind]int64{OldSnapshot: 1},
			First: []Finding{{OldSnapshot, name, err.Error()}}}
	}
	return s
}

// resolve finds the one snapshot that ref names: a time or the beginning of
// one, "latest", or "latest~2" for the second before it.
func resolve(names []string, ref string) (string, error) {
	if rest, ok := strings.CutPrefix(ref, "latest"); ok {
		back := 0
		if rest != "" {
			n, err := strconv.Atoi(strings.TrimPrefix(rest, "~"))
			if err != nil || n < 0 || rest[0] != '~' {
				return "", &RefError{ref, names, "write latest~1 for the one before the latest"}
			}
			back = n
		}
		switch {
		case len(names) == 0:
			return "", &RefError{ref, names, "there are no snapshots"}
		case back >= len(names):
			return "", &RefError{ref, names, fmt.Sprintf("the oldest is latest~%d", len(names)-1)}
		}
		return names[len(names)-1-back], nil
	}
	var found []string
	for _, n := range names {
		if n == ref {
			return n, nil
		}
		if ref != "" && strings.HasPrefix(n, ref) {
			found = append(found, n)
		}
	}
	switch {
	case len(names) == 0:
		return "", &RefError{ref, names, "there are no snapshots"}
	case len(found) == 0:
		return "", &RefError{ref, names, "no snapshot begins like that"}
	case len(found) == 1:
		return found[0], nil
	}
	return "", &RefError{ref, names, fmt.Sprintf("%d snapshots begin like that, from %s to %s", len(found), found[0], found[len(found)-1])}
}

// A RefError says that a name stands for no snapshot, or for several.
type RefError struct {
	Ref    string
	Names  []string
	Reason string
}

func (e *RefError) Error() string { return fmt.Sprintf("snapshot %q: %s", e.Ref, e.Reason) }

// Unwrap makes it an ErrNoSnapshot.
func (e *RefError) Unwrap() error { return ErrNoSnapshot }

// Hint says what to do about it.
func (e *RefError) Hint() string {
	if len(e.Names) == 0 {
		return "this installation has no snapshot here; check --store and --installation"
	}
	return "'repotool snapshots' lists them; the latest is " + e.Names[len(e.Names)-1]
}
