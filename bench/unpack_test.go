package bench_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repotool/bench"
	"repotool/fossology"
	"repotool/repotest"
)

// TestUnpack: a tar.gz of three files, two of them the same: what comes out is counted, by
// kinds, and stored under true Names.
func TestUnpack(t *testing.T) {
	b := repotest.Tarball(t)
	for _, dir := range []string{"", t.TempDir()} {
		u, err := bench.Unpack(t.Context(), "x.tar.gz", bytes.NewReader(b), bench.UnpackOptions{Repository: dir, TempDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		const tarBytes = 3*1024 + 1024 + 1024 // headers and blocks, a header of the directory or none, the end
		text := int64(2*len("some text\n") + len("another text\n"))
		if u.In != int64(len(b)) || u.Files != 4 || u.Distinct.Files != 3 || u.Out != u.Distinct.Bytes+int64(len("some text\n")) || u.Seconds <= 0 || u.Memory < 1<<20 {
			t.Errorf("%+v", u)
		}
		gz, inTar := u.Kinds["gzip"], u.Kinds["tar"]
		if gz.Archives != 1 || gz.In != u.In || gz.Files != 1 || inTar.Archives != 1 || inTar.In != gz.Out || inTar.Files != 3 || inTar.Out != text || gz.Out > 3*tarBytes {
			t.Errorf("%+v", u.Kinds)
		}
		if dir == "" {
			continue
		}
		if *u.Stored != u.Distinct {
			t.Errorf("stored %+v, distinct %+v", u.Stored, u.Distinct)
		}
		named(t, dir, u.Distinct.Files)
	}
}

// named checks that below a directory are files under true Names, and no others.
func named(t *testing.T, dir string, want int64) {
	t.Helper()
	files := int64(0)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		name := fmt.Sprintf("%x.%x.%d", sha1.Sum(b), md5.Sum(b), len(b))
		if path != filepath.Join(dir, "localhost", "files", fossology.FanOut(name, 3), name) {
			t.Errorf("%s holds %s", path, name)
		}
		return err
	})
	if err != nil || files != want {
		t.Errorf("%d files, %d wanted; %v", files, want, err)
	}
}

// TestUnpackReal: what comes out of a gold of the real repository is there.
func TestUnpackReal(t *testing.T) {
	repo := repotest.Repository(t)
	golds, _ := filepath.Glob(filepath.Join(repo, "localhost/gold/*/*/*/*"))
	tried := 0
	for _, gold := range golds {
		info, err := os.Stat(gold)
		if err != nil || strings.HasSuffix(gold, ".I") || info.Size() > 200<<10 {
			continue
		}
		if tried++; tried > 12 {
			break
		}
		f, err := os.Open(gold)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		u, err := bench.Unpack(t.Context(), filepath.Base(gold), f, bench.UnpackOptions{Repository: dir, TempDir: t.TempDir()})
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		named(t, dir, u.Distinct.Files)
		missing := 0
		filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				rel, _ := filepath.Rel(dir, path)
				if _, err := os.Lstat(filepath.Join(repo, rel)); err != nil {
					missing++
				}
			}
			return err
		})
		if missing > 0 {
			t.Errorf("%s: %d of %d files are not in the repository", filepath.Base(gold), missing, u.Distinct.Files)
		}
	}
	if tried < 5 {
		t.Errorf("%d golds", tried)
	}
}
