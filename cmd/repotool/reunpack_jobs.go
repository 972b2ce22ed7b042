package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/reunpack"
	"repotool/snapshot"
)

// resumed is what reunpack --jobs prints with --json.
type resumed struct {
	Plan    bool                  `json:"plan"` // nothing was done
	Uploads []resumedUpload       `json:"uploads"`
	Missing reunpack.Sum          `json:"missing"`
	Files   *reunpack.Report      `json:"files,omitempty"`
	Jobs    *fossology.Resumption `json:"jobs,omitempty"`
}

type resumedUpload struct {
	Upload   int64            `json:"upload"`
	Running  []int64          `json:"running,omitempty"`
	Waiting  []int64          `json:"waiting,omitempty"`
	CutShort bool             `json:"cutShort,omitempty"`
	Missing  int64            `json:"missing"`
	Left     goldindex.Reason `json:"left,omitempty"`
}

// A resumption is one call of reunpack --jobs.
type resumption struct {
	*tool
	c         *cli.Context
	s         settings
	gold      gold
	source    reunpack.Source
	scheduler fossology.Scheduler
	inProcess bool
	options   fossology.ResumeOptions
	uploads   []fossology.Interrupted
	plan      *reunpack.Plan // of what is missing of all of them
	answer    resumed
}

// reunpackJobs lets the jobs go on that had not ended when the database was copied.
func (t *tool) reunpackJobs(c *cli.Context, s settings, g gold, ledger *goldindex.Ledger) error {
	r := &resumption{tool: t, c: c, s: s, gold: g, source: reunpack.Source{Repository: g.in.Repository, Ledger: ledger},
		scheduler: fossology.Scheduler{Address: g.in.SchedulerAddress()}, inProcess: c.Bool("in-process")}
	var err error
	if r.options, err = resumeOptions(g.in, !r.inProcess); err != nil {
		return err
	}
	if err := r.look(); err != nil {
		return mendLedger(noRoom(err, os.TempDir()))
	}
	defer r.plan.Close()
	r.answer.Plan, r.answer.Missing = c.Bool("dry-run"), r.plan.Missing
	if !r.answer.Plan {
		if err := r.resume(); err != nil {
			return err
		}
	}
	return r.report()
}

// look finds the uploads whose jobs nobody is at work on, what of them is missing, and
// which of them it is of no use to go on with.
func (r *resumption) look() error {
	ctx := r.c.Context
	view, err := r.gold.db.View(ctx)
	if err != nil {
		return err
	}
	defer view.Close()
	all, err := view.InterruptedUploads(ctx)
	if err != nil {
		return err
	}
	if r.uploads, _, err = fossology.Abandoned(ctx, r.scheduler, r.gold.in.AgentsDir(), all); err != nil {
		return err
	}
	numbers := []int64{}
	for _, u := range r.uploads {
		numbers = append(numbers, u.Upload)
	}
	if r.plan, err = reunpack.Some(ctx, r.source, view, view.UsesIn(ctx, numbers...), reunpack.PlanOptions{}); err != nil {
		return err
	}
	r.answer.Uploads = []resumedUpload{}
	for i, u := range r.uploads {
		of := resumedOf(u)
		p, err := reunpack.Some(ctx, r.source, view, view.UsesIn(ctx, u.Upload), reunpack.PlanOptions{})
		if err != nil {
			return errors.Join(err, r.plan.Close())
		}
		p.Close()
		of.Missing = needed(p)
		r.uploads[i].Whole = of.Missing == 0
		of.Left = r.hopeless(&p.Cannot)
		if u.CutShort && of.Missing > 0 && of.Left == "" && !r.ours() {
			of.Left = goldindex.CutShort // FOSSology would call the cut tree a success, and bring nothing
		}
		r.answer.Uploads = append(r.answer.Uploads, of)
	}
	return nil
}

// needed is how many files are missing that analysis cannot do without: a tool's report
// about an archive is none.
func needed(p *reunpack.Plan) int64 {
	return p.Missing.Files - p.Cannot.Reasons[goldindex.Metadata].Files
}

// hopeless is why the jobs of an upload with such losses cannot go on; "": they can. What
// FOSSology unpacks again depends on the gold alone.
func (r *resumption) hopeless(l *reunpack.Losses) goldindex.Reason {
	for _, reason := range slices.Sorted(maps.Keys(l.Reasons)) {
		gone := reason == goldindex.GoldMissing || reason == goldindex.GoldDamaged
		if gone || r.ours() && reason != goldindex.Metadata {
			return reason
		}
	}
	return ""
}

