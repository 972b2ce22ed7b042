package unpack

import (
	"errors"
)

// A Skipped is something that an archive holds and that did not come out.
type Skipped struct {
	Path string // of the archive or the member
	Why  string
}

// MaxSkipped is how many are listed; all are counted.
const MaxSkipped = 1000

// maxShownPath is how much of a path that was refused is shown: names in archives
// may have any length.
const maxShownPath = 1024

// maxShownPlace is how much of an archive's place is shown: there may be as many names
// in it as there are directories in archives within archives.
const maxShownPlace = 16 << 10

// Limits that were reached.
var (
	errTime     = errors.New("the time for one upload is over")
	errMember   = errors.New("it is larger than one member may be")
	errBytes    = errors.New("more came out than one upload may hold")
	errRatio    = errors.New("more came out than is likely for an upload of this size")
	errEntries  = errors.New("it has more entries than one upload may have")
	errToolTime = errors.New("the time for one run of a tool is over")
	errStop     = errors.New("given up")
)

// skip reports something about a content.
func (u *run) skip(n *Node, why string) { u.skipIn(n, "", why) }

// skipIn reports something about a path in an archive; n is the archive if path is "".
func (u *run) skipIn(n *Node, path, why string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.skips++
	if len(u.skipped) >= MaxSkipped {
		return // before its path is made, which takes longer than counting
	}
	at := n.Path()
	at = at[:min(len(at), maxShownPlace)]
	if path != "" {
		at += "/" + DisplayName(path[:min(len(path), maxShownPath)])
	}
	u.skipped = append(u.skipped, Skipped{at, why[:min(len(why), maxShownPath)]}) // it may quote a link
}
