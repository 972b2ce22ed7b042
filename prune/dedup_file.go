package prune

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strings"

	"github.com/zeebo/blake3"
)

// The plan of a dedup is written as that of a prune is: the plan, its groups, and a last
// line with their number and the BLAKE3 of all lines before it.

// endGroups is the last line.
type endGroups struct {
	Groups int64  `json:"groups"`
	BLAKE3 string `json:"end"`
}

// Write writes the plan, with its groups.
func (p *DedupPlan) Write(w io.Writer) error {
	h := blake3.New()
	b := bufio.NewWriterSize(w, 256<<10)
	e := json.NewEncoder(io.MultiWriter(b, h))
	if err := e.Encode(p); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	for g, err := range p.spool.all(0) {
		if err == nil {
			err = e.Encode(&g)
		}
		if err != nil {
			return fmt.Errorf("write plan: %w", err)
		}
	}
	err := json.NewEncoder(b).Encode(endGroups{p.spool.n, hex.EncodeToString(h.Sum(nil))})
	if err = errors.Join(err, b.Flush()); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// ReadDedupPlan reads what Write has written. tempDir is as in [DedupOptions].
func ReadDedupPlan(r io.Reader, tempDir string) (p *DedupPlan, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("read plan: %w", err)
		}
	}()
	l := newPlanLines(r)
	p = new(DedupPlan)
	if err := l.next(p); err != nil {
		return nil, err
	}
	if p.Kind != dedupKind {
		return nil, ErrNoPlan
	}
	if p.Format != planFormat {
		return nil, fmt.Errorf("it has format %d, this repotool knows %d", p.Format, planFormat)
	}
	l.count()
	if p.spool, err = newGroupSpool(tempDir); err != nil {
		return nil, err
	}
	if err := p.readGroups(l); err != nil {
		return nil, errors.Join(err, p.spool.close())
	}
	return p, nil
}

// readGroups reads all that follows the first line.
func (p *DedupPlan) readGroups(l *planLines) error {
	files := int64(0)
	for {
		if err := l.next(nil); err != nil {
			return err
		}
		if line := l.bytes(); bytes.HasPrefix(line, []byte(`{"groups":`)) {
			var end endGroups
			if json.Unmarshal(line, &end) != nil || end.BLAKE3 != l.sum() || end.Groups != p.spool.n || files != p.Same.Files {
				return ErrNoPlan
			}
			return nil
		}
		l.count()
		var g Duplicates
		if json.Unmarshal(l.bytes(), &g) != nil || !g.sound() {
			return ErrNoPlan
		}
		files += int64(len(g.Same))
		if err := p.spool.add(&g); err != nil {
			return err
		}
	}
}

// sound says whether a group is one that a plan can hold.
func (g *Duplicates) sound() bool {
	for _, m := range append(g.Same, g.Keep) {
		if m.Path == "" || path.Clean(m.Path) != m.Path || path.IsAbs(m.Path) || m.Path == ".." || strings.HasPrefix(m.Path, "../") || !strings.Contains(m.Path, "/") {
			return false
		}
	}
	return g.Size > 0 && g.Size < math.MaxInt64 && len(g.Same) > 0 && len(g.Same) <= maxGroup
}
