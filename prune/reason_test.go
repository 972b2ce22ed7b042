package prune_test

import (
	"iter"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/prune"
)

// victims are those of a plan.
func victims(t testing.TB, p *prune.Plan) (all []prune.Victim) {
	t.Helper()
	for v, err := range p.Each(0) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

func (s *site) path(v *prune.Victim) string {
	name := v.Name.String()
	return filepath.Join(s.repo.Path, v.Host, "files", fossology.FanOut(name, 3), name)
}

// TestReasons: each reason for which a file stays out of a plan, on the real installation.
// What stays for it is out of the plan, and everything else is in it as before.
func TestReasons(t *testing.T) {
	s := newSite(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	whole := s.plan(prune.Derived, prune.Filters{})
	all := victims(t, whole)
	slices.SortFunc(all, func(a, b prune.Victim) int { return a.Name.Compare(b.Name) }) // golds come in the order of their cost, which is chance's
	var one prune.Victim                                                                // which one gold alone makes
	for proofs, i := s.ledger.Proofs(), 0; one.Name.IsZero(); i++ {
		if v := all[i]; v.Class == prune.Leaf && v.Name.Size > 1000 {
			if _, golds, err := proofs.Proof(v.Name); err == nil && len(golds) == 1 {
				one = v
			}
		}
	}
	pfile := "(SELECT pfile_pk FROM pfile WHERE lower(pfile_sha1) = '" + one.Name.String()[:40] + "')"
	upload := s.sql("SELECT min(upload_fk) FROM uploadtree WHERE pfile_fk = " + pfile)
	gold, err := s.repo.Find("gold", whole.Golds[one.Gold].Name)
	must(err)
	nothing := func() {}
	sql := func(do, undo string) func() func() {
		return func() func() { s.sql(do); return func() { s.sql(undo) } }
	}
	for what, c := range map[string]struct {
		change  func() func() // and back; nil: none
		filters prune.Filters
		level   prune.Level
		options func(o *prune.Options)
		reason  prune.Reason
		only    bool // one's alone is to stay
	}{
		"no row": {change: sql("UPDATE uploadtree_a SET pfile_fk = -pfile_fk WHERE pfile_fk = "+pfile, "UPDATE uploadtree_a SET pfile_fk = -pfile_fk WHERE pfile_fk = -"+pfile),
			reason: prune.Unknown, only: true},
		"a database of last week": {change: sql("CREATE TABLE later AS SELECT * FROM uploadtree_a WHERE upload_fk >= "+upload+"; DELETE FROM uploadtree_a WHERE upload_fk >= "+upload,
			"INSERT INTO uploadtree_a SELECT * FROM later; DROP TABLE later"), reason: prune.Unknown},
		"another class":     {level: prune.Containers, reason: prune.OtherClass},
		"another upload":    {filters: prune.Filters{Uploads: []int64{1 << 30}}, reason: prune.Filtered},
		"too new":           {filters: prune.Filters{Before: time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)}, reason: prune.Filtered},
		"too small":         {filters: prune.Filters{MinSize: one.Name.Size + 1}, reason: prune.Filtered},
		"an older unpacker": {options: func(o *prune.Options) { o.Ledger = s.older() }, reason: prune.NotConfirmed},
		"no gold": {change: func() func() {
			must(os.Rename(gold, gold+".was"))
			return func() { must(os.Rename(gold+".was", gold)) }
		}, reason: prune.GoldMissing},
		"gold that was cut": {change: func() func() {
			b, err := os.ReadFile(gold)
			must(err)
			must(os.WriteFile(gold, b[:len(b)/2], 0o644))
			return func() { must(os.WriteFile(gold, b, 0o644)) }
		}, reason: prune.GoldMissing},
		"gold of another upload": {change: sql("UPDATE upload SET pfile_fk = (SELECT min(pfile_fk) FROM upload WHERE upload_pk <> "+upload+") WHERE upload_pk = "+upload,
			"UPDATE upload SET pfile_fk = (SELECT pfile_pk FROM pfile WHERE lower(pfile_sha1) = '"+whole.Golds[one.Gold].Name[:40]+"') WHERE upload_pk = "+upload),
			reason: prune.OtherGold},
		"one gold only": {filters: prune.Filters{Copies: 99}, reason: prune.FewCopies},
		"a job": {change: sql("WITH j AS (INSERT INTO job (job_queued, job_name, job_upload_fk, job_user_fk) VALUES (now(), 'x', "+upload+
			", 1) RETURNING job_pk) INSERT INTO jobqueue (jq_job_fk, jq_type, jq_args) SELECT job_pk, 'nomos', '0' FROM j",
			"UPDATE jobqueue SET jq_endtime = now() WHERE jq_endtime IS NULL"), reason: prune.Job},
		"cut short": {change: sql("INSERT INTO ununpack_ars (ars_pk, agent_fk, upload_fk, ars_success, ars_starttime) SELECT -1, min(agent_fk), "+upload+", false, now() FROM ununpack_ars",
			"DELETE FROM ununpack_ars WHERE ars_pk = -1"), reason: prune.CutShort},
		"not backed up": {options: func(o *prune.Options) { o.Filters.Unbacked, o.BackedUp = false, without(all, one.Name) }, reason: prune.NotBackedUp},
		"no snapshot":   {options: func(o *prune.Options) { o.Filters.Unbacked, o.BackedUp = false, nil }, reason: prune.NotBackedUp},
		"lately read": {change: func() func() {
			old := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
			for _, v := range all {
				must(os.Chtimes(s.path(&v), old, old))
			}
			must(os.Chtimes(s.path(&one), time.Now(), old))
			return nothing
		}, filters: prune.Filters{ReadBefore: time.Date(2002, 1, 1, 0, 0, 0, 0, time.UTC)}, reason: prune.RecentlyRead},
		"enough freed": {filters: prune.Filters{Free: 1}, reason: prune.Budget},
	} {
		t.Run(what, func(t *testing.T) {
			if c.change != nil {
				defer c.change()()
			}
			o := s.options(prune.Derived, c.filters)
			if c.level != "" {
				o.Level = c.level
			}
			if c.options != nil {
				c.options(&o)
			}
			v := s.view()
			defer v.Close()
			p, err := prune.Make(t.Context(), v, o)
			must(err)
			defer p.Close()
			kept, before := p.Kept[c.reason], whole.Kept[c.reason]
			if kept.Files <= before.Files || p.Victims.Files >= whole.Victims.Files || c.only && (kept.Files != before.Files+1 || p.Victims.Files != whole.Victims.Files-1) {
				t.Errorf("%d stay for %s, %d did before; %d go of %d", kept.Files, c.reason, before.Files, p.Victims.Files, whole.Victims.Files)
			}
			planned := sortedNames(all)
			for _, v := range victims(t, p) {
				// Without the rows of an upload that held it back, a file may go.
				if _, found := slices.BinarySearchFunc(planned, v.Name, fossology.Name.Compare); !found && c.reason != prune.Unknown {
					t.Errorf("%s goes, and did not before", v.Name)
				}
				another := c.reason == prune.GoldMissing && p.Golds[v.Gold].Name != whole.Golds[one.Gold].Name
				if v.Name == one.Name && c.reason != prune.Budget && !another {
					t.Error("it is in the plan")
				}
			}
			if c.reason == prune.Budget && p.Freed < 1 {
				t.Errorf("%d freed", p.Freed)
			}
		})
	}
	if again := s.plan(prune.Derived, prune.Filters{}); again.Victims != whole.Victims {
		t.Errorf("afterwards %+v go, before %+v", again.Victims, whole.Victims)
	}
}

// older is the ledger as it is to an unpacker of another version.
func (s *site) older() *goldindex.Ledger {
	s.t.Helper()
	unpacker, err := goldindex.Present(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	unpacker.Version++
	l, err := goldindex.Open(s.ledgerDir, unpacker)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { l.Close() })
	return l
}

func sortedNames(all []prune.Victim) (names []fossology.Name) {
	for _, v := range all {
		names = append(names, v.Name)
	}
	slices.SortFunc(names, fossology.Name.Compare)
	return names
}

// without yields the Names of victims but one, in order.
func without(all []prune.Victim, one fossology.Name) iter.Seq2[fossology.Name, error] {
	return func(yield func(fossology.Name, error) bool) {
		for _, n := range sortedNames(all) {
			if n != one && !yield(n, nil) {
				return
			}
		}
	}
}

// The budget takes first what is brought back soonest for its bytes, and stops when there
// is enough.
func TestBudget(t *testing.T) {
	s := newSite(t)
	whole := s.plan(prune.Derived, prune.Filters{})
	for _, share := range []int64{10, 3, 2} {
		want := whole.Freed / share
		p := s.plan(prune.Derived, prune.Filters{Free: want})
		last := p.Golds[len(p.Golds)-1]
		if p.Freed < want || p.Freed-last.Freed >= want || p.Seconds >= whole.Seconds {
			t.Errorf("%d freed of %d, the last gold %d; %.1f s of %.1f", p.Freed, want, last.Freed, p.Seconds, whole.Seconds)
		}
		rate := func(g prune.Gold) float64 { return g.Seconds / float64(g.Freed) }
		for i := 1; i < len(p.Golds); i++ {
			if rate(p.Golds[i]) < rate(p.Golds[i-1]) {
				t.Errorf("gold %d costs less than the one before", i)
			}
		}
	}
}
