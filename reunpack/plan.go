package reunpack

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"slices"

	"repotool/fossology"
	"repotool/goldindex"
)

// Source is where a plan looks. All of it is needed.
type Source struct {
	Repository fossology.Repository
	Ledger     *goldindex.Ledger
}

// Sum counts files.
type Sum struct {
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
}

func (s *Sum) add(bytes int64) { s.Files++; s.Bytes += bytes }

// Reasons why a file is not brought back, beside those of goldindex.
const (
	WrongBytes goldindex.Reason = "other-bytes" // something else stands under its Name, and stays
	NoPlace    goldindex.Reason = "no-place"    // what is no directory stands where its directory belongs
	NotMade    goldindex.Reason = "not-made"    // no gold gave what the ledger promises
)

// A Lost file is one that is not brought back.
type Lost struct {
	Name   string           `json:"name"`
	Reason goldindex.Reason `json:"reason"`
	Detail string           `json:"detail,omitempty"`
}

// maxLost is how many lost files a plan and a report list; all are counted.
const maxLost = 10_000

// Losses are files that are not brought back.
type Losses struct {
	Reasons map[goldindex.Reason]Sum `json:"reasons"`
	List    []Lost                   `json:"list,omitempty"`
}

func (l *Losses) add(n fossology.Name, r goldindex.Reason, detail string) {
	if l.Reasons == nil {
		l.Reasons = map[goldindex.Reason]Sum{}
	}
	sum := l.Reasons[r]
	sum.add(n.Size)
	l.Reasons[r] = sum
	if len(l.List) < maxLost {
		l.List = append(l.List, Lost{n.String(), r, detail})
	}
}

// Add adds the losses of another run.
func (l *Losses) Add(m *Losses) {
	if l.Reasons == nil {
		l.Reasons = map[goldindex.Reason]Sum{}
	}
	for reason, sum := range m.Reasons {
		all := l.Reasons[reason]
		l.Reasons[reason] = Sum{all.Files + sum.Files, all.Bytes + sum.Bytes}
	}
	l.List = append(l.List, m.List[:min(len(m.List), maxLost-len(l.List))]...)
}

func (l *Losses) clone() Losses {
	return Losses{maps.Clone(l.Reasons), slices.Clone(l.List)}
}

// Files is how many they are.
func (l *Losses) Files() (n int64) {
	for _, s := range l.Reasons {
		n += s.Files
	}
	return n
}

// A Gold is one that a plan opens.
type Gold struct {
	Name   string         `json:"name"`
	Upload string         `json:"upload"` // what it was uploaded as
	Files  int64          `json:"files"`  // that are wanted from it
	Bytes  int64          `json:"bytes"`  // of them
	Cost   goldindex.Cost `json:"cost"`   // of unpacking all of it, when that was last done

	name fossology.Name
	at   int // its number in the spool
}

// A Plan says what is missing and how it is brought back.
type Plan struct {
	Missing  Sum      `json:"missing"`
	Rebuilt  Sum      `json:"rebuilt"`  // of the missing, what gold makes
	Golds    []Gold   `json:"golds"`    // the dearest first
	Seconds  float64  `json:"seconds"`  // to unpack these golds one after another; at most
	Unpacked int64    `json:"unpacked"` // bytes that come out of them, containers and contents; at most
	Cannot   Losses   `json:"cannot"`
	Troubles []string `json:"troubles,omitempty"` // what could not be read while looking

	source Source
	wanted *spool
	direct *direct // the plan knows its gold without a ledger
}

// maxTroubles is how many troubles a plan lists: who has a broken disk has many.
const maxTroubles = 20

// PlanOptions say how a plan is made.
type PlanOptions struct {
	TempDir string // for the list of the missing; "" is os.TempDir
	Read    bool   // Some: read the files that are there, and tell of those with other bytes
}

