package prune

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"repotool/fossology"
)

// victimLine is a victim in a plan that is written.
type victimLine struct {
	Name   string `json:"name"`
	Gold   int    `json:"gold"`
	Host   string `json:"host,omitempty"`
	Class  Class  `json:"class"`
	Upload int64  `json:"upload"`
	Inode  uint64 `json:"inode"`
	Links  uint32 `json:"links"`
	Freed  int64  `json:"freed"`
	BLAKE3 string `json:"blake3"`
}

// endLine is the last line.
type endLine struct {
	Victims int64  `json:"victims"`
	BLAKE3  string `json:"end"`
}

// Write writes the plan, with its victims.
func (p *Plan) Write(w io.Writer) error {
	return writeLines(w, p, p.Each(0), func(v *Victim) any {
		return victimLine{v.Name.String(), v.Gold, v.Host, v.Class, v.Upload, v.Inode, v.Links, v.Freed, hex.EncodeToString(v.BLAKE3[:])}
	}, func(n int64, sum string) any { return endLine{n, sum} })
}

// ReadPlan reads what Write has written. tempDir is as in [Options].
func ReadPlan(r io.Reader, tempDir string) (p *Plan, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("read plan: %w", err)
		}
	}()
	l := newPlanLines(r)
	p = new(Plan)
	if err := l.first(p); err != nil {
		return nil, err
	}
	if p.Format != planFormat {
		return nil, fmt.Errorf("it has format %d, this repotool knows %d", p.Format, planFormat)
	}
	if p.spool, err = newSpool(tempDir); err != nil {
		return nil, err
	}
	last, sum, err := l.rest("victims", p.addLine)
	if err == nil {
		err = p.endsWith(last, sum)
	}
	if err != nil {
		return nil, errors.Join(err, p.spool.close())
	}
	return p, nil
}

func (p *Plan) addLine(line []byte) error {
	var l victimLine
	if json.Unmarshal(line, &l) != nil {
		return ErrNoPlan
	}
	n, ok := fossology.ParseName(l.Name)
	sum, err := hex.DecodeString(l.BLAKE3)
	if !ok || err != nil || len(sum) != 32 || l.Gold < 0 || l.Gold >= len(p.Golds) || !slices.Contains(Classes(), l.Class) || strings.Contains(l.Host, "/") {
		return ErrNoPlan
	}
	return p.spool.add(&Victim{n, [32]byte(sum), l.Gold, l.Host, l.Class, l.Upload, l.Inode, l.Links, l.Freed})
}

func (p *Plan) endsWith(line []byte, sum string) error {
	var end endLine
	if json.Unmarshal(line, &end) != nil || end.BLAKE3 != sum || end.Victims != p.spool.n || end.Victims != p.Victims.Files {
		return ErrNoPlan
	}
	return nil
}
