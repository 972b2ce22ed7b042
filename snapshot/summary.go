package snapshot

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"repotool/store"
)

// summaryVersion is the format of summaries. New keys do not change it.
const summaryVersion = 1

// A Summary says how a snapshot was made. It is summary.json beside the
// manifest, and what 'repotool snapshot --json' prints.
type Summary struct {
	Version      int                   `json:"version"`
	Installation string                `json:"installation"`
	Name         string                `json:"name"`
	Time         time.Time             `json:"time"`
	Repotool     string                `json:"repotool"`
	Strategy     string                `json:"strategy"`
	Scheme       Scheme                `json:"scheme,omitempty"` // "": linked
	Cycle        string                `json:"cycle,omitempty"`  // of SchemeRotating: the base it belongs to
	Rotation     *Rotation             `json:"rotation,omitempty"`
	Detection    Detection             `json:"detection"`
	FullScan     bool                  `json:"fullScan"` // every directory was read
	Layout       Layout                `json:"dayLayout"`
	Files        int64                 `json:"files"`
	Bytes        int64                 `json:"bytes"`
	Types        map[string]Totals     `json:"types"`
	LeftOut      Totals                `json:"leftOut,omitzero"`   // of Files: gold, which is in the snapshot, brings them back
	Unpacker     string                `json:"unpacker,omitempty"` // by which that was proven
	Read         Totals                `json:"read"`               // read from the repository
	Added        Totals                `json:"added"`              // new to the store
	Removed      int64                 `json:"removed"`            // paths that are no longer there
	Pruned       Totals                `json:"pruned,omitzero"`    // of Files: the repository has not got them, and gold brings them back
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
	First        []Finding             `json:"firstFindings"`    // of each kind
	Record       string                `json:"record,omitempty"` // BLAKE3 of the record of all findings
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
	s.count(t.manifest)
	s.Seconds = t.Now().Sub(t.started).Seconds()
	s.FindingCount = t.findings.Counts()
	s.First = t.findings.First()
}

// DayDir is the snapshot's day directory, if it has one, relative to the store.
func (s *Summary) DayDir() string {
	day := "days/" + s.Installation + "/" + s.Name
	if s.Cycle != "" {
		return "cycles/" + s.Installation + "/" + s.Cycle + "/" + day
	}
	return day
}

// count takes what a manifest says itself.
func (s *Summary) count(m *Manifest) {
	total := m.Total()
	s.Files, s.Bytes, s.Types, s.Rows = total.Files, total.Bytes, m.Totals, m.Rows
	s.LeftOut, s.Unpacker = m.LeftOut, m.Unpacker
	if m.Database != nil {
		s.Database = &m.Database.Stats
	}
}

// Known says whether it is what a run wrote, and not what stands in for a
// summary.json that cannot be read.
func (s *Summary) Known() bool { return s.Strategy != "" }

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
	if err := os.WriteFile(filepath.Join(dir, "summary.json"), store.Seal(b), 0o644); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

// CheckSummary says whether summary.json is as it was written.
func (s *Snapshot) CheckSummary() error {
	b, err := os.ReadFile(filepath.Join(snapshotsDir(s.Store, s.Manifest.Installation), s.Name(), "summary.json"))
	if err != nil {
		return err
	}
	return store.CheckSealed(b, new(Summary))
}

// Contradicts says in which way a summary is not that of the manifest; ""
// if it is. Nothing is restored by what a summary says, but people read it.
func (s *Summary) Contradicts(m *Manifest) string {
	total := m.Total()
	switch {
	case !s.Known():
		return "it cannot be read"
	case s.Files != total.Files || s.Bytes != total.Bytes:
		return fmt.Sprintf("it counts %d files of %d bytes, the manifest %d of %d", s.Files, s.Bytes, total.Files, total.Bytes)
	case !maps.Equal(s.Rows, m.Rows):
		return "it counts other rows than the manifest"
	}
	return ""
}
