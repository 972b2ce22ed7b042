package snapshot

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// FindingKind says what is wrong with something that was found.
type FindingKind string

// The kinds of findings.
const (
	ContentDiffers    FindingKind = "content-differs"  // a file's bytes are not those of its Name
	Unreadable        FindingKind = "unreadable"       // a file or directory cannot be read
	Changing          FindingKind = "changing"         // a file changed each time it was read
	SpecialFile       FindingKind = "special-file"     // a socket, device or named pipe: not kept
	LinkedDirectory   FindingKind = "linked-directory" // a symbolic link to a directory: the link is kept, not what it leads to
	StoreDamaged      FindingKind = "store-damaged"    // an object in the store was bad or missing
	ObjectLost        FindingKind = "object-lost"      // an object that the snapshot names is bad or missing, and the repository has not got its bytes
	NoFile            FindingKind = "no-file"          // the database refers to a file that is not in the repository
	Vanished          FindingKind = "vanished"         // the database refers to a file that is no longer in the repository; the snapshot has it
	NoRow             FindingKind = "no-row"           // a file that no row of the database refers to
	BadRow            FindingKind = "bad-row"          // a row of pfile holds no checksums and size
	NoGold            FindingKind = "no-gold"          // the gold of a living upload is not there
	OwnerUnknown      FindingKind = "owner-unknown"    // a user or group whose files are restored is not known on this host
	OwnerNotSet       FindingKind = "owner-not-set"    // a restored file's owner, mode or time could not be set
	DatabaseWarning   FindingKind = "database"         // pg_dump had something to say
	NoPasswords       FindingKind = "no-passwords"     // the dump of the roles has no passwords
	RowsDiffer        FindingKind = "rows-differ"      // the user's command for dumping wrote other rows than the database has
	InTheWay          FindingKind = "in-the-way"       // a directory where a restore has a file, or a file or link where it has a directory
	NothingSelected   FindingKind = "nothing-selected" // of what a restore was asked for, a part that the snapshot has not got
	ManyGone          FindingKind = "many-gone"        // most of what the last snapshot held is no longer there
	ClockBehind       FindingKind = "clock-behind"     // the newest snapshot is from the future
	OldSnapshot       FindingKind = "old-snapshot"     // an earlier snapshot cannot be read
	NoProof           FindingKind = "no-proof"         // whether gold brings a file back could not be looked up
	RecoveredManifest FindingKind = "recovered"        // the manifest was lost, and made anew from the day
	NotRebuilt        FindingKind = "not-rebuilt"      // gold did not bring a file back that was left out
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
		return "the object is good now; run 'repotool verify --repair': day directories may still show the old one"
	case ObjectLost:
		return "nothing has the bytes of this file any more but, perhaps, another copy of the store: copy the file of the object's name from its objects/; " +
			"else upload the file again. A restore leaves it out and says so"
	case NoFile, NoGold:
		return "the file is lost for FOSSology: look for it in earlier snapshots ('repotool restore --only NAME SNAPSHOT')"
	case Vanished:
		return "gold is not known to make it, so it was not pruned: bring it back ('repotool restore --only NAME latest'), or upload it again"
	case NoRow:
		return "normal for files that arrived during the run; FOSSology's maintagent removes others"
	case BadRow:
		return "FOSSology cannot find the file of such a row: look at it in table pfile; the rest of the snapshot is not touched by it"
	case OwnerUnknown:
		return "install FOSSology, which makes its user and group, and restore again: what is there and right stays; or set the owner afterwards (chown -R fossy:fossy)"
	case OwnerNotSet:
		return "run the restore as root, or set what is named afterwards (chown -R fossy:fossy)"
	case NoPasswords:
		return "name a superuser's connection: admin in the configuration, or --admin; or set the passwords by hand after a restore"
	case RowsDiffer:
		return "does the command leave something out, or did somebody work in the database meanwhile?"
	case ClockBehind:
		return "set the clock; if it was wrong before, rename that snapshot (and its day) to its true time: until then the names of new ones are not their times"
	case InTheWay:
		return "move it away and restore again: a restore replaces files by files only, and follows no link out of its directory (mount there what the link leads to)"
	case ManyGone:
		return "is all of the repository mounted, and is its path right? Earlier snapshots still hold the files"
	case NothingSelected:
		return (&SelectionError{}).Hint()
	case NoProof:
		return "the ledger of what gold makes is damaged: repotool snapshot --strategy gold --index run mends it"
	case RecoveredManifest:
		return "restore it as any other; what a day does not show has FOSSology's usual modes and owners"
	case NotRebuilt:
		return "restore again with the repotool and the tools that took the snapshot (see unpacker in repotool snapshots), or look for the file in another snapshot"
	case LinkedDirectory:
		return "back up what it leads to as well, or mount it there instead"
	}
	return ""
}

// firstFindings is how many findings of each kind are kept in memory.
const firstFindings = 5

// Findings collects findings, from several goroutines. It keeps their numbers
// and the first of each kind; all of them are in the record, if there is one.
type Findings struct {
	mu     sync.Mutex
	counts map[FindingKind]int64
	first  []Finding
	record *bufio.Writer
	err    error // of the record
}

// Record has every finding written to w from now on, as a line of JSON.
func (f *Findings) Record(w io.Writer) { f.record = bufio.NewWriter(w) }

// Add takes a finding.
func (f *Findings) Add(kind FindingKind, path, detail string) {
	x := Finding{kind, path, detail}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts == nil {
		f.counts = map[FindingKind]int64{}
	}
	if f.counts[kind]++; f.counts[kind] <= firstFindings {
		f.first = append(f.first, x)
	}
	if f.record == nil || f.err != nil {
		return
	}
	line, err := json.Marshal(x)
	if err == nil {
		_, err = f.record.Write(append(line, '\n'))
	}
	f.err = err
}

// Flush hands the rest to the record. Its error says that some are not in it.
func (f *Findings) Flush() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil && f.record != nil {
		f.err = f.record.Flush()
	}
	if f.err != nil {
		return fmt.Errorf("write findings: %w", f.err)
	}
	return nil
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

// First returns the first few of each kind.
func (f *Findings) First() []Finding {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Finding{}, f.first...)
}
