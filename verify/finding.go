package verify

import (
	"errors"
	"sync"
	"sync/atomic"

	"repotool/snapshot"
	"repotool/store"
)

// A Kind says what is wrong.
type Kind string

// The kinds of findings, the worst first.
const (
	ManifestUnreadable Kind = "manifest-unreadable" // a snapshot cannot be opened at all
	CycleUnreadable    Kind = "cycle-unreadable"    // a cycle of the scheme rotating cannot be opened
	ObjectMissing      Kind = "object-missing"      // a snapshot names an object that is not there
	ObjectDamaged      Kind = "object-damaged"      // an object's bytes are not those of its name
	ObjectUnreadable   Kind = "object-unreadable"   // an object cannot be read
	ObjectExposed      Kind = "object-exposed"      // an object can be changed by others than the store's owner, or by mistake
	FolderUnreadable   Kind = "folder-unreadable"   // a folder of objects cannot be read
	LeftOutLost        Kind = "left-out-lost"       // files were left out, and the gold that makes them is not there, or bad
	NotRebuilt         Kind = "not-rebuilt"         // files were left out, and their gold does not make them
	DayIncomplete      Kind = "day-incomplete"      // a day directory lacks a file or shows another one
	Orphaned           Kind = "orphaned"            // a day without a snapshot, or what is neither among them
	SummaryDamaged     Kind = "summary-damaged"     // summary.json is missing, damaged, or not this snapshot's
	FindingsDamaged    Kind = "findings-damaged"    // findings.jsonl is not what summary.json counts
	PinDamaged         Kind = "pin-damaged"         // pinned.json is not as it was written
	HeaderDamaged      Kind = "header-damaged"      // store.json or README.txt is not as it was written
	PlaceNotKept       Kind = "place-not-kept"      // where the next check with a budget is to begin could not be written
	FileDamaged        Kind = "file-damaged"        // a file of the repository is not what its name says
	FileUnreadable     Kind = "file-unreadable"     // a file of the repository cannot be read
	FileMissing        Kind = "file-missing"        // the database refers to a file that is not there
	GoldMissing        Kind = "gold-missing"        // the gold of a living upload is not there
	NoRow              Kind = "no-row"              // a file that no row of the database refers to
	BadRow             Kind = "bad-row"             // a row of pfile holds no checksums and size
)

// Hint says what to do about findings of this kind.
func (k Kind) Hint() string {
	switch k {
	case ManifestUnreadable:
		return "other snapshots are not touched by it; its day directory, if it has one, still can be restored by hand (RESTORE.txt)"
	case CycleUnreadable:
		return "'repotool recover' makes its store.json anew; its days can be restored by hand (RESTORE.txt)"
	case ObjectMissing, ObjectDamaged:
		return "run 'repotool verify --repair' soon: it takes the bytes from the live repository while they still are there"
	case ObjectUnreadable:
		return "run repotool as the store's owner; if a disk is failing (dmesg), 'repotool verify --repair' takes the bytes from the live repository"
	case ObjectExposed:
		return "its file has a name outside of the store (a day copied with cp -l, or moved?): replace those by copies; " +
			"then, in the store: chown -R --reference=. objects; find objects -type f -exec chmod 0444 {} +"
	case FolderUnreadable:
		return "run repotool as the store's owner, or look for a failing disk (dmesg); of the objects in it nothing is known"
	case LeftOutLost:
		return "mend the gold's object ('repotool verify --repair'), and take a new snapshot: it keeps what gold no longer brings back"
	case NotRebuilt:
		return "the unpacker, a tool of the system or the gold has changed since: take a new snapshot, which keeps what gold no longer brings back"
	case DayIncomplete:
		return "the snapshot itself is not touched by it, and 'repotool verify --repair' makes the day's files again; until then restore with repotool, not by hand"
	case Orphaned:
		return "if its snapshot was deleted, remove this as well (README.txt in the store); if not, bring snapshots/ back from a copy of the store; a day can be restored by hand (RESTORE.txt)"
	case PinDamaged:
		return "the snapshot is kept all the same: pin it again (repotool pin), or take the pin away (repotool unpin)"
	case HeaderDamaged:
		return "what is stored is not touched by it; 'repotool verify --repair' writes store.json and README.txt anew"
	case FindingsDamaged:
		return "what can be restored is not touched by it; how many findings there were stands in summary.json"
	case SummaryDamaged:
		return "what can be restored is not touched by it: restore goes by the manifest alone"
	case PlaceNotKept:
		return "the next check with a budget begins where this one did: run as the store's owner, make room, or leave the budget out, which writes nothing"
	case FileDamaged:
		return "the newest snapshot that holds it may have good bytes, or an earlier one ('repotool restore --only NAME SNAPSHOT'); or upload it again"
	case FileUnreadable:
		return "run repotool as root, or look for a failing disk (dmesg)"
	case FileMissing, GoldMissing:
		return "look for it in snapshots: 'repotool restore --only NAME latest'"
	case NoRow:
		return "FOSSology does not know these files; its maintagent removes them"
	case BadRow:
		return "FOSSology cannot find the file of such a row: look at it in table pfile"
	}
	return ""
}

// HintAfterRepair says what to do about findings of this kind that a repair
// could not put right.
func (k Kind) HintAfterRepair() string {
	switch k {
	case ObjectMissing, ObjectDamaged, ObjectUnreadable:
		return "the live repository has not got these bytes: if there is another copy of the store, copy the file of this name from its objects/; " +
			"else what needs it is lost in the snapshots named, and restore leaves it out and says so"
	}
	if k == DayIncomplete {
		return "the snapshot itself is not touched by it: restore with repotool, not by hand; or remove this day (README.txt in the store says how)"
	}
	return k.Hint()
}

