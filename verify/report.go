package verify

import (
	"repotool/snapshot"
	"repotool/store"
)

// A Scope says what a report is about.
type Scope string

// The scopes.
const (
	ScopeStore    Scope = "store"    // the objects' bytes, and all snapshots
	ScopeSnapshot Scope = "snapshot" // one snapshot
	ScopeSource   Scope = "source"   // the repository
)

// A Report says what was checked, and what was found.
type Report struct {
	Scope            Scope          `json:"scope"`
	Snapshot         string         `json:"snapshot,omitempty"`   // of ScopeSnapshot: its name
	Objects          int64          `json:"objects"`              // read; of ScopeSnapshot one that serves several files as often as it does
	Skipped          int64          `json:"skipped"`              // objects not read, because of Sample or Budget
	Bytes            int64          `json:"bytes"`                // read
	Snapshots        int64          `json:"snapshots"`            // checked for completeness
	SnapshotsSkipped int64          `json:"snapshotsSkipped"`     // not checked, because of Budget
	Files            int64          `json:"files"`                // of snapshots, or of the repository
	LeftOut          int64          `json:"leftOut"`              // of snapshots' files, those that gold brings back
	Unnamed          int64          `json:"unnamed"`              // files of the repository that have no checksum for a name: not checked
	Pruned           int64          `json:"pruned"`               // files that are not in the repository, and that gold makes
	Compared         bool           `json:"compared"`             // the repository with the rows of the database
	Repaired         int64          `json:"repaired"`             // objects, and files of days
	Quarantine       string         `json:"quarantine,omitempty"` // where a repair put what it replaced
	Counts           map[Kind]int64 `json:"findings"`
	Findings         []Finding      `json:"findingList"`
	NotListed        int64          `json:"notListed"` // findings that are counted only

	Rebuild *snapshot.RebuildReport `json:"rebuild,omitempty"` // what was unpacked to compare what was left out

	in   *store.Store                  // of ScopeSnapshot: the store that holds it, which may be a cycle
	bad  map[store.Hash]int            // objects that are damaged or missing: where in Findings, or notListed
	days map[string]map[store.Hash]int // the same for what a day lacks, by day and pathKey
}

// Wrong is how many findings there are that were not put right.
func (r *Report) Wrong() int64 {
	n := -r.Repaired
	for _, c := range r.Counts {
		n += c
	}
	return n
}

// Good says whether nothing is wrong, or no longer.
func (r *Report) Good() bool { return r.Wrong() <= 0 }
