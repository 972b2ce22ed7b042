package prune

import "time"

// entry is a line of the journal of a prune.
type entry struct {
	Kind    string    `json:"kind"`
	Time    time.Time `json:"time"`
	Plan    string    `json:"plan,omitempty"`    // start
	To      int64     `json:"to,omitempty"`      // begin, done: the victim behind the batch
	Files   []string  `json:"files,omitempty"`   // begin: the Names that are about to be removed
	Hosts   []string  `json:"hosts,omitempty"`   // begin: of each
	Report  *Report   `json:"report,omitempty"`  // done, end: all that was done so far
	Back    *Sum      `json:"back,omitempty"`    // undone: what was brought back
	Missing int64     `json:"missing,omitempty"` // undone: what could not be
}

// begin says what is about to be removed. It is on the disk when it returns.
func (d *deed) begin(to int64, batch []*candidate) error {
	e := entry{Kind: lineBegin, Time: d.j.time(), To: to}
	for _, c := range batch {
		e.Files = append(e.Files, c.v.Name.String())
		e.Hosts = append(e.Hosts, c.v.Host)
	}
	return d.j.writeThrough(e)
}

func (d *deed) done(to int64) error {
	return d.j.write(entry{Kind: lineDone, Time: d.j.time(), To: to, Report: &d.r})
}

func (d *deed) end() error {
	return d.j.writeThrough(entry{Kind: lineEnd, Time: d.j.time(), Report: &d.r})
}
