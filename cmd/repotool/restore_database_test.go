package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"repotool/snapshot"
)

// TestLoadDir: a store that is mounted read-only, or belongs to somebody else, can be restored from.
func TestLoadDir(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	for _, why := range []syscall.Errno{syscall.EROFS, syscall.EACCES} {
		dir, remove, err := loadDir(func() (string, error) {
			return "/store/tmp/1", fmt.Errorf("make a directory: %w", &fs.PathError{Op: "mkdir", Path: "/store/tmp/1", Err: why})
		})
		if err != nil || filepath.Dir(dir) != temporary {
			t.Fatalf("%v: %s, %v; want a directory in %s", why, dir, err, temporary)
		}
		if remove(); exists(dir) {
			t.Errorf("%v: %s is left behind", why, dir)
		}
	}
	full := func() (string, error) { return "", syscall.ENOSPC }
	if dir, _, err := loadDir(full); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("full disk: %s, %v", dir, err)
	}
	own := t.TempDir()
	dir, remove, err := loadDir(func() (string, error) { return own, nil })
	if remove(); err != nil || dir != own || !exists(own) {
		t.Errorf("%s, %v; want %s, which the store removes", dir, err, own)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// TestChooseOnce: a database that is named twice is loaded once.
func TestChooseOnce(t *testing.T) {
	r := &restoration{snap: &snapshot.Snapshot{Manifest: &snapshot.Manifest{Database: new(snapshot.Dump)}}, databaseName: "copy"}
	err := r.choose([]string{"database/b", "database/a", "database/b"}, "/tmp/out")
	if err == nil || !strings.HasSuffix(err.Error(), "not a and b") {
		t.Errorf("error %v, want one that names each once", err)
	}
}