// All plans to bring back everything that is missing.
func All(ctx context.Context, s Source, db goldindex.Contents, o PlanOptions) (*Plan, error) {
	p := &Plan{source: s}
	troubled := func(err error) {
		if len(p.Troubles) < maxTroubles {
			p.Troubles = append(p.Troubles, err.Error())
		}
	}
	return p.make(s.Ledger.Absent(ctx, s.Repository, db, troubled), o)
}

// Some plans to bring back what is missing of the contents of some uses, which come
// in the order of the Names.
func Some(ctx context.Context, s Source, db goldindex.Database, uses iter.Seq2[fossology.Use, error], o PlanOptions) (*Plan, error) {
	p := &Plan{source: s}
	return p.make(s.Ledger.AbsentOf(ctx, s.Repository, db, uses, o.Read), o)
}

// Close lets go of the plan's temporary files.
func (p *Plan) Close() error {
	if p.wanted == nil {
		return nil
	}
	return p.wanted.close()
}

// make takes what is absent, and chooses golds.
func (p *Plan) make(absent iter.Seq2[goldindex.Absent, error], o PlanOptions) (_ *Plan, err error) {
	if _, err := p.source.Repository.Tops(); err != nil {
		return nil, err
	}
	c := &choice{source: p.source, numbers: map[fossology.Name]int{}}
	if c.spool, err = newSpool(o.TempDir); err != nil {
		return nil, fmt.Errorf("plan: list what is missing: %w", err)
	}
	p.wanted = c.spool
	for a, e := range absent {
		if err = e; err == nil {
			err = p.take(c, a)
		}
		if err != nil {
			break
		}
	}
	if err == nil {
		err = c.choose()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("plan: %w", err), p.Close())
	}
	p.sumUp(c)
	return p, nil
}

// take decides about one absent file.
func (p *Plan) take(c *choice, a goldindex.Absent) error {
	p.Missing.add(a.Name.Size)
	if a.Wrong != "" {
		p.Cannot.add(a.Name, WrongBytes, a.Wrong+" has other bytes")
		return nil
	}
	if len(a.Golds) == 0 {
		p.Cannot.add(a.Name, a.Reason, "")
		return nil
	}
	usable, lost, err := c.usable(a.Golds)
	if err != nil {
		return err
	}
	if len(usable) == 0 {
		p.Cannot.add(a.Name, reasonOf(lost), lost.Error())
		return nil
	}
	return c.add(a.Name, usable)
}

func (p *Plan) sumUp(c *choice) {
	p.Golds = []Gold{} // an empty list in JSON, too
	for i, g := range c.golds {
		if g.Files == 0 {
			continue
		}
		g.at = i
		p.Golds = append(p.Golds, g.Gold)
		p.Golds[len(p.Golds)-1].at = i
		p.Rebuilt.Files += g.Files
		p.Rebuilt.Bytes += g.Bytes
		p.Seconds += g.Cost.Seconds
		p.Unpacked += g.Cost.Bytes
	}
	// The dearest first: what is begun last is then short, and no processor waits long.
	slices.SortStableFunc(p.Golds, func(a, b Gold) int {
		switch {
		case a.Cost.Seconds > b.Cost.Seconds:
			return -1
		case a.Cost.Seconds < b.Cost.Seconds:
			return 1
		}
		return a.name.Compare(b.name)
	})
	if p.Cannot.Reasons == nil {
		p.Cannot.Reasons = map[goldindex.Reason]Sum{}
	}
}

// present says whether the repository holds a gold, by its size. A lostError is about
// this gold alone.
func present(repo fossology.Repository, gold fossology.Name) (path string, err error) {
	path, err = repo.Find("gold", gold.String())
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", &lostError{gold, errGoldMissing}
	case err != nil:
		return "", &lostError{gold, err}
	case !info.Mode().IsRegular() || info.Size() != gold.Size:
		return "", &lostError{gold, errGoldDamaged}
	}
	return path, nil
}
