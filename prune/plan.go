package prune

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"repotool/fossology"
)

// A Plan says what goes, and what stays and why.
type Plan struct {
	Format       int                `json:"format"`
	ID           string             `json:"id"`
	Installation string             `json:"installation"`
	Repository   string             `json:"repository"`
	Made         time.Time          `json:"made"`
	Level        Level              `json:"level"`
	Filters      Filters            `json:"filters"`
	Position     fossology.Position `json:"position"` // of the database, when it was made
	Ledger       string             `json:"ledger"`   // its stamp

	Files    int64         `json:"files"` // that were judged
	Victims  Sum           `json:"victims"`
	Freed    int64         `json:"freed"` // bytes on the disk; a file with other links frees none
	Classes  map[Class]Sum `json:"classes"`
	Kept     Kept          `json:"kept"`
	Seconds  float64       `json:"seconds"` // to bring all of it back, one gold after another; at most
	Golds    []Gold        `json:"golds"`   // that rebuild the victims, in the order in which they go
	Troubles []string      `json:"troubles,omitempty"`

	spool *spool
}

// planFormat is the version of what is written.
const planFormat = 1

// A Gold rebuilds victims.
type Gold struct {
	Name    string  `json:"name"`
	Upload  string  `json:"upload"`  // what it was uploaded as
	Seconds float64 `json:"seconds"` // to unpack all of it, when that was last done
	Victims Sum     `json:"victims"`
	Freed   int64   `json:"freed"`
}

// Each yields the victims, gold by gold, from one on.
func (p *Plan) Each(from int64) iter.Seq2[Victim, error] { return p.spool.all(from) }

// Close lets go of the list of victims.
func (p *Plan) Close() error { return p.spool.close() }

// newID draws the name of a plan.
func newID() string {
	id := make([]byte, 8)
	rand.Read(id)
	return hex.EncodeToString(id)
}

// maxTroubles is how many are listed.
const maxTroubles = 20

// Make makes a plan of a moment of the database. It changes nothing.
func Make(ctx context.Context, db Database, o Options) (_ *Plan, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Plan{Format: planFormat, ID: newID(), Installation: o.Installation, Repository: o.Repository.Path,
		Made: o.Now().UTC(), Level: o.Level, Filters: o.Filters, Kept: Kept{}, Classes: map[Class]Sum{}}
	if p.Position, err = db.Position(ctx); err != nil {
		return nil, fmt.Errorf("plan what goes: %w", err)
	}
	if p.Ledger, err = o.Ledger.Stamp(); err != nil {
		return nil, fmt.Errorf("plan what goes: %w", err)
	}
	all, err := newSpool(o.TempDir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, all.close()) }()
	j, err := newJudge(ctx, db, &o)
	if err == nil {
		err = p.judge(ctx, db, j, all)
	}
	if err == nil {
		err = p.settle(j.golds, all, o.TempDir)
	}
	if err != nil {
		return nil, fmt.Errorf("plan what goes: %w", err)
	}
	return p, nil
}

// judge goes through all files.
func (p *Plan) judge(ctx context.Context, db Database, j *judge, all *spool) error {
	parts := fossology.Follow(db.Parts(ctx), func(x fossology.Part) fossology.Name { return x.Name }, fossology.Name.Compare)
	defer parts.Stop()
	backed := fossology.Follow(j.o.BackedUp, func(n fossology.Name) fossology.Name { return n }, fossology.Name.Compare)
	defer backed.Stop()
	troubled := func(err error) {
		if len(p.Troubles) < maxTroubles {
			p.Troubles = append(p.Troubles, err.Error())
		}
	}
	for f, err := range j.o.Ledger.Files(ctx, j.o.Repository, db, troubled) {
		if err != nil {
			return err
		}
		if f.Absent {
			continue
		}
		p.Files++
		if j.o.Progress != nil {
			j.o.Progress(1, f.Size)
		}
		of, err := parts.At(f.Name)
		if err != nil {
			return err
		}
		known, err := backed.At(f.Name)
		if err != nil {
			return err
		}
		v, reason, err := j.file(&f, of, len(known) > 0)
		if err != nil {
			return err
		}
		if reason != "" {
			p.Kept.add(reason, f.Size)
		} else if err := all.add(v); err != nil {
			return err
		}
	}
	return nil
}

// settle chooses golds until enough is freed, those first that bring most back in a
// second, and sorts the victims by them.
func (p *Plan) settle(golds []*gold, all *spool, dir string) (err error) {
	order := make([]int, len(golds))
	for i := range golds {
		order[i] = i
	}
	rate := func(i int) float64 {
		if g := golds[i]; g.Freed > 0 {
			return g.Seconds / float64(g.Freed)
		}
		return math.Inf(1)
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(rate(a), rate(b)), cmp.Compare(golds[a].Name, golds[b].Name))
	})
	place, renumber := make([]int64, len(golds)), make([]int, len(golds))
	next := int64(0)
	for _, i := range order {
		g := golds[i]
		place[i] = -1
		if g.Victims.Files == 0 || p.Filters.Free > 0 && p.Freed >= p.Filters.Free {
			continue
		}
		place[i], renumber[i] = next, len(p.Golds)
		next += g.Victims.Files
		p.Golds = append(p.Golds, g.Gold)
		p.Seconds += g.Seconds
		p.Freed += g.Freed
		p.Victims.Files += g.Victims.Files
		p.Victims.Bytes += g.Victims.Bytes
	}
	p.spool, err = all.byGold(dir, place, renumber, func(v *Victim) { p.Kept.add(Budget, v.Name.Size) })
	if err != nil {
		return err
	}
	for v, err := range p.spool.all(0) {
		if err != nil {
			return errors.Join(err, p.spool.close())
		}
		s := p.Classes[v.Class]
		s.add(v.Name.Size)
		p.Classes[v.Class] = s
	}
	return nil
}

// A MovedError says that the world is not that of a plan any more.
type MovedError struct{ What string }

func (e *MovedError) Error() string { return "the plan is out of date: " + e.What }

// Hint says what to do.
func (e *MovedError) Hint() string { return "make a new plan" }

// Check says whether the world is still that of the plan: the database has come no
// further, the ledger says the same. Links and bytes are looked at by the deed.
func (p *Plan) Check(ctx context.Context, db Database, o Options) error {
	if p.Installation != o.Installation || p.Repository != o.Repository.Path {
		return &MovedError{fmt.Sprintf("it is for the installation %s at %s", p.Installation, p.Repository)}
	}
	now, err := db.Position(ctx)
	if err != nil {
		return err
	}
	if now != p.Position {
		return &MovedError{fmt.Sprintf("the database has changed: uploads %d, rows of trees %d, jobs %d (%d unfinished); they were %d, %d, %d (%d)",
			now.Upload, now.Uploadtree, now.Jobqueue, now.Unfinished, p.Position.Upload, p.Position.Uploadtree, p.Position.Jobqueue, p.Position.Unfinished)}
	}
	stamp, err := o.Ledger.Stamp()
	if err != nil {
		return err
	}
	if stamp != p.Ledger {
		return &MovedError{"the ledger has changed"}
	}
	return nil
}
