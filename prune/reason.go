package prune

// A Reason says why a file is no victim.
type Reason string

// The reasons, in the order in which they are asked; the first that holds is counted.
const (
	Unknown      Reason = "unknown"       // no row of the database refers to it
	OtherClass   Reason = "other-class"   // the level does not take what it is to one of its uploads
	Filtered     Reason = "filtered"      // the filters leave it out
	NotConfirmed Reason = "not-confirmed" // no gold was seen to make it, byte for byte
	GoldMissing  Reason = "gold-missing"  // gold does not hold the archives that make it
	OtherGold    Reason = "other-gold"    // an upload that has it has a gold that does not make it
	FewCopies    Reason = "few-copies"    // fewer golds make it than are wanted
	NotUnpacked  Reason = "not-unpacked"  // an upload that has it waits to be unpacked
	Job          Reason = "job"           // a job of an upload that has it runs or waits
	CutShort     Reason = "cut-short"     // the first unpack of an upload that has it did not come to its end
	NotBackedUp  Reason = "not-backed-up" // the last good snapshot does not know it
	RecentlyRead Reason = "recently-read" // somebody has used it lately
	Budget       Reason = "budget"        // enough is freed without it

	// Only the deed finds these.
	Gone        Reason = "gone"         // it is not there any more
	Changed     Reason = "changed"      // it is another file now, or has other links
	WrongBytes  Reason = "wrong-bytes"  // its bytes are not what gold makes
	GoldDamaged Reason = "gold-damaged" // the bytes of the gold are not those of its name
	NotProven   Reason = "not-proven"   // the ledger does not say any more that the gold makes it
	Unreadable  Reason = "unreadable"   // it, or its gold, could not be read

	// Only a dedup finds these.
	Shared    Reason = "shared"     // it shares its bytes already
	OtherDisk Reason = "other-disk" // its double is on another file system
	Metadata  Reason = "metadata"   // owner, mode, time or attributes are not those of its double
	InUse     Reason = "in-use"     // it, or its double, is open for writing
	Full      Reason = "full"       // its double has as many names as the file system lets it have
	Refused   Reason = "refused"    // the system does not allow it: an immutable file, somebody else's
	Different Reason = "different"  // its bytes, or its size, are not those of its double of the same Name
)

// Reasons lists them as they are shown.
func Reasons() []Reason {
	return []Reason{Unknown, OtherClass, Filtered, NotConfirmed, GoldMissing, OtherGold, FewCopies, NotUnpacked, Job, CutShort, NotBackedUp, RecentlyRead,
		Budget, Gone, Changed, WrongBytes, GoldDamaged, NotProven, Unreadable}
}

// DedupReasons lists those of a dedup as they are shown.
func DedupReasons() []Reason {
	return []Reason{Shared, OtherDisk, Metadata, Gone, Changed, InUse, Full, Refused, Different, Unreadable}
}

// A Sum counts files.
type Sum struct {
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
}

func (s *Sum) add(bytes int64) { s.Files++; s.Bytes += bytes }

// Kept counts files by the reason for which they stay.
type Kept map[Reason]Sum

func (k Kept) add(r Reason, bytes int64) {
	s := k[r]
	s.add(bytes)
	k[r] = s
}
