package prune

import (
	"fmt"
	"strings"

	"repotool/fossology"
)

// A Level says which classes of files go.
type Level string

// The levels; each holds what those before it hold.
const (
	Artifacts  Level = "artifacts"  // what the unpacker makes on its way: the cpio of an rpm
	Containers Level = "containers" // archives that were unpacked, in archives or as they were uploaded (gold stays)
	Derived    Level = "derived"    // everything that gold brings back
)

// Levels lists them as they are shown.
func Levels() []Level { return []Level{Artifacts, Containers, Derived} }

// ParseLevel reads the name of a level.
func ParseLevel(s string) (Level, error) {
	for _, l := range Levels() {
		if s == string(l) {
			return l, nil
		}
	}
	return "", fmt.Errorf("level %q: expected artifacts, containers or derived", strings.TrimSpace(s))
}

// Takes says whether a content that is all of that goes at this level.
func (l Level) Takes(k fossology.Kinds) bool {
	plain := k&(fossology.Leaf|fossology.Metadata|fossology.Unopened) != 0
	switch l {
	case Artifacts:
		return !plain && k&fossology.Intermediate != 0
	case Containers:
		return !plain && k&(fossology.Container|fossology.Intermediate) != 0
	case Derived:
		return true
	}
	return false
}

// A Class is what a victim is, for people: one of the words below.
type Class string

// The classes, from the one that is missed least.
const (
	Intermediate Class = "intermediate" // the cpio of an rpm, the tar of a tar.gz
	Archive      Class = "archive"      // an archive in an archive
	Uploaded     Class = "uploaded"     // the copy in files of what was uploaded
	Leaf         Class = "leaf"         // a file that was not unpacked, and that people and agents read
)

// Classes lists them as they are shown.
func Classes() []Class { return []Class{Intermediate, Archive, Uploaded, Leaf} }

// ClassOf is the class of a content that is all of that.
func ClassOf(k fossology.Kinds) Class {
	switch {
	case k&(fossology.Leaf|fossology.Metadata) != 0:
		return Leaf
	case k&fossology.Top != 0:
		return Uploaded
	case k&fossology.Container != 0:
		return Archive
	}
	return Intermediate
}
