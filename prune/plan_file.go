package prune

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/zeebo/blake3"

	"repotool/fossology"
)

// A plan is written as lines of JSON: the plan, its victims gold by gold, and a last line
// with their number and the BLAKE3 of all lines before it.

// victimLine is a victim there.
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
	h := blake3.New()
	b := bufio.NewWriterSize(w, 256<<10)
	e := json.NewEncoder(io.MultiWriter(b, h))
	if err := e.Encode(p); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	n := int64(0)
	for v, err := range p.spool.all(0) {
		if err == nil {
			err = e.Encode(victimLine{v.Name.String(), v.Gold, v.Host, v.Class, v.Upload, v.Inode, v.Links, v.Freed, hex.EncodeToString(v.BLAKE3[:])})
		}
		if err != nil {
			return fmt.Errorf("write plan: %w", err)
		}
		n++
	}
	err := json.NewEncoder(b).Encode(endLine{n, hex.EncodeToString(h.Sum(nil))})
	if err = errors.Join(err, b.Flush()); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// ErrNoPlan means that what was read is no plan, or not all of one.
var ErrNoPlan = errors.New("it is no plan, or it was damaged or cut")

// maxLine bounds a line of a plan; the first holds the golds.
const maxLine = 256 << 20

// ReadPlan reads what Write has written. tempDir is as in [Options].
func ReadPlan(r io.Reader, tempDir string) (p *Plan, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("read plan: %w", err)
		}
	}()
	l := newPlanLines(r)
	p = new(Plan)
	if err := l.next(p); err != nil {
		return nil, err
	}
	if p.Format != planFormat {
		return nil, fmt.Errorf("it has format %d, this repotool knows %d", p.Format, planFormat)
	}
	l.count()
	if p.spool, err = newSpool(tempDir); err != nil {
		return nil, err
	}
	for err == nil {
		if err = l.next(nil); err != nil {
			break
		}
		if bytes.HasPrefix(l.bytes(), []byte(`{"victims":`)) {
			err = p.endsWith(l.bytes(), l.sum())
			break
		}
		l.count()
		err = p.addLine(l.bytes())
	}
	if err != nil {
		return nil, errors.Join(err, p.spool.close())
	}
	return p, nil
}

// planLines are the lines of a plan, with the hash of those that count.
type planLines struct {
	s *bufio.Scanner
	h *blake3.Hasher
}

func newPlanLines(r io.Reader) *planLines {
	l := &planLines{bufio.NewScanner(r), blake3.New()}
	l.s.Buffer(make([]byte, 0, 64<<10), maxLine)
	return l
}

// next reads a line, of JSON if it is to be read into something.
func (l *planLines) next(into any) error {
	if !l.s.Scan() {
		return errors.Join(l.s.Err(), ErrNoPlan)
	}
	if into != nil && json.Unmarshal(l.bytes(), into) != nil {
		return ErrNoPlan
	}
	return nil
}

func (l *planLines) bytes() []byte { return l.s.Bytes() }

// count takes the line into the hash.
func (l *planLines) count() { l.h.Write(l.bytes()); l.h.Write([]byte{'\n'}) }

// sum is the hash of the lines that were counted, in hexadecimal.
func (l *planLines) sum() string { return hex.EncodeToString(l.h.Sum(nil)) }

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
