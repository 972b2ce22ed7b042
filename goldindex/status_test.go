package goldindex_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/repotest"
)

// TestAbsent: what the database refers to and the repository lacks is counted by class
// and reason, beside what is there.
func TestAbsent(t *testing.T) {
	s := newSite(t)
	before := s.status(t) // no ledger yet
	if a := before.Absent; a.Files.Files != 0 || len(a.Reasons) != 0 {
		t.Fatalf("nothing is gone: %+v", a)
	}
	s.fill(t)
	var made, meta goldindex.Sum
	gone := map[string]bool{}
	l := s.open(t)
	for f, err := range l.Files(t.Context(), s.repo, s.db, func(err error) { t.Error(err) }) {
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case f.Class == goldindex.Confirmed && made.Files < 7:
			made = goldindex.Sum{Files: made.Files + 1, Bytes: made.Bytes + f.Size}
		case f.Reason == goldindex.Metadata && meta.Files < 3:
			meta = goldindex.Sum{Files: meta.Files + 1, Bytes: meta.Bytes + f.Size}
		default:
			continue
		}
		gone[f.Path] = true
	}
	for path := range gone {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	st := s.status(t)
	a := st.Absent
	if a.Made != made || a.Lost != meta || a.Classes[goldindex.Confirmed] != made || a.Reasons[goldindex.Metadata] != meta || a.Files.Files != 10 {
		t.Errorf("absent: %+v, want %+v made, %+v lost", a, made, meta)
	}
	if st.Files.Files != before.Files.Files-10 || st.Classes[goldindex.Confirmed].Files != 809-7 || st.Reasons[goldindex.Metadata].Files != 37-3 {
		t.Errorf("there: %+v", *st)
	}
	// Without a ledger nobody knows yet.
	if err := os.RemoveAll(s.ledger); err != nil {
		t.Fatal(err)
	}
	if a := s.status(t).Absent; a.Reasons[goldindex.NotIndexed] != made || a.Made.Files != 0 || a.Lost != meta {
		t.Errorf("without a ledger: %+v", a)
	}
	// All of files gone.
	for _, host := range s.repo.Hosts() {
		if err := os.RemoveAll(s.repo.Path + "/" + host + "/files"); err != nil {
			t.Fatal(err)
		}
	}
	if st := s.status(t); st.Files.Files != 0 || st.Absent.Files != before.Files {
		t.Errorf("all gone: %+v, want %+v", *st, before.Files)
	}
}

// TestUnpacking: an upload that FOSSology is unpacking at this moment was not cut short.
func TestUnpacking(t *testing.T) {
	const cut = 88 // the one that was killed
	s := newSite(t)
	s.fill(t)
	dsn := repotest.Fossology(t)
	_, rest, _ := strings.Cut(dsn, "dbname=")
	database, _, _ := strings.Cut(rest, " ")
	n := s.plant(t, "planted")
	enter(t, database, n, cut, 0o100644)
	s.view(t, fossology.DSN(dsn))
	s.update(t)
	st := s.status(t)
	if !slices.Equal(st.CutShort, []int64{cut}) || st.Unpacking != nil || st.Reasons[goldindex.CutShort].Files != 1 {
		t.Errorf("killed: %v, %v, %v", st.CutShort, st.Unpacking, st.Reasons)
	}
	repotest.Postgres(t).SQL(t, database, fmt.Sprintf(`WITH j AS (
			INSERT INTO job (job_queued, job_priority, job_name, job_upload_fk) VALUES (now(), 0, 'unpack', %d) RETURNING job_pk)
		INSERT INTO jobqueue (jq_job_fk, jq_type, jq_args, jq_starttime) SELECT job_pk, 'ununpack', '%d', now() FROM j`, cut, cut))
	s.view(t, fossology.DSN(dsn))
	st = s.status(t)
	if st.CutShort != nil || !slices.Equal(st.Unpacking, []int64{cut}) || st.Reasons[goldindex.CutShort].Files != 0 {
		t.Errorf("at work: %v, %v, %v", st.CutShort, st.Unpacking, st.Reasons)
	}
}

// TestOtherName: a gold that was uploaded again under another name is unpacked once; what
// both uploads hold is the same contents, though other names, and all of it is confirmed.
func TestOtherName(t *testing.T) {
	s := newSite(t)
	dsn := repotest.Fossology(t)
	_, rest, _ := strings.Cut(dsn, "dbname=")
	database, _, _ := strings.Cut(rest, " ")
	s.fill(t)
	want := s.status(t)
	repotest.Postgres(t).SQL(t, database, `INSERT INTO upload (upload_pk, upload_desc, upload_filename, upload_mode, upload_origin, pfile_fk)
		SELECT 4711, '', 'other.name.bin', upload_mode, 'other.name.bin', pfile_fk FROM upload WHERE upload_pk = 90;
		INSERT INTO uploadtree_a (upload_fk, pfile_fk, ufile_mode, ufile_name, lft, rgt)
		SELECT 4711, pfile_fk, ufile_mode, 'other.' || ufile_name, lft, rgt FROM uploadtree_a WHERE upload_fk = 90`)
	s.view(t, fossology.DSN(dsn))
	if r := s.update(t); r.New != 0 || r.Differ != 0 {
		t.Errorf("update: %+v", *r)
	}
	got := s.status(t)
	if got.Renamed != want.Renamed+1 || fmt.Sprint(got.Classes, got.Reasons) != fmt.Sprint(want.Classes, want.Reasons) {
		t.Errorf("status: %+v, want %+v and one more under another name", *got, *want)
	}
}
