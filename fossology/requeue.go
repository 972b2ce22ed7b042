package fossology

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/jackc/pgx/v5"
)

// NeedAgent is an error if an agent is not installed on this host: then a job for it would
// wait for ever.
func (i *Installation) NeedAgent(name string) error {
	dir := filepath.Join(i.AgentsDir(), name)
	if i.AgentsDir() == "" {
		return &hintError{text: "without FOSSology's configuration nobody knows its agents", hint: "name its directory with --sysconf"}
	}
	if _, err := os.Stat(filepath.Join(dir, name+".conf")); err != nil {
		return &NoAgentError{name, err}
	}
	if program := filepath.Join(dir, "agent", name); !executable(program) {
		return &NoAgentError{name, fmt.Errorf("%s is no program that can be started", program)}
	}
	return nil
}

func executable(path string) bool {
	_, ok := executableID(path)
	return ok
}

// A NoAgentError says that the scheduler has no agent of a name.
type NoAgentError struct {
	Agent string
	err   error
}

func (e *NoAgentError) Error() string {
	return fmt.Sprintf("FOSSology has no agent %s: %v", e.Agent, e.err)
}
func (e *NoAgentError) Unwrap() error { return e.err }

// Hint says what to do about it.
func (e *NoAgentError) Hint() string {
	if e.Agent == ReunpackAgent {
		return "install it (repotool agent install), or do without it (--rebuild now)"
	}
	return "agents are installed in mods-enabled, beside fossology.conf"
}

// Holding returns the uploads that hold some content of those whose Names come, sorted,
// in the order of their keys, and how many of these no upload holds.
func (v *View) Holding(ctx context.Context, names iter.Seq2[Name, error]) (uploads []int64, unheld int64, err error) {
	next, stop := iter.Pull2(names)
	defer stop()
	of, held := map[int64]bool{}, false
	n, err, more := next()
	pass := func() {
		if !held {
			unheld++
		}
		held = false
		n, err, more = next()
	}
	for u, e := range v.Uses(ctx) {
		var bad *RowError
		if errors.As(e, &bad) {
			continue // a row without a Name holds none of these
		}
		for e == nil && err == nil && more && n.Compare(u.Name) < 0 {
			pass()
		}
		if err = errors.Join(e, err); err != nil || !more {
			break
		}
		if n == u.Name {
			of[u.Upload], held = true, true
		}
	}
	for err == nil && more {
		pass()
	}
	if err != nil {
		return nil, 0, fmt.Errorf("find the uploads that lack files: %w", err)
	}
	return slices.Sorted(maps.Keys(of)), unheld, nil
}

// Requeue has FOSSology bring the files of uploads back: it inserts a job of the agent
// [ReunpackAgent] for each, on each of the hosts if there are any, and lets the jobs of
// interrupted uploads wait for that of theirs; those that seem to run wait again, as
// Resume does it. An upload that has such a job on the list gets no second one. It is one
// transaction. The scheduler must stand still, or nothing may run.
func (d *Database) Requeue(ctx context.Context, lacking []int64, interrupted []Interrupted, hosts []string) (*Resumption, error) {
	r := &Resumption{}
	err := d.use(ctx, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			*r = Resumption{Reset: []int64{}}
			jobs := map[int64][]Job{}
			for _, u := range interrupted {
				if err := r.upload(ctx, tx, u, ResumeOptions{}); err != nil {
					return fmt.Errorf("upload %d: %w", u.Upload, err)
				}
				jobs[u.Upload] = u.Jobs
			}
			for _, upload := range lacking {
				if slices.ContainsFunc(jobs[upload], func(j Job) bool { return j.Type == ReunpackAgent }) {
					continue
				}
				if err := r.insert(ctx, tx, upload, ReunpackAgent, hosts, jobs[upload]); err != nil {
					return fmt.Errorf("upload %d: %w", upload, err)
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("queue jobs that bring files back: %w", adviseOn(err))
	}
	return r, nil
}
