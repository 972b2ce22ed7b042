package main

import (
	"fmt"
	"strings"

	"repotool/goldindex"
	"repotool/reunpack"
)

// report prints what was, or would be, done about jobs.
func (r *resumption) report() error {
	lost := &r.plan.Cannot
	switch {
	case r.answer.Files != nil:
		lost = &r.answer.Files.Lost
	case !r.inProcess:
		lost = new(reunpack.Losses) // FOSSology unpacks; what is missing then, the next --all-missing says
	}
	findings := lost.Files()
	for _, u := range r.answer.Uploads {
		if u.CutShort {
			findings++
		}
		if u.Left != "" {
			findings++
		}
	}
	if r.s.json {
		if err := r.tool.answer(r.answer); err != nil {
			return err
		}
	} else {
		r.sayJobs()
		r.sayFindings()
		r.printLost(lost, nil)
	}
	if findings > 0 {
		return findingsError{findings}
	}
	return nil
}

func (r *resumption) sayJobs() {
	a := &r.answer
	if len(a.Uploads) == 0 {
		r.say(r.s, "no upload has jobs that had not ended, but those that the scheduler is at work on\n")
		return
	}
	for _, u := range a.Uploads {
		r.say(r.s, "upload %d: running %s, waiting %s; %s\n", u.Upload, numbersOf(u.Running), numbersOf(u.Waiting), r.intent(u))
	}
	r.say(r.s, "%s with jobs that had not ended, %s of theirs missing (%s)", plural(int64(len(a.Uploads)), "upload", "uploads"),
		plural(a.Missing.Files, "file", "files"), size(a.Missing.Bytes))
	if a.Plan {
		r.say(r.s, "; nothing was done\n")
		return
	}
	if a.Files != nil {
		r.say(r.s, ": %s brought back", count(a.Files.Written.Files))
	}
	r.say(r.s, "; %s reset, %s queued\n", plural(int64(len(a.Jobs.Reset)), "job", "jobs"), count(int64(len(a.Jobs.Queued))))
}

// intent says what is done about an upload.
func (r *resumption) intent(u resumedUpload) string {
	missing := plural(u.Missing, "file", "files") + " missing"
	switch {
	case u.Left != "":
		return missing + ", left as it is"
	case u.Missing == 0:
		return "its files are there"
	case r.inProcess:
		return missing + ", from gold"
	}
	return missing + ", by FOSSology"
}

func (r *resumption) sayFindings() {
	for _, u := range r.answer.Uploads {
		if u.CutShort {
			fmt.Fprintf(r.stderr, "finding: upload %d: its first unpack did not end, and its tree stays cut: upload it again\n", u.Upload)
		}
		if u.Left == "" {
			continue
		}
		fmt.Fprintf(r.stderr, "finding: upload %d: its jobs stay as they are: %s missing (%s)\n", u.Upload, plural(u.Missing, "file", "files"), u.Left)
		hint := lostHints[u.Left]
		if u.Left == goldindex.CutShort {
			hint = "--in-process brings its files back and lets its jobs go on"
		}
		if hint != "" && !r.inProcess {
			fmt.Fprintf(r.stderr, "  hint: %s\n", hint)
		}
	}
}

// numbersOf lists numbers, or says that there are none.
func numbersOf(n []int64) string {
	if len(n) == 0 {
		return "none"
	}
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(n), "[]"), " ", ", ")
}
