package fossology_test

import (
	"context"
	"errors"
	"iter"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"repotool/fossology"
	"repotool/repotest"
)

// connect connects to a fresh database with the fixture in it.
func connect(t testing.TB) (*fossology.Database, fossology.DSN) {
	t.Helper()
	dsn := fossology.DSN(repotest.Fossology(t))
	db, err := fossology.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(context.Background()) })
	return db, dsn
}

func view(t testing.TB, db *fossology.Database) *fossology.View {
	t.Helper()
	v, err := db.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

// TestBytesWithoutEncoding: a database that does not know what its bytes mean, as old
// installations have, is read with all of them.
func TestBytesWithoutEncoding(t *testing.T) {
	pg, dsn := repotest.Postgres(t), repotest.Fossology(t)
	pg.SQL(t, "postgres", `CREATE DATABASE bytes OWNER fossy TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'`)
	t.Cleanup(func() { pg.SQL(t, "postgres", "DROP DATABASE bytes WITH (FORCE)") })
	load := exec.Command("sh", "-c", `"$0/pg_dump" -d "$1" | "$0/psql" -X -q -o /dev/null -v ON_ERROR_STOP=1 -d "$2"`, pg.Bin, dsn, pg.AdminDSN("bytes"))
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pg.SQL(t, "bytes", `UPDATE upload SET upload_filename = E'caf\xe9.tar' WHERE upload_pk = 4`)
	db, err := fossology.Connect(t.Context(), pg.DSN("bytes"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	v := view(t, db)
	if !slices.ContainsFunc(collect(t, v.Uploads(t.Context())), func(u fossology.Upload) bool { return u.Filename == "caf\xe9.tar" }) {
		t.Error("the upload is not there with its name")
	}
	if len(collect(t, v.Uses(t.Context()))) == 0 {
		t.Error("no content is used")
	}
}

func collect[T any](t testing.TB, seq iter.Seq2[T, error]) []T {
	t.Helper()
	var all []T
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

// treeLine holds what expected.tsv says of a row of uploadtree.
type treeLine struct {
	upload int64
	mode   uint32
	name   string
}

// expectedTree reads testdata/small/expected.tsv.
func expectedTree(t *testing.T) []treeLine {
	t.Helper()
	var all []treeLine
	for line := range strings.Lines(read(t, "../testdata/small/expected.tsv")) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		upload, err := strconv.ParseInt(f[0], 10, 64)
		if err != nil {
			continue // header
		}
		mode, err := strconv.ParseUint(f[4], 8, 32)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, treeLine{upload, uint32(mode), f[5]})
	}
	return all
}

func TestConnect(t *testing.T) {
	db, dsn := connect(t)
	if db.ServerVersion() < 100000 || db.Encoding() != "UTF8" || !strings.Contains(string(dsn), db.Name()) {
		t.Errorf("version %d, encoding %s, name %s", db.ServerVersion(), db.Encoding(), db.Name())
	}
	if err := db.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Databases(t.Context()); err != nil {
		t.Errorf("use after Close: %v, want a new connection", err)
	}
}

func TestConnectErrors(t *testing.T) {
	dsn := repotest.Fossology(t)
	for name, c := range map[string]struct{ dsn, hint string }{
		"wrong password":  {strings.Replace(dsn, "password=fossy", "password=secret", 1), "password"},
		"no such db":      {strings.Replace(dsn, "dbname=", "dbname=no", 1), "dbname"},
		"nobody listens":  {"host=127.0.0.1 user=u password=secret dbname=d port=1", "is PostgreSQL running"},
		"not a DSN":       {"host=127.0.0.1 password=secret port", "write it as in: host="},
		"port no number":  {"host=127.0.0.1 password=secret port=x", ""},
		"url no password": {"postgres://u:secret@127.0.0.1:x/d", ""},
	} {
		_, err := fossology.Connect(t.Context(), c.dsn)
		var connectErr *fossology.ConnectError
		if !errors.As(err, &connectErr) || !strings.Contains(connectErr.Hint(), c.hint) {
			t.Errorf("%s: error %v, want a ConnectError with a hint of %q", name, err, c.hint)
			continue
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %q shows the password", name, err)
		}
	}
}

func TestViewCounts(t *testing.T) {
	db, _ := connect(t)
	got, err := view(t, db).Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := (fossology.Counts{Upload: 94, Pfile: 846, Uploadtree: 2459, Jobqueue: 197}); got != want {
		t.Errorf("Counts = %+v, want %+v", got, want)
	}
}

func TestViewIsOneMoment(t *testing.T) {
	db, dsn := connect(t)
	v := view(t, db)
	sql(t, dsn, `DELETE FROM jobqueue; INSERT INTO pfile (pfile_md5, pfile_sha1, pfile_size) VALUES (repeat('A', 32), repeat('B', 40), 5)`)
	counts, err := v.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := len(collect(t, v.PfileNames(t.Context()))); counts.Pfile != 846 || got != 846 {
		t.Errorf("%d pfiles counted, %d streamed; want the 846 of the moment of the view", counts.Pfile, got)
	}
	if got := len(collect(t, v.Jobs(t.Context()))); got != 8 {
		t.Errorf("%d jobs, want the 8 of the moment of the view", got)
	}
	now, err := db.Unfinished(t.Context())
	if err != nil || len(now) != 0 {
		t.Errorf("Unfinished = %v, %v; want none at the present moment", now, err)
	}
	if got := len(collect(t, view(t, db).PfileNames(t.Context()))); got != 847 {
		t.Errorf("a new view has %d pfiles, want 847", got)
	}
}

func TestViewPfiles(t *testing.T) {
	db, _ := connect(t)
	v := view(t, db)
	all := collect(t, v.Pfiles(t.Context(), 0))
	if len(all) != 846 {
		t.Errorf("%d pfiles, want 846", len(all))
	}
	if !slices.IsSortedFunc(all, func(a, b fossology.Pfile) int { return int(a.PK - b.PK) }) {
		t.Error("pfiles are not in the order of their keys")
	}
	for _, p := range all {
		if p.Name.IsZero() || len(p.SHA256) != 64 || strings.ToLower(p.SHA256) != p.SHA256 {
			t.Errorf("pfile %+v", p)
		}
	}
	after := collect(t, v.Pfiles(t.Context(), all[500].PK))
	if !slices.Equal(after, all[501:]) {
		t.Errorf("after pfile %d there are %d, want %d", all[500].PK, len(after), len(all)-501)
	}
}

func TestViewNames(t *testing.T) {
	db, dsn := connect(t)
	// The same name twice (only the sha256 differs), and sizes that sort
	// differently as text and as numbers.
	sql(t, dsn, `INSERT INTO pfile (pfile_md5, pfile_sha1, pfile_sha256, pfile_size)
		SELECT repeat('A', 32), repeat('B', 40), s, n FROM (VALUES (NULL, 9), (repeat('1', 64), 9), (repeat('2', 64), 10), (NULL, 100)) v(s, n)`)
	v := view(t, db)
	names := collect(t, v.PfileNames(t.Context()))
	if len(names) != 846+3 {
		t.Errorf("%d names, want 849", len(names))
	}
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = n.String()
	}
	if !slices.IsSorted(texts) || len(slices.Compact(slices.Clone(texts))) != len(texts) {
		t.Error("names are not sorted as text, or not distinct")
	}
	golds := collect(t, v.GoldNames(t.Context()))
	if len(golds) != 89 || !slices.IsSortedFunc(golds, fossology.Name.Compare) {
		t.Errorf("%d golds, want 89, sorted", len(golds))
	}
	// Two streams at once, as the closure check reads them.
	next, stop := iter.Pull2(v.PfileNames(t.Context()))
	defer stop()
	for gold, err := range v.GoldNames(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for {
			name, err, ok := next()
			if err != nil || !ok {
				t.Fatalf("gold %v has no pfile: %v", gold, err)
			}
			if name == gold {
				break
			}
		}
	}
}

func TestViewUploads(t *testing.T) {
	db, dsn := connect(t)
	sql(t, dsn, `UPDATE upload SET expire_action = 'd' WHERE upload_pk = 3`) // deleted, its pfile not yet
	v := view(t, db)
	uploads := collect(t, v.Uploads(t.Context()))
	living := 0
	byPK := map[int64]fossology.Upload{}
	for _, u := range uploads {
		byPK[u.PK] = u
		if u.Living() {
			living++
		}
		if u.Name.IsZero() != (u.Pfile == 0) {
			t.Errorf("upload %d has pfile %d and name %v", u.PK, u.Pfile, u.Name)
		}
	}
	if len(uploads) != 94 || living != 88 {
		t.Errorf("%d uploads, %d living; want 94 and 88", len(uploads), living)
	}
	if got := len(collect(t, v.GoldNames(t.Context()))); got != 88 {
		t.Errorf("%d golds, want 88", got)
	}
	if u := byPK[87]; u.Filename != "missing-1.0.tar.gz" || u.Mode != 4 || u.Pfile != 0 || u.Deleted {
		t.Errorf("upload 87 = %+v", u)
	}
	if u := byPK[82]; !u.Deleted || u.Living() {
		t.Errorf("upload 82 = %+v, want deleted", u)
	}
	if u := byPK[2]; u.Table != "uploadtree_a" || u.Mode != 104 || u.Name.Size != 85055 || u.Time.IsZero() {
		t.Errorf("upload 2 = %+v", u)
	}
}

func TestViewTreeRows(t *testing.T) {
	db, dsn := connect(t)
	// One upload gets a table of its own, as FOSSology gives to large ones; one
	// names a table that is not there.
	sql(t, dsn, `CREATE TABLE uploadtree_65 (CHECK (upload_fk = 65)) INHERITS (uploadtree);
		WITH moved AS (DELETE FROM uploadtree_a WHERE upload_fk = 65 RETURNING *) INSERT INTO uploadtree_65 SELECT * FROM moved;
		UPDATE upload SET uploadtree_tablename = 'uploadtree_65' WHERE upload_pk = 65;
		UPDATE upload SET uploadtree_tablename = 'no such"table' WHERE upload_pk = 64`)
	v := view(t, db)
	rows := map[int64][]fossology.TreeRow{}
	for _, want := range expectedTree(t) {
		if rows[want.upload] == nil {
			rows[want.upload] = collect(t, v.TreeRows(t.Context(), want.upload))
		}
		all := rows[want.upload]
		if len(all) == 0 {
			t.Fatalf("upload %d has fewer rows than expected.tsv", want.upload)
		}
		got := all[0]
		name := "-"
		if got.Pfile != 0 {
			name = got.Name.String()
		}
		if got.Mode != want.mode || name != want.name || got.Upload != want.upload {
			t.Errorf("row %+v, want mode %o and name %s", got, want.mode, want.name)
		}
		rows[want.upload] = all[1:]
		if len(all) == 1 {
			rows[want.upload] = []fossology.TreeRow{}
		}
	}
	if len(rows) < 80 {
		t.Errorf("compared %d uploads, want all of expected.tsv", len(rows))
	}
	for upload, rest := range rows {
		if len(rest) != 0 {
			t.Errorf("upload %d has %d rows more than expected.tsv", upload, len(rest))
		}
	}
	tables, err := v.TreeTables(t.Context())
	if err != nil || !slices.Equal(tables, []string{"uploadtree_65", "uploadtree_a"}) {
		t.Errorf("TreeTables = %q, %v", tables, err)
	}
	for _, err := range v.TreeRows(t.Context(), 4711) {
		if !errors.Is(err, fossology.ErrNoUpload) {
			t.Errorf("tree of upload 4711: error %v, want ErrNoUpload", err)
		}
	}
}

func TestTreeRowClasses(t *testing.T) {
	for _, c := range []struct {
		mode                           uint32
		pfile                          int64
		container, artifact, directory bool
	}{
		{0x8000, 1, false, false, false},
		{0x20008000, 1, true, false, false},
		{0x20004000, 0, false, false, true},
		{0x30004000, 0, false, true, true},
		{0x30000000, 0, false, true, false},
		{0x30008000, 1, true, true, false},
		{0x10008000, 1, false, true, false},
		{0xa000, 0, false, false, false},
	} {
		r := fossology.TreeRow{Mode: c.mode, Pfile: c.pfile}
		if r.Container() != c.container || r.Artifact() != c.artifact || r.Directory() != c.directory {
			t.Errorf("mode %#x: container %v, artifact %v, directory %v", c.mode, r.Container(), r.Artifact(), r.Directory())
		}
	}
}

func TestViewJobs(t *testing.T) {
	db, dsn := connect(t)
	sql(t, dsn, `UPDATE jobqueue SET jq_starttime = '9999-12-31 00:00:00+00', jq_endtext = 'Paused' WHERE jq_pk = 195;
		UPDATE jobqueue SET jq_starttime = now(), jq_endtext = 'Paused', jq_schedinfo = 'localhost.1' WHERE jq_pk = 194`)
	got := map[int64]fossology.JobState{}
	for _, j := range collect(t, view(t, db).Jobs(t.Context())) {
		got[j.PK] = j.State
		if j.PK == 191 && (j.Type != "nomos" || j.Args != "7" || j.Upload != 7 || j.Text != "Started" || j.Sched != "localhost.5699" || j.Start.Year() != 2026) {
			t.Errorf("job 191 = %+v", j)
		}
		if j.PK == 195 && !j.Start.IsZero() {
			t.Errorf("job 195 starts at %v, want never", j.Start)
		}
	}
	want := map[int64]fossology.JobState{
		191: fossology.JobRunning, 192: fossology.JobWaiting, 193: fossology.JobWaiting, 194: fossology.JobRunningPaused,
		195: fossology.JobWaitingPaused, 196: fossology.JobWaiting, 197: fossology.JobWaiting, 198: fossology.JobWaiting,
	}
	for pk, state := range want {
		if got[pk] != state {
			t.Errorf("job %d is %q, want %q", pk, got[pk], state)
		}
	}
	if len(got) != len(want) {
		t.Errorf("jobs %v, want %v", got, want)
	}
}

func TestBadRowsDoNotEndTheStream(t *testing.T) {
	db, dsn := connect(t)
	sql(t, dsn, `UPDATE pfile SET pfile_sha1 = 'none' WHERE pfile_pk = 5`)
	v := view(t, db)
	bad, good := 0, 0
	for _, err := range v.Pfiles(t.Context(), 0) {
		var rowErr *fossology.RowError
		switch {
		case err == nil:
			good++
		case errors.As(err, &rowErr) && rowErr.PK == 5:
			bad++
		default:
			t.Fatal(err)
		}
	}
	if bad != 1 || good != 845 {
		t.Errorf("%d bad and %d good rows, want 1 and 845", bad, good)
	}
}

func TestStreamsEndWithTheContextAndWhenLeft(t *testing.T) {
	db, dsn := connect(t)
	v := view(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for _, err := range v.Pfiles(ctx, 0) {
		if n++; n == 10 {
			cancel()
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
	}
	for range v.Pfiles(t.Context(), 0) {
		break // left early
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		got := sql(t, dsn, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'repotool'`)
		if got == "2" { // that of db and that of the view
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s sessions are left, want 2", got)
		}
	}
}

// TestStreamsHoldNothing reads many rows and looks at the memory in use meanwhile.
func TestStreamsHoldNothing(t *testing.T) {
	db, dsn := connect(t)
	const rows = 200_000
	// A table without indexes is filled sooner.
	sql(t, dsn, `ALTER TABLE pfile RENAME TO old;
		CREATE TABLE pfile AS SELECT upper(md5(n::text)) AS pfile_md5, upper(md5(n::text) || left(md5((-n)::text), 8)) AS pfile_sha1, n AS pfile_size
		FROM generate_series(1, `+strconv.Itoa(rows)+`) n`)
	v := view(t, db)
	inUse := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most := inUse(), uint64(0)
	n := 0
	var last fossology.Name
	for name, err := range v.PfileNames(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if name.Compare(last) <= 0 {
			t.Fatalf("%v follows %v", name, last)
		}
		last = name
		if n++; n%50_000 == 0 {
			most = max(most, inUse())
		}
	}
	if n != rows {
		t.Errorf("%d names, want %d", n, rows)
	}
	if limit := before + 4<<20; most > limit {
		t.Errorf("%d bytes in use in the middle of the stream, want at most %d", most, limit)
	}
}

// TestClientKeywords: words of libpq's that are for the client are not sent to the server.
func TestClientKeywords(t *testing.T) {
	dsn := repotest.Fossology(t)
	want, err := fossology.DSN(dsn).DatabaseName()
	if err != nil || want == "" {
		t.Fatalf("%q, %v", want, err)
	}
	for _, words := range []string{"gssencmode=disable", "keepalives=1 keepalives_idle=60 tcp_user_timeout=1000", "hostaddr=127.0.0.1", "fallback_application_name=x sslcompression=0"} {
		db, err := fossology.Connect(t.Context(), dsn+" "+words)
		if err != nil {
			t.Errorf("%s: %v", words, err)
			continue
		}
		if db.Name() != want {
			t.Errorf("%s: connected to %s", words, db.Name())
		}
		db.Close(t.Context())
	}
	// Demands that this server does not meet, which pgx itself keeps, or what stands before it.
	for _, words := range []string{"require_auth=none", "sslcertmode=require", "host='' hostaddr=127.0.0.1 sslmode=require", "channel_binding=require"} {
		if db, err := fossology.Connect(t.Context(), dsn+" "+words); err == nil {
			t.Errorf("%s: connected", words)
			db.Close(t.Context())
		}
	}
}
