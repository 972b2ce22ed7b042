package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"repotool/snapshot"
	"repotool/store"
)

func (t *tool) recoverCommand() *cli.Command {
	return documented(&cli.Command{
		Name:  "recover",
		Usage: "make a broken store whole, as far as that goes",
		Description: `
Looks for what a store has lost of its own, and makes it anew:

    store.json, README.txt  from what is there; the objects are not touched
    objects/                if all of it is gone, from the days, by the next line
    a manifest              from the day directory of its snapshot: every file is
                            read, and stored if its object is lost as well
    a day directory         with --days, from manifest and objects

What a day does not show (modes, owners, times, hashes of what gold brings back)
is taken from the nearest snapshot that can be read, for files that are the same
there. The rest has FOSSology's usual modes. A snapshot that was made anew says
so among its findings. What stood in its place is kept in the store's trash/.

--dry-run says what would be done. What cannot be recovered is a finding: an
object that is gone comes back by repotool verify --repair, as long as the live
repository has its bytes.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "say what would be done; change nothing"},
			&cli.BoolFlag{Name: "days", Usage: "make day directories that are not there, too; they may have been deleted on purpose"},
		},
		Action: t.recover,
	}, `
repotool recover --dry-run --store /backup/fossology
repotool recover --store /backup/fossology
repotool recover --days`,
		exitFailed, exitFindings, exitLocked, exitInterrupted)
}

// recoverResult is what recover prints with --json.
type recoverResult struct {
	Store     string               `json:"store"`
	DryRun    bool                 `json:"dryRun"`
	Header    string               `json:"header,omitempty"` // what was wrong with store.json or README.txt
	Adopted   bool                 `json:"adopted"`          // store.json was lost
	Objects   bool                 `json:"objects"`          // the folder objects/ was gone
	Broken    []snapshot.Broken    `json:"broken,omitempty"`
	Recovered []*snapshot.Recovery `json:"recovered,omitempty"`
	Days      []string             `json:"days,omitempty"`   // that were made again
	Cannot    []snapshot.Broken    `json:"cannot,omitempty"` // and why
	Cycles    []recoveredHeader    `json:"cycles,omitempty"` // of which store.json, README.txt or objects/ were broken
}

// recoveredHeader is what was wrong with a store itself: all of it, or a cycle in it.
type recoveredHeader struct {
	Dir     string `json:"dir"`
	Header  string `json:"header,omitempty"`
	Adopted bool   `json:"adopted"`
	Objects bool   `json:"objects"`
}

func (t *tool) recover(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	if c.NArg() > 0 {
		return tooMany(c, 0)
	}
	if err := s.needStore(); err != nil {
		return err
	}
	r := &recoverResult{Store: s.store, DryRun: c.Bool("dry-run")}
	top := recoveredHeader{Dir: s.store}
	st, err := t.recoverHeader(c.Context, &top, r.DryRun)
	if err != nil {
		return err
	}
	r.Header, r.Adopted, r.Objects = top.Header, top.Adopted, top.Objects
	if st != nil {
		defer st.Close()
		err = t.recoverSnapshots(c, s, st, r)
		if err == nil {
			err = t.recoverCycles(c, s, st, r)
		}
	}
	if err != nil {
		return noRoom(err, s.store)
	}
	return t.reportRecover(s, r)
}

// recoverHeader opens the store, and makes store.json and README.txt anew if need be. In
// a dry run of a store without store.json there is none to open.
func (t *tool) recoverHeader(ctx context.Context, r *recoveredHeader, dry bool) (*store.Store, error) {
	dir := r.Dir
	st, err := store.Open(dir)
	if errors.Is(err, store.ErrObjectsLost) {
		if r.Objects = true; dry {
			return nil, nil
		}
		if err = store.MakeObjects(dir); err == nil {
			st, err = store.Open(dir)
		}
	}
	if errors.Is(err, store.ErrHeaderLost) {
		r.Adopted, r.Header = true, err.Error()
		if dry {
			return nil, nil
		}
		st, err = store.Adopt(ctx, dir, t.now())
	}
	if err != nil {
		return nil, withHint(err, storeHint(dir, err))
	}
	if wrong := st.CheckHeader(); wrong != nil {
		r.Header = wrong.Error()
		if !dry {
			err = st.Restate()
		}
	}
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return st, nil
}

// recoverCycles does for each cycle what is done for the store.
func (t *tool) recoverCycles(c *cli.Context, s settings, st *store.Store, r *recoverResult) error {
	cycles, err := snapshot.AllCycles(st)
	if err != nil {
		return err
	}
	for _, cycle := range cycles {
		head := recoveredHeader{Dir: st.Path(cycle.Dir())}
		in, err := t.recoverHeader(c.Context, &head, r.DryRun)
		if err != nil {
			r.Cannot = append(r.Cannot, snapshot.Broken{Installation: cycle.Installation, Snapshot: cycle.Base, Why: "its cycle cannot be opened: " + err.Error()})
			continue
		}
		if head.Header != "" || head.Objects {
			r.Cycles = append(r.Cycles, head)
		}
		if in == nil {
			continue
		}
		if err := errors.Join(t.recoverSnapshots(c, s, in, r), in.Close()); err != nil {
			return err
		}
	}
	return nil
}

// recoverSnapshots makes manifests from days, and days from manifests.
func (t *tool) recoverSnapshots(c *cli.Context, s settings, st *store.Store, r *recoverResult) (err error) {
	ctx := c.Context
	broken, err := snapshot.FindBroken(ctx, st, c.Bool("days"))
	if err != nil {
		return err
	}
	r.Broken = append(r.Broken, broken...)
	o := snapshot.RecoverOptions{Command: commandLine(), Version: version, Now: t.now, Progress: new(snapshot.Progress)}
	if in, err := loadInstallation(s, false); err == nil {
		o.Repository, o.Depth = in.Repository.Path, in.Repository.Depth
	}
	for _, b := range broken {
		switch {
		case b.Layout == "" && !b.Day:
			b.Why += "; it has no day directory to be made from"
			r.Cannot = append(r.Cannot, b)
			continue
		case r.DryRun:
			continue
		}
		stop := t.watch(s, o.Progress)
		err := t.recoverOne(ctx, st, b, o, r)
		stop()
		var locked *store.LockedError
		if ctx.Err() != nil || errors.As(err, &locked) {
			return err
		}
		if err != nil {
			b.Why = err.Error()
			r.Cannot = append(r.Cannot, b)
		}
	}
	return nil
}

func (t *tool) recoverOne(ctx context.Context, st *store.Store, b snapshot.Broken, o snapshot.RecoverOptions, r *recoverResult) error {
	if b.Layout != "" {
		s, err := snapshot.FindOwn(st, b.Installation, b.Snapshot)
		if err == nil {
			err = s.MakeDay(ctx, b.Layout, o.Progress)
		}
		if err == nil {
			r.Days = append(r.Days, b.Installation+"/"+b.Snapshot)
		}
		return err
	}
	made, err := snapshot.Recover(ctx, st, b.Installation, b.Snapshot, o)
	if err == nil {
		r.Recovered = append(r.Recovered, made)
	}
	return err
}

// reportRecover prints what was done, and what could not be.
func (t *tool) reportRecover(s settings, r *recoverResult) error {
	if s.json {
		if err := t.answer(r); err != nil {
			return err
		}
	} else {
		t.recoverLines(s, r)
	}
	for _, b := range r.Cannot {
		if !s.json {
			fmt.Fprintf(t.stderr, "finding: not-recovered: %s of %s: %s\n", b.Snapshot, b.Installation, printable(b.Why))
		}
	}
	if n := len(r.Cannot); n > 0 {
		return findingsError{int64(n)}
	}
	return nil
}

func (t *tool) recoverLines(s settings, r *recoverResult) {
	did := "made anew"
	if r.DryRun {
		did = "would be made anew"
	}
	if r.Header != "" {
		t.say(s, "store.json and README.txt %s: %s\n", did, printable(r.Header))
	}
	if r.Objects {
		t.say(s, "objects/, which was gone, %s, empty\n", did)
	}
	for _, x := range r.Cycles {
		if x.Header != "" {
			t.say(s, "store.json and README.txt of %s %s: %s\n", x.Dir, did, printable(x.Header))
		}
		if x.Objects {
			t.say(s, "objects/ of %s, which was gone, %s, empty\n", x.Dir, did)
		}
	}
	if r.DryRun {
		for _, b := range r.Broken {
			from := "from its day directory"
			if b.Layout != "" {
				from = "from manifest and objects"
			} else if !b.Day {
				continue
			}
			t.say(s, "%s of %s would be made anew %s: %s\n", b.Snapshot, b.Installation, from, printable(b.Why))
		}
	}
	for _, x := range r.Recovered {
		line := fmt.Sprintf("%s of %s made anew from its day directory: %s (%s)", x.Snapshot, x.Installation, plural(x.Files.Files, "file", "files"), size(x.Files.Bytes))
		if x.Like != "" {
			line += ", with what " + x.Like + " knows of them"
		}
		if x.Plain > 0 {
			line += fmt.Sprintf("; mode, owner and time of %s are not known", plural(x.Plain, "file", "files"))
		}
		if x.Unknown > 0 {
			line += fmt.Sprintf("; %s that gold made are not known any more", plural(x.Unknown, "file", "files"))
		}
		if x.Damaged > 0 {
			line += fmt.Sprintf("; %s of the day were damaged, and are not in it", plural(x.Damaged, "file", "files"))
		}
		if x.Aside != "" {
			line += "; what stood there is in " + x.Aside
		}
		t.say(s, "%s\n", line)
	}
	for _, d := range r.Days {
		t.say(s, "day %s made again\n", d)
	}
	switch {
	case r.Header == "" && !r.Objects && len(r.Broken) == 0 && len(r.Cycles) == 0:
		t.say(s, "nothing to recover; repotool verify reads all objects\n")
	case !r.DryRun:
		t.say(s, "see what it is worth: repotool verify\n")
	}
}
