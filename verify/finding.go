package verify

import "sync"

// A Kind says what is wrong.
type Kind string

// The kinds of findings, the worst first.
const (
	ManifestUnreadable Kind = "manifest-unreadable" // a snapshot cannot be opened at all
	ObjectMissing      Kind = "object-missing"      // a snapshot names an object that is not there
	ObjectDamaged      Kind = "object-damaged"      // an object's bytes are not those of its name
	DayIncomplete      Kind = "day-incomplete"      // a day directory lacks a file or shows another one
	SummaryDamaged     Kind = "summary-damaged"     // summary.json is missing, damaged, or not this snapshot's
	FileDamaged        Kind = "file-damaged"        // a file of the repository is not what its name says
	FileUnreadable     Kind = "file-unreadable"     // a file of the repository cannot be read
	FileMissing        Kind = "file-missing"        // the database refers to a file that is not there
	GoldMissing        Kind = "gold-missing"        // the gold of a living upload is not there
	NoRow              Kind = "no-row"              // a file that no row of the database refers to
)

// Hint says what to do about findings of this kind.
func (k Kind) Hint() string {
	switch k {
	case ManifestUnreadable:
		return "other snapshots are not touched by it; its day directory, if it has one, still can be restored by hand (RESTORE.txt)"
	case ObjectMissing, ObjectDamaged:
		return "run 'repotool verify --repair' while the file still is in the repository; the next snapshot stores it again if it must read it"
	case DayIncomplete:
		return "the snapshot itself is not touched by it: restore with repotool, not by hand"
	case SummaryDamaged:
		return "what can be restored is not touched by it: restore goes by the manifest alone"
	case FileDamaged:
		return "bring back the file from a snapshot: 'repotool restore --only NAME latest'"
	case FileUnreadable:
		return "run repotool as root, or look for a failing disk (dmesg)"
	case FileMissing, GoldMissing:
		return "look for it in snapshots: 'repotool restore --only NAME'"
	case NoRow:
		return "normal for files that arrived during the check; FOSSology's maintagent removes others"
	}
	return ""
}

// A Finding is one thing that is not as it should be.
type Finding struct {
	Kind     Kind   `json:"kind"`
	What     string `json:"what"`               // object, path or snapshot
	Detail   string `json:"detail,omitempty"`   // what was found instead
	Snapshot string `json:"snapshot,omitempty"` // that suffers from it
	Repaired bool   `json:"repaired,omitempty"`
}

// maxFindings is how many findings of a report are kept; the rest is counted.
const maxFindings = 10_000

// findings collects from several goroutines.
type findings struct {
	mu     sync.Mutex
	counts map[Kind]int64
	list   []Finding
}

func (f *findings) add(x Finding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts == nil {
		f.counts = map[Kind]int64{}
	}
	f.counts[x.Kind]++
	if len(f.list) < maxFindings {
		f.list = append(f.list, x)
	}
}

// A Report says what was checked, and what was found.
type Report struct {
	Objects   int64          `json:"objects"`   // read
	Skipped   int64          `json:"skipped"`   // objects not read, because of Sample or Budget
	Bytes     int64          `json:"bytes"`     // read
	Snapshots int64          `json:"snapshots"` // checked for completeness
	Files     int64          `json:"files"`     // entries of snapshots, or files of the repository
	Repaired  int64          `json:"repaired"`
	Counts    map[Kind]int64 `json:"findings"`
	Findings  []Finding      `json:"list"`
}

// Good says whether nothing is wrong, or no longer.
func (r *Report) Good() bool {
	n := -r.Repaired
	for _, c := range r.Counts {
		n += c
	}
	return n <= 0
}

func (f *findings) into(r *Report) *Report {
	r.Counts, r.Findings = f.counts, f.list
	if r.Counts == nil {
		r.Counts = map[Kind]int64{}
	}
	for _, x := range f.list {
		if x.Repaired {
			r.Repaired++
		}
	}
	return r
}
