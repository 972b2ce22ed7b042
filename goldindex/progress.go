package goldindex

import (
	"repotool/fossology"
	"repotool/unpack"
)

// A Phase names what an update is doing.
type Phase string

// The phases of an update.
const (
	PhaseCheck  Phase = "check ledger"  // its files are read and compared with their checksums
	PhaseUnpack Phase = "unpack gold"   // bytes are those of gold, files what comes out
	PhaseRead   Phase = "compare files" // with what gold makes
)

// Progress is told how far an update is, from several goroutines. What an earlier run
// has done is not part of what there is to do.
type Progress interface {
	// Begin says that a phase begins, and what there is to do; 0: not known.
	Begin(phase Phase, files, bytes int64)
	// Done says that so much more is done.
	Done(files, bytes int64)
}

// silence is the Progress that nobody sees.
type silence struct{}

func (silence) Begin(Phase, int64, int64) {}
func (silence) Done(int64, int64)         {}

// goldProgress tells how far one gold is, while it is being unpacked.
type goldProgress struct {
	to   Progress
	size int64 // of the gold
	told int64 // of its bytes
}

// content is Options.Content of package unpack: files are counted as they come, bytes
// as those of the gold pass.
func (g *goldProgress) content(n *unpack.Node) unpack.Content {
	g.to.Done(1, 0)
	if n.Top() {
		return g
	}
	return nil
}

func (g *goldProgress) Write(b []byte) (int, error) {
	g.told += int64(len(b))
	g.to.Done(0, int64(len(b)))
	return len(b), nil
}

// Close implements [unpack.Content].
func (g *goldProgress) Close(*unpack.Digests) error { return nil }

// over tells the rest: a gold that is cut short or damaged may not pass as a whole.
func (g *goldProgress) over() { g.to.Done(0, max(0, g.size-g.told)) }

// ahead is what there is to read, by the first byte of the SHA-1. So the Name at which
// a walk in the order of Names is says how much of it lies behind, be it there or absent.
type ahead struct {
	files, bytes [256]int64
	made         int64 // contents that golds make, read or not
}

// ahead sums up, from the segments alone, the contents that golds make and that were
// never read.
func (u *update) ahead() (a ahead, err error) {
	for m, err := range u.made() {
		if err != nil {
			return a, err
		}
		a.made++
		if !m.read {
			a.files[m.name.SHA1[0]]++
			a.bytes[m.name.SHA1[0]] += m.name.Size
		}
	}
	return a, nil
}

// until is what lies in front of a Name, the second byte of which says how far it is
// within its share.
func (a *ahead) until(n fossology.Name) (files, bytes int64) {
	first := int(n.SHA1[0])
	for i := range first {
		files += a.files[i]
		bytes += a.bytes[i]
	}
	part := int64(n.SHA1[1])
	return files + a.files[first]*part/256, bytes + a.bytes[first]/256*part
}

// all is the sum.
func (a *ahead) all() (files, bytes int64) {
	for i := range a.files {
		files += a.files[i]
		bytes += a.bytes[i]
	}
	return files, bytes
}

// readProgress tells how far the reading of files is.
type readProgress struct {
	to           Progress
	ahead        ahead
	files, bytes int64 // told
}

func (u *update) readProgress() (*readProgress, error) {
	a, err := u.ahead()
	p := &readProgress{to: u.o.Progress, ahead: a}
	files, bytes := a.all()
	p.to.Begin(PhaseRead, files, bytes)
	return p, err
}

// at tells that all is done up to a Name.
func (p *readProgress) at(n fossology.Name) { p.upTo(p.ahead.until(n)) }

// end tells that all is done.
func (p *readProgress) end() { p.upTo(p.ahead.all()) }

func (p *readProgress) upTo(files, bytes int64) {
	p.to.Done(files-p.files, bytes-p.bytes)
	p.files, p.bytes = files, bytes
}