// ours says whether repotool unpacks, here or as an agent of the scheduler.
func (r *resumption) ours() bool { return r.inProcess || r.options.Agent == fossology.ReunpackAgent }

func resumedOf(u fossology.Interrupted) resumedUpload {
	r := resumedUpload{Upload: u.Upload, Running: u.Running(), CutShort: u.CutShort}
	for _, j := range u.Jobs {
		if j.State == fossology.JobWaiting || j.State == fossology.JobWaitingPaused {
			r.Waiting = append(r.Waiting, j.PK)
		}
	}
	return r
}

// resume brings the files back, unless FOSSology is to do it, and then lets the jobs
// go on, all in one transaction. A job whose files are missing would fail: those of its
// upload stay as they are.
func (r *resumption) resume() error {
	ctx := r.c.Context
	lock, err := r.gold.st.Lock(ctx, "reunpack-"+r.s.installation, commandLine(), r.now())
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if r.inProcess {
		if r.answer.Files, err = r.rebuild(r.c, r.s, r.gold, r.plan); err != nil {
			return err
		}
		if err := r.lookAgain(); err != nil {
			return mendLedger(err)
		}
	}
	var able []fossology.Interrupted
	for i, u := range r.uploads {
		if r.answer.Uploads[i].Left == "" {
			able = append(able, u)
		}
	}
	r.answer.Jobs, err = r.gold.db.Resume(ctx, able, r.options)
	if errors.Is(err, fossology.ErrJobMoved) {
		return withHint(err, "something works on the queue: nothing was changed there; run this again")
	}
	if err != nil {
		return err
	}
	return r.scheduler.Reload(ctx)
}

// lookAgain finds out which uploads have all their files now, whatever was planned.
func (r *resumption) lookAgain() error {
	ctx := r.c.Context
	view, err := r.gold.db.View(ctx)
	if err != nil {
		return err
	}
	defer view.Close()
	for i, u := range r.uploads {
		of := &r.answer.Uploads[i]
		if of.Missing == 0 {
			continue
		}
		p, err := reunpack.Some(ctx, r.source, view, view.UsesIn(ctx, u.Upload), reunpack.PlanOptions{})
		if err != nil {
			return err
		}
		p.Close()
		switch of.Missing = needed(p); {
		case of.Missing == 0:
			of.Left = ""
		case of.Left == "":
			of.Left = reunpack.NotMade
		}
	}
	return nil
}

// resumeOptions choose who unpacks the uploads: our own agent, if the scheduler has it,
// since it is cheaper, changes no row, and does not mind a tree that was cut short.
func resumeOptions(in *fossology.Installation, queue bool) (o fossology.ResumeOptions, err error) {
	o.Queue = queue
	if !o.Queue || in.AgentsDir() == "" {
		return o, nil
	}
	_, err = fossology.ReadAgentModule(in.AgentsDir(), fossology.ReunpackAgent)
	if err != nil {
		return o, nil // FOSSology's own is always there
	}
	o.Agent = fossology.ReunpackAgent
	o.Hosts, err = in.AgentHosts()
	return o, err
}

// rebuild does what a plan says.
func (t *tool) rebuild(c *cli.Context, s settings, g gold, plan *reunpack.Plan) (*reunpack.Report, error) {
	progress := new(snapshot.Progress)
	progress.Begin(snapshot.PhaseRebuild, plan.Rebuilt.Files, plan.Rebuilt.Bytes)
	stop := t.watch(s, progress)
	defer stop()
	r, err := plan.Run(c.Context, reunpack.RunOptions{Parallel: c.Int("parallel"), Prefix: unpackedAt(g.in.Repository), Now: t.now, Log: t.log,
		Progress: func(files, bytes int64) { progress.Files.Add(files); progress.Bytes.Add(bytes) }})
	if err == nil {
		return r, nil
	}
	stop()
	if r.Written.Files > 0 {
		fmt.Fprintf(t.stderr, "repotool: %s of %s brought back before\n", count(r.Written.Files), plural(plan.Rebuilt.Files, "file", "files"))
	}
	return nil, mendLedger(noRoom(err, g.in.Repository.Path, os.TempDir()))
}
