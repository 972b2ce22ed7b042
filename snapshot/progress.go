package snapshot

import "sync/atomic"

// A Phase names what a long operation is doing.
type Phase string

// The phases of taking, restoring and verifying.
const (
	PhaseScan     Phase = "scan"
	PhaseQuiesce  Phase = "quiesce"
	PhaseDatabase Phase = "database"
	PhaseRescan   Phase = "scan again"
	PhaseClosure  Phase = "closure check"
	PhaseDay      Phase = "day directory"
	PhaseSync     Phase = "sync"
	PhaseFiles    Phase = "files"
)

// Progress is how far an operation has come. It may be read at any time, from
// any goroutine. The zero value is ready.
type Progress struct {
	phase      atomic.Value // Phase
	Files      atomic.Int64 // done in this phase
	Bytes      atomic.Int64
	TotalFiles atomic.Int64 // 0: not known
	TotalBytes atomic.Int64
}

// Phase returns what is being done; "" before it begins.
func (p *Progress) Phase() Phase {
	phase, _ := p.phase.Load().(Phase)
	return phase
}

// Begin starts a phase and sets all counts back.
func (p *Progress) Begin(phase Phase, files, bytes int64) {
	p.Files.Store(0)
	p.Bytes.Store(0)
	p.TotalFiles.Store(files)
	p.TotalBytes.Store(bytes)
	p.phase.Store(phase)
}
