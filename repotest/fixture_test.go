package repotest_test

import (
	"crypto/sha1"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"repotool/repotest"
)

func TestFossology(t *testing.T) {
	c := repotest.Postgres(t)
	one, two := repotest.Fossology(t), repotest.Fossology(t)
	if one == two {
		t.Fatalf("one database lent twice: %s", one)
	}
	const counts = "SELECT (SELECT count(*) FROM upload), (SELECT count(*) FROM pfile), (SELECT count(*) FROM uploadtree)"
	c.SQL(t, database(one), "DELETE FROM uploadtree")
	if got := c.SQL(t, database(one), counts); got != "94|846|0" {
		t.Errorf("after the deletion: %s", got)
	}
	if got := c.SQL(t, database(two), counts); got != "94|846|2459" {
		t.Errorf("the other database: %s", got)
	}
	if got := c.SQL(t, database(two), "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"); got != "fossy" {
		t.Errorf("tables belong to %s", got)
	}
}

// database returns the name in a connection string.
func database(dsn string) string {
	_, rest, _ := strings.Cut(dsn, "dbname=")
	name, _, _ := strings.Cut(rest, " ")
	return name
}

func TestRepository(t *testing.T) {
	repo := repotest.Repository(t)
	count := map[string]int{}
	links := 0
	err := filepath.WalkDir(repo, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		rel, _ := filepath.Rel(repo, path)
		parts := strings.Split(rel, "/")
		if parts[0] != "localhost" {
			return nil
		}
		count[parts[1]]++
		info, err := e.Info()
		if err != nil {
			return err
		}
		if info.Sys().(*syscall.Stat_t).Nlink > 1 {
			links++
		}
		if parts[1] != "files" && parts[1] != "gold" || strings.HasSuffix(rel, ".I") {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sum := sha1.Sum(content)
		if !strings.HasPrefix(e.Name(), hex.EncodeToString(sum[:])) {
			t.Errorf("%s has other content", rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if count["files"] != 846 || count["gold"] < 89 {
		t.Errorf("files: %v", count)
	}
	if links == 0 {
		t.Error("no hard links")
	}
	dir, err := os.Stat(filepath.Join(repo, "localhost", "gold"))
	if err != nil {
		t.Fatal(err)
	}
	if dir.Mode()&fs.ModeSetgid == 0 {
		t.Errorf("mode of gold: %v", dir.Mode())
	}
	if uid := dir.Sys().(*syscall.Stat_t).Uid; os.Getuid() == 0 && uid == 0 {
		t.Error("gold belongs to root")
	}
}

func TestSysconf(t *testing.T) {
	dir := repotest.Sysconf(t, "/srv/here", "host=127.0.0.1 port=77 dbname=x user=fossy password=fossy", "port=4711")
	for name, want := range map[string][]string{
		"fossology.conf": {"path = /srv/here\n", "port = 4711\n", "address = 127.0.0.1\n", "depth = 3\n", "localhost[] = * 00 ff\n"},
		"Db.conf":        {"host=127.0.0.1;\nport=77;\ndbname=x;\nuser=fossy;\npassword=fossy;\n"},
		"VERSION":        {"VERSION=4.7.0\n"},
	} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(string(content), w) {
				t.Errorf("%s has no %q:\n%s", name, w, content)
			}
		}
	}
}
