package snapshot

import (
	"fmt"
	"sync"
)

// FindingKind says what is wrong with something that was found.
type FindingKind string

// The kinds of findings.
const (
	ContentDiffers  FindingKind = "content-differs"  // a file's bytes are not those of its Name
	Unreadable      FindingKind = "unreadable"       // a file or directory cannot be read
	Changing        FindingKind = "changing"         // a file changed each time it was read
	SpecialFile     FindingKind = "special-file"     // a socket, device or named pipe: not kept
	LinkedDirectory FindingKind = "linked-directory" // a symbolic link to a directory: the link is kept, not what it leads to
	StoreDamaged    FindingKind = "store-damaged"    // an object in the store was bad or missing
	NoFile          FindingKind = "no-file"          // the database refers to a file that is not in the repository
	NoRow           FindingKind = "no-row"           // a file that no row of the database refers to
	NoGold          FindingKind = "no-gold"          // the gold of a living upload is not there
	OwnerNotSet     FindingKind = "owner-not-set"    // a restored file's owner, mode or time could not be set
	NothingSelected FindingKind = "nothing-selected" // of what a restore was asked for, a part that the snapshot has not got
	DatabaseWarning FindingKind = "database"         // pg_dump had something to say, or the globals lack passwords
	OldSnapshot     FindingKind = "old-snapshot"     // an earlier snapshot cannot be read
)

// A Finding is something that a person should know, and that did not stop the
// run.
type Finding struct {
	Kind   FindingKind `json:"kind"`
	Path   string      `json:"path,omitempty"`
	Detail string      `json:"detail,omitempty"`
}

func (f Finding) String() string {
	if f.Detail == "" {
		return fmt.Sprintf("%s: %s", f.Kind, f.Path)
	}
	return fmt.Sprintf("%s: %s: %s", f.Kind, f.Path, f.Detail)
}

// Hint says what to do about findings of this kind.
func (k FindingKind) Hint() string {
	switch k {
	case ContentDiffers:
		return "the file is damaged: an earlier snapshot may hold it ('repotool restore --only NAME SNAPSHOT'), or upload it again"
	case Unreadable:
		return "run repotool as root, or look for a failing disk (dmesg)"
	case StoreDamaged:
		return "run 'repotool verify --repair'"
	case NoFile, NoGold:
		return "the file is lost for FOSSology: look for it in earlier snapshots ('repotool restore --only NAME SNAPSHOT')"
	case NoRow:
		return "normal for files that arrived during the run; FOSSology's maintagent removes others"
	case OwnerNotSet:
		return "run the restore as root, or set what is named afterwards (chown -R fossy:fossy)"
	case NothingSelected:
		return (&SelectionError{}).Hint()
	case LinkedDirectory:
		return "back up what it leads to as well, or mount it there instead"
	}
	return ""
}

// maxFindings is how many findings are kept word for word; the rest is counted.
const maxFindings = 10_000

// Findings collects findings, from several goroutines.
type Findings struct {
	mu     sync.Mutex
	counts map[FindingKind]int64
	list   []Finding
}

// Add takes a finding.
func (f *Findings) Add(kind FindingKind, path, detail string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts == nil {
		f.counts = map[FindingKind]int64{}
	}
	f.counts[kind]++
	if len(f.list) < maxFindings {
		f.list = append(f.list, Finding{kind, path, detail})
	}
}

// Counts returns how many there are of each kind.
func (f *Findings) Counts() map[FindingKind]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	counts := map[FindingKind]int64{}
	for k, n := range f.counts {
		counts[k] = n
	}
	return counts
}

// List returns those that were kept.
func (f *Findings) List() []Finding {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Finding(nil), f.list...)
}
