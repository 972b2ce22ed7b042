package prune_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"repotool/fossology"
	"repotool/prune"
)

// TestOtherGoldSince: a file stays if an upload that has it has no gold of its own any more that
// makes it, though it had when the plan was made, or had not got the file then.
func TestOtherGoldSince(t *testing.T) {
	s := newSite(t)
	v, other := s.twiceMade(s.plan(prune.Derived, prune.Filters{}))
	pfile := "(SELECT pfile_pk FROM pfile WHERE lower(pfile_sha1) = '" + v.Name.String()[:40] + "')"
	gold, err := s.repo.Find("gold", other.String())
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct{ before, change, back func() }{
		// FOSSology writes the row of an upload first; its tree comes when the queue is through.
		"an upload that is unpacked meanwhile": {
			before: func() {
				s.sql(`INSERT INTO pfile (pfile_pk, pfile_md5, pfile_sha1, pfile_size) VALUES (-7, repeat('A', 32), repeat('B', 40), 5);
					INSERT INTO upload (upload_pk, upload_filename, upload_mode, pfile_fk) VALUES (-7, 'waits', 104, -7)`)
			},
			change: func() {
				s.sql("INSERT INTO uploadtree_a (upload_fk, pfile_fk, ufile_mode, ufile_name) VALUES (-7, -7, 536903680, 'waits'); " +
					"INSERT INTO uploadtree_a (parent, upload_fk, pfile_fk, ufile_mode, ufile_name) SELECT uploadtree_pk, -7, " + pfile +
					", 32768, 'x' FROM uploadtree_a WHERE upload_fk = -7")
			},
			back: func() {
				s.sql("DELETE FROM uploadtree_a WHERE upload_fk = -7; DELETE FROM upload WHERE upload_pk = -7; DELETE FROM pfile WHERE pfile_pk = -7")
			},
		},
		"the gold of another upload is gone": {
			before: func() {},
			change: func() { rename(t, gold, gold+".was") },
			back:   func() { rename(t, gold+".was", gold) },
		},
	} {
		t.Run(what, func(t *testing.T) {
			c.before()
			p := s.plan(prune.Derived, prune.Filters{})
			if !slices.ContainsFunc(victims(t, p), func(x prune.Victim) bool { return x.Name == v.Name }) {
				t.Fatalf("%s is not in the plan", v.Name)
			}
			c.change()
			r := s.execute(p)
			c.back()
			names := s.removed(p.ID)
			if _, gone := slices.BinarySearchFunc(names, v.Name, fossology.Name.Compare); gone || r.Kept[prune.OtherGold].Files == 0 || len(names) == 0 {
				t.Errorf("%s went: %v; %+v", v.Name, gone, *r)
			}
			s.undo(names)
		})
	}
}

// twiceMade finds a victim that several uploads have, each with a gold that makes it, and a gold
// of them which is not that of the plan.
func (s *site) twiceMade(p *prune.Plan) (prune.Victim, fossology.Name) {
	s.t.Helper()
	proofs := s.ledger.Proofs()
	for _, v := range victims(s.t, p) {
		_, makers, err := proofs.Proof(v.Name)
		if err != nil {
			s.t.Fatal(err)
		}
		owned := s.sql(fmt.Sprintf(`SELECT DISTINCT lower(g.pfile_sha1) FROM pfile p JOIN uploadtree t ON t.pfile_fk = p.pfile_pk JOIN upload u ON u.upload_pk = t.upload_fk
			JOIN pfile g ON g.pfile_pk = u.pfile_fk WHERE lower(p.pfile_sha1) = '%.40s'`, v.Name))
		for _, n := range makers {
			if n.String() != p.Golds[v.Gold].Name && strings.Contains(owned, n.String()[:40]) {
				return v, n
			}
		}
	}
	s.t.Fatal("no victim is made by two golds")
	return prune.Victim{}, fossology.Name{}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}
