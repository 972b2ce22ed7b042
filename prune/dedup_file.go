package prune

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strings"
)

// endGroups is the last line of the plan of a dedup.
type endGroups struct {
	Groups int64  `json:"groups"`
	BLAKE3 string `json:"end"`
}

// Write writes the plan, with its groups.
func (p *DedupPlan) Write(w io.Writer) error {
	return writeLines(w, p, p.Each(0), func(g *Duplicates) any { return g }, func(n int64, sum string) any { return endGroups{n, sum} })
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
	if err := l.first(p); err != nil {
		return nil, err
	}
	if p.Kind != dedupKind {
		return nil, ErrNoPlan
	}
	if p.Format != planFormat {
		return nil, fmt.Errorf("it has format %d, this repotool knows %d", p.Format, planFormat)
	}
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
	last, sum, err := l.rest("groups", func(line []byte) error {
		var g Duplicates
		if json.Unmarshal(line, &g) != nil || !g.sound() {
			return ErrNoPlan
		}
		files += int64(len(g.Same))
		return p.spool.add(&g)
	})
	if err != nil {
		return err
	}
	var end endGroups
	if json.Unmarshal(last, &end) != nil || end.BLAKE3 != sum || end.Groups != p.spool.n || files != p.Same.Files {
		return ErrNoPlan
	}
	return nil
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
