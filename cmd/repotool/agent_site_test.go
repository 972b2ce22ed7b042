package main

import (
	"archive/tar"
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repotool/fossology"
	"repotool/repotest"
)

// agentSite is a FOSSology whose scheduler has the agent.
type agentSite struct {
	repo    fossology.Repository
	path    string
	sysconf string
	db      string
	before  map[string]string // bytes by path
}

func newAgentSite(t *testing.T) *agentSite {
	t.Helper()
	dsn := repotest.Fossology(t)
	s := &agentSite{path: repotest.Repository(t)}
	s.sysconf = repotest.Sysconf(t, s.path, dsn)
	for _, word := range strings.Fields(dsn) {
		if name, ok := strings.CutPrefix(word, "dbname="); ok {
			s.db = name
		}
	}
	s.load(t)
	s.repotool(t, 0, "agent", "install")
	s.before = s.files(t)
	return s
}

// load reads the configuration, after a test has changed it.
func (s *agentSite) load(t *testing.T) {
	t.Helper()
	in, err := fossology.Load(fossology.LoadOptions{Sysconf: s.sysconf})
	if err != nil {
		t.Fatal(err)
	}
	s.repo = in.Repository
}

// repotool runs it as a user would.
func (s *agentSite) repotool(t *testing.T, code int, args ...string) string {
	t.Helper()
	cmd := exec.Command("repotool", append(args, "--sysconf", s.sysconf)...)
	empty := filepath.Join(t.TempDir(), "none.toml")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "REPOTOOL_CONFIG="+empty)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		t.Fatalf("repotool %v: %v, want exit code %d: %s", args, err, code, out)
	}
	return string(out)
}

func (s *agentSite) sql(t *testing.T, statement string, args ...any) string {
	t.Helper()
	return repotest.Postgres(t).SQL(t, s.db, fmt.Sprintf(statement, args...))
}

// files are all files of the type files, by their path below the repository.
func (s *agentSite) files(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	found, err := filepath.Glob(filepath.Join(s.path, "*", "files"))
	if err != nil {
		t.Fatal(err)
	}
	for _, top := range found {
		for e, err := range fossology.Walk(t.Context(), top, fossology.WalkOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Kind != fossology.FileFound {
				continue
			}
			path := filepath.Join(top, e.Path)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all[strings.TrimPrefix(path, s.path+"/")] = string(b)
		}
	}
	return all
}

// destroy removes all files of files.
func (s *agentSite) destroy(t *testing.T) {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(s.path, "*", "files"))
	for _, top := range found {
		if err := os.RemoveAll(top); err != nil {
			t.Fatal(err)
		}
	}
}

// namesOf are the Names of an upload, but those of tools' reports.
func (s *agentSite) namesOf(t *testing.T, upload int64) (names []string) {
	t.Helper()
	rows := s.sql(t, `SELECT DISTINCT lower(p.pfile_sha1) || '.' || lower(p.pfile_md5) || '.' || p.pfile_size
		FROM uploadtree u JOIN pfile p ON p.pfile_pk = u.pfile_fk WHERE u.upload_fk = %d AND u.ufile_name <> 'artifact.meta'`, upload)
	return strings.Fields(rows)
}

// wantBack fails the test unless the files of an upload are there as they were.
func (s *agentSite) wantBack(t *testing.T, upload int64) {
	t.Helper()
	names := s.namesOf(t, upload)
	if len(names) < 2 {
		t.Fatalf("upload %d has %d names", upload, len(names))
	}
	for _, n := range names {
		path, err := s.repo.Find("files", n)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		rel := strings.TrimPrefix(path, s.path+"/")
		if want, known := s.before[rel]; err != nil || known && string(b) != want || nameOfBytes(b) != n {
			t.Errorf("upload %d: %s is not back as it was: %v", upload, rel, err)
		}
	}
}

// wantWhole fails the test if a file of files has other bytes than its Name says.
func (s *agentSite) wantWhole(t *testing.T) (n int) {
	t.Helper()
	for path, b := range s.files(t) {
		n++
		if name := filepath.Base(path); nameOfBytes([]byte(b)) != name {
			t.Errorf("%s has other bytes", path)
		}
	}
	return n
}

func nameOfBytes(b []byte) string {
	s, m := sha1.Sum(b), md5.Sum(b)
	return fossology.Name{SHA1: s, MD5: m, Size: int64(len(b))}.String()
}

// bigFiles is how many files the big upload has: the agent names 256 at a time, so its
// heart beats several times before the end.
const bigFiles = 1200

// big makes an upload that takes a while to unpack, as FOSSology would have it, and
// returns its number. Nothing of it is in files.
func (s *agentSite) big(t *testing.T) int64 {
	t.Helper()
	random := rand.New(rand.NewChaCha8([32]byte{1}))
	var archive, rows bytes.Buffer
	w := tar.NewWriter(&archive)
	for i := range bigFiles {
		b := make([]byte, 4<<10+random.IntN(4<<10))
		for j := range b {
			b[j] = byte(random.Uint32())
		}
		name := fmt.Sprintf("big/%04d.bin", i)
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(b)), Mode: 0o644, ModTime: time.Unix(1e9, 0)}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&rows, ",('%s','%s')", nameOfBytes(b), filepath.Base(name))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	gold := nameOfBytes(archive.Bytes())
	path, err := s.repo.Find("gold", gold)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o770); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, archive.Bytes(), 0o660); err != nil {
		t.Fatal(err)
	}
	upload := s.sql(t, `CREATE TEMP TABLE big (name text, file text);
		INSERT INTO big VALUES ('%s', 'big.tar')%s;
		INSERT INTO pfile (pfile_sha1, pfile_md5, pfile_size)
			SELECT upper(split_part(name, '.', 1)), upper(split_part(name, '.', 2)), split_part(name, '.', 3)::bigint FROM big;
		INSERT INTO upload (upload_filename, upload_mode, pfile_fk, user_fk) SELECT 'big.tar', 104, max(pfile_pk), 3 FROM pfile
			WHERE upper(split_part('%s', '.', 1)) = pfile_sha1;
		INSERT INTO uploadtree_a (upload_fk, pfile_fk, ufile_mode, ufile_name)
			SELECT currval('upload_upload_pk_seq'), pfile_pk, CASE WHEN file = 'big.tar' THEN %d ELSE 33188 END, file
			FROM big JOIN pfile ON pfile_sha1 = upper(split_part(name, '.', 1));
		SELECT currval('upload_upload_pk_seq')`, gold, rows.String(), gold, 1<<29|0o100000)
	var n int64
	if _, err := fmt.Sscan(upload, &n); err != nil {
		t.Fatalf("upload %q: %v", upload, err)
	}
	return n
}
