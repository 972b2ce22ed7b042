package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/reunpack"
	"repotool/unpack"
)

// agentItem brings one upload back.
func (t *tool) agentItem(ctx context.Context, agent *fossology.Agent, sysconf, item string) error {
	number, err := strconv.ParseInt(strings.TrimSpace(item), 10, 32)
	if err != nil || number <= 0 {
		return fmt.Errorf("item %q: expected the number of an upload", item)
	}
	in, err := fossology.Load(fossology.LoadOptions{Sysconf: sysconf})
	if err != nil {
		return err
	}
	plan, err := agentPlan(ctx, agent, in, number)
	if err != nil {
		return err
	}
	defer plan.Close()
	fmt.Fprintf(agent, "upload %d: %s missing (%s)%s", number, plural(plan.Missing.Files, "file", "files"), size(plan.Missing.Bytes), elsewhere(plan.Elsewhere))
	if agent.Verbose() > 0 {
		for _, g := range plan.Golds {
			fmt.Fprintf(agent, "upload %d: %s from gold %s", number, plural(g.Files, "file", "files"), g.Name)
		}
	}
	r, err := plan.Run(ctx, reunpack.RunOptions{Prefix: unpackedAt(in.Repository), Now: t.now, Log: t.log,
		Progress: func(files, _ int64) { agent.Done(files) }, Stir: agent.Stir})
	if err != nil {
		fmt.Fprintf(agent, "upload %d: %s brought back before", number, plural(r.Written.Files, "file", "files"))
		return noRoom(err, in.Repository.Path)
	}
	return agentResult(agent, number, r)
}

func elsewhere(s reunpack.Sum) string {
	if s.Files == 0 {
		return ""
	}
	return fmt.Sprintf("; %s more of it belong to other hosts", count(s.Files))
}

// agentPlan finds out what is missing of an upload on this host. The view of the
// database is closed before the work begins.
func agentPlan(ctx context.Context, agent *fossology.Agent, in *fossology.Installation, number int64) (plan *reunpack.UploadPlan, err error) {
	own, err := agentHosts(ctx, in)
	if err != nil {
		return nil, err
	}
	err = connected(ctx, in.Database, func(db *fossology.Database) error {
		view, err := db.View(ctx)
		if err != nil {
			return err
		}
		defer view.Close()
		source := reunpack.UploadSource{Repository: in.Repository, Stir: agent.Stir,
			Host: func(host string) bool { return host == "" || slices.Contains(own, host) }}
		if source.Upload, err = oneUpload(ctx, view, number); err != nil {
			return err
		}
		if source.CutShort, err = isCutShort(ctx, view, number); err != nil {
			return err
		}
		source.Uses = view.UsesIn(ctx, number)
		plan, err = reunpack.Upload(ctx, source)
		return err
	})
	return plan, err
}

// agentHosts are the hosts of the repository whose files are written here.
func agentHosts(ctx context.Context, in *fossology.Installation) ([]string, error) {
	m, err := fossology.ReadAgentModule(in.AgentsDir(), fossology.ReunpackAgent)
	if err == nil && m.Host != "" {
		return []string{m.Host}, nil
	}
	own := in.OwnHosts(ctx)
	if len(own) == 0 && len(in.Repository.HostsOf("files")) > 0 {
		return nil, fmt.Errorf("none of the hosts of the repository (%s) is this one: name it with repotool agent install --host NAME",
			strings.Join(in.Repository.HostsOf("files"), ", "))
	}
	return own, nil
}

// oneUpload finds an upload.
func oneUpload(ctx context.Context, view *fossology.View, number int64) (fossology.Upload, error) {
	for u, err := range view.Uploads(ctx) {
		var bad *fossology.RowError
		switch {
		case u.PK == number && err != nil:
			return u, err
		case err != nil && !errors.As(err, &bad):
			return u, err
		case u.PK == number:
			return u, nil
		}
	}
	return fossology.Upload{}, fmt.Errorf("upload %d: %w", number, fossology.ErrNoUpload)
}

func isCutShort(ctx context.Context, view *fossology.View, number int64) (bool, error) {
	for pk, err := range view.CutShort(ctx) {
		if err != nil || pk == number {
			return err == nil, err
		}
	}
	return false, nil
}

// maxLoggedLosses is how many lost files are named in the log of a job.
const maxLoggedLosses = 100

// agentResult says in the job's log what was done, and whether that is enough.
func agentResult(agent *fossology.Agent, number int64, r *reunpack.Report) error {
	agent.Done(r.There.Files) // somebody else has brought them; they are done all the same
	fmt.Fprintf(agent, "upload %d: %s brought back (%s), %s", number, plural(r.Written.Files, "file", "files"), size(r.Written.Bytes),
		seconds(time.Duration(r.Seconds*float64(time.Second))))
	for i, l := range r.Lost.List {
		if i == maxLoggedLosses {
			fmt.Fprintf(agent, "finding: %s more", count(r.Lost.Files()-int64(i)))
			break
		}
		fmt.Fprintf(agent, "finding: %s: %s %s", l.Reason, l.Name, l.Detail)
	}
	if r.Lost.Files() == r.Lost.Reasons[goldindex.Metadata].Files { // analysis can do without a tool's report about an archive
		return nil
	}
	for _, t := range unpack.Tools() {
		if t.Path == "" {
			fmt.Fprintf(agent, "note: %s is missing on this host, which opens %s", t.Name, t.For)
		}
	}
	return lossError{fmt.Sprintf("upload %d: %s could not be brought back", number, plural(r.Lost.Files(), "file", "files")),
		findingsError{r.Lost.Files()}}
}

// A lossError makes findings an error: what waits for the files must not run.
type lossError struct {
	text string
	findingsError
}

func (e lossError) Error() string { return e.text }
func (e lossError) Unwrap() error { return e.findingsError }