// A Finding is one thing that is not as it should be.
type Finding struct {
	Kind   Kind   `json:"kind"`
	What   string `json:"what"`             // object, path or snapshot
	Detail string `json:"detail,omitempty"` // what was found instead
	For    string `json:"for,omitempty"`    // what the first snapshot needs the object for: a path, database/… or manifest

	// The first snapshot that suffers from it, and how many do.
	Installation string `json:"installation,omitempty"`
	Snapshot     string `json:"snapshot,omitempty"`
	Snapshots    int64  `json:"snapshots,omitempty"`

	Cycle    string `json:"cycle,omitempty"` // where What is, if it is a path of a store: the base of the cycle
	Repaired bool   `json:"repaired,omitempty"`

	last string // of the snapshots that suffer
}

// suffer notes that a snapshot suffers from it; they come one after another.
func (x *Finding) suffer(installation, name, what string) {
	if x.Snapshots == 0 {
		x.For, x.Installation, x.Snapshot = what, installation, name
	}
	if key := installation + "/" + name; x.last != key {
		x.Snapshots, x.last = x.Snapshots+1, key
	}
}

// maxFindings is how many findings of a report are listed; the rest is counted.
// Of bad objects and what days lack all are remembered, since a repair needs them.
const maxFindings = 10_000

// notListed is in the place of an index.
const notListed = -1

// findings collects from several goroutines.
type findings struct {
	mu      sync.Mutex
	counts  map[Kind]int64
	list    []Finding
	objects map[store.Hash]int            // bad ones: where in list, or notListed
	bad     atomic.Bool                   // there are some
	days    map[string]map[store.Hash]int // the same for what a day lacks, by day and pathKey
	open    map[store.Hash]bool           // exposed ones that are listed; their bytes are not bad
}

// add takes a finding.
func (f *findings) add(x Finding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count(x)
}

// of takes a finding about a snapshot.
func (f *findings) of(s *snapshot.Snapshot, x Finding) {
	x.suffer(s.Manifest.Installation, s.Name(), "")
	f.add(x)
}

// pathKey stands for a path where many may have to be remembered.
func pathKey(path string) store.Hash { return store.Sum([]byte(path)) }

// day takes what is wrong with a file of a snapshot's day.
func (f *findings) day(s *snapshot.Snapshot, path, detail string) {
	x := Finding{Kind: DayIncomplete, What: path, Detail: detail}
	x.suffer(s.Manifest.Installation, s.Name(), "")
	f.mu.Lock()
	defer f.mu.Unlock()
	at := notListed
	if f.count(x) {
		at = len(f.list) - 1
	}
	dir := dayDir(s)
	if f.days == nil {
		f.days = map[string]map[store.Hash]int{}
	}
	if f.days[dir] == nil {
		f.days[dir] = map[store.Hash]int{}
	}
	f.days[dir][pathKey(path)] = at
}

// count adds up, and keeps what there is room for. It says whether there was.
func (f *findings) count(x Finding) bool {
	if f.counts == nil {
		f.counts = map[Kind]int64{}
	}
	f.counts[x.Kind]++
	if len(f.list) == maxFindings {
		return false
	}
	f.list = append(f.list, x)
	return true
}

// object takes what is wrong with an object, once.
func (f *findings) object(h store.Hash, kind Kind, detail string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.objects[h]; known {
		return
	}
	if f.objects == nil {
		f.objects = map[store.Hash]int{}
	}
	f.objects[h] = notListed
	if f.count(Finding{Kind: kind, What: h.String(), Detail: detail}) {
		f.objects[h] = len(f.list) - 1
	}
	f.bad.Store(true)
}

// exposed takes an object that others can change. A snapshot may need it often: once
// is enough, as far as there is a list to look in.
func (f *findings) exposed(h store.Hash, detail string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open[h] {
		return
	}
	if f.open == nil {
		f.open = map[store.Hash]bool{}
	}
	if f.count(Finding{Kind: ObjectExposed, What: h.String(), Detail: detail}) {
		f.open[h] = true
	}
}

// unlike takes what a check of an object has shown.
func (f *findings) unlike(h store.Hash, err error) {
	var damaged *store.DamagedError
	kind := ObjectUnreadable
	switch {
	case errors.Is(err, store.ErrNoObject):
		kind = ObjectMissing
	case errors.As(err, &damaged):
		kind = ObjectDamaged
	}
	f.object(h, kind, err.Error())
}

// about says what is known to be wrong with an object; "": nothing.
func (f *findings) about(h store.Hash) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, bad := f.objects[h]
	switch {
	case !bad:
		return ""
	case i == notListed:
		return "its object is bad"
	}
	return string(f.list[i].Kind) + ": " + f.list[i].Detail
}

// needed notes that a snapshot needs an object, if the object is known to be bad.
func (f *findings) needed(s *snapshot.Snapshot, u snapshot.Use) {
	if !f.bad.Load() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if i, bad := f.objects[u.Object]; bad && i != notListed {
		f.list[i].suffer(s.Manifest.Installation, s.Name(), u.For)
	}
}

// into completes a report.
func (f *findings) into(r *Report) *Report {
	r.Counts, r.Findings, r.bad, r.days = f.counts, f.list, f.objects, f.days
	r.NotListed = -int64(len(f.list))
	for _, n := range f.counts {
		r.NotListed += n
	}
	if r.Counts == nil {
		r.Counts = map[Kind]int64{}
	}
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
	return r
}
