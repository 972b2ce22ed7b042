package main

import (
	"errors"
	"fmt"
	"strings"

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
	Upload   int64   `json:"upload"`
	Running  []int64 `json:"running,omitempty"`
	Waiting  []int64 `json:"waiting,omitempty"`
	CutShort bool    `json:"cutShort,omitempty"`
}

// reunpackJobs lets the jobs go on that had not ended when the database was copied.
func (t *tool) reunpackJobs(c *cli.Context, s settings, g gold, ledger *goldindex.Ledger) error {
	scheduler := fossology.Scheduler{Address: g.in.SchedulerAddress()}
	uploads, plan, err := planJobs(c, g, ledger, scheduler)
	if err != nil {
		return mendLedger(err)
	}
	defer plan.Close()
	answer := resumed{Plan: c.Bool("dry-run"), Uploads: []resumedUpload{}, Missing: plan.Missing}
	for _, u := range uploads {
		answer.Uploads = append(answer.Uploads, resumedOf(u))
	}
	lost := &plan.Cannot
	if !answer.Plan {
		if err := t.resume(c, s, g, plan, uploads, scheduler, &answer); err != nil {
			return err
		}
		if answer.Files != nil {
			lost = &answer.Files.Lost
		}
	}
	return t.reportJobs(c, s, answer, lost)
}

// planJobs finds the uploads whose jobs nobody is at work on, and what of them is
// missing.
func planJobs(c *cli.Context, g gold, ledger *goldindex.Ledger, scheduler fossology.Scheduler) ([]fossology.Interrupted, *reunpack.Plan, error) {
	view, err := g.db.View(c.Context)
	if err != nil {
		return nil, nil, err
	}
	defer view.Close()
	all, err := view.InterruptedUploads(c.Context)
	if err != nil {
		return nil, nil, err
	}
	uploads, _, err := fossology.Abandoned(c.Context, scheduler, g.in.AgentsDir(), all)
	if err != nil {
		return nil, nil, err
	}
	numbers := []int64{}
	for _, u := range uploads {
		numbers = append(numbers, u.Upload)
	}
	plan, err := reunpack.Some(c.Context, reunpack.Source{Repository: g.in.Repository, Ledger: ledger}, view,
		view.UsesIn(c.Context, numbers...), reunpack.PlanOptions{})
	return uploads, plan, err
}

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
// go on. A job whose files are missing would fail: then the queue stays as it is.
func (t *tool) resume(c *cli.Context, s settings, g gold, plan *reunpack.Plan, uploads []fossology.Interrupted, scheduler fossology.Scheduler, answer *resumed) error {
	lock, err := g.st.Lock(c.Context, "reunpack-"+s.installation, commandLine(), t.now())
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if !c.Bool("queue") {
		if answer.Files, err = t.rebuild(c, s, g, plan); err != nil {
			return err
		}
		if !onlyReports(&answer.Files.Lost) {
			return nil
		}
	}
	o, err := resumeOptions(c, g.in)
	if err != nil {
		return err
	}
	answer.Jobs, err = g.db.Resume(c.Context, uploads, o)
	if errors.Is(err, fossology.ErrJobMoved) {
		return withHint(err, "something works on the queue: nothing was changed there; run this again")
	}
	if err != nil {
		return err
	}
	return scheduler.Reload(c.Context)
}

// resumeOptions choose who unpacks the uploads: our own agent, if the scheduler has it,
// since it is cheaper, changes no row, and does not mind a tree that was cut short.
func resumeOptions(c *cli.Context, in *fossology.Installation) (o fossology.ResumeOptions, err error) {
	o.Queue = c.Bool("queue")
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

// onlyReports says whether nothing is lost but tools' reports about archives, which
// analysis can do without.
func onlyReports(l *reunpack.Losses) bool {
	return l.Files() == l.Reasons[goldindex.Metadata].Files
}

// rebuild does what a plan says.
func (t *tool) rebuild(c *cli.Context, s settings, g gold, plan *reunpack.Plan) (*reunpack.Report, error) {
	progress := new(snapshot.Progress)
	progress.TotalFiles.Store(plan.Rebuilt.Files)
	progress.TotalBytes.Store(plan.Rebuilt.Bytes)
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
	return nil, mendLedger(noRoom(err, g.in.Repository.Path))
}

// reportJobs prints what was, or would be, done about jobs.
func (t *tool) reportJobs(c *cli.Context, s settings, a resumed, lost *reunpack.Losses) error {
	findings := lost.Files()
	for _, u := range a.Uploads {
		if u.CutShort {
			findings++
		}
	}
	if c.Bool("queue") {
		findings -= lost.Files() // FOSSology unpacks them; what is missing then, the next --all-missing says
	}
	if s.json {
		if err := t.answer(a); err != nil {
			return err
		}
	} else {
		t.sayJobs(s, a, c.Bool("queue"))
		for _, u := range a.Uploads {
			if u.CutShort {
				fmt.Fprintf(t.stderr, "finding: upload %d: its first unpack did not end, and its tree stays cut: upload it again\n", u.Upload)
			}
		}
		if !c.Bool("queue") {
			t.printLost(lost, nil)
		}
	}
	if findings > 0 {
		return findingsError{findings}
	}
	return nil
}

func (t *tool) sayJobs(s settings, a resumed, queue bool) {
	for _, u := range a.Uploads {
		t.say(s, "upload %d: running %s, waiting %s\n", u.Upload, numbersOf(u.Running), numbersOf(u.Waiting))
	}
	t.say(s, "%s with jobs that had not ended, %s of theirs missing (%s)", plural(int64(len(a.Uploads)), "upload", "uploads"),
		plural(a.Missing.Files, "file", "files"), size(a.Missing.Bytes))
	switch {
	case a.Plan && queue:
		t.say(s, "; FOSSology would unpack them again, and the jobs wait for it\n")
	case a.Plan:
		t.say(s, "; nothing was done\n")
	case a.Jobs == nil:
		t.say(s, ": %s brought back; the jobs stay as they are, their files are not all there\n", count(a.Files.Written.Files))
	default:
		if a.Files != nil {
			t.say(s, ": %s brought back", count(a.Files.Written.Files))
		}
		t.say(s, "; %s reset, %s queued\n", plural(int64(len(a.Jobs.Reset)), "job", "jobs"), count(int64(len(a.Jobs.Queued))))
	}
}

func numbersOf(keys []int64) string {
	if len(keys) == 0 {
		return "none"
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(keys), " ", ", "), "[]")
}
