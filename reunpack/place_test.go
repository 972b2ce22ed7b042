package reunpack_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"repotool/repotest"
	"repotool/reunpack"
)

// TestInTheWay: what stands where a directory belongs costs only the files behind it,
// and nothing is written through a symbolic link.
func TestInTheWay(t *testing.T) { inTheWay(t, func() {}) }

// TestInTheWayAnyKernel: the same without openat2.
func TestInTheWayAnyKernel(t *testing.T) {
	if repotest.Alone(t, nil) {
		inTheWay(t, func() { repotest.Forbid(t, unix.SYS_OPENAT2, 0, unix.ENOSYS) })
	}
}

func inTheWay(t *testing.T, before func()) {
	s := newSite(t)
	before()
	path := s.path(t, oneGold)
	for levels := range 3 {
		for _, link := range []bool{false, true} {
			dir := filepath.Dir(path)
			for range levels {
				dir = filepath.Dir(dir)
			}
			if err := errors.Join(os.Remove(path), os.Rename(dir, dir+".away"), os.Mkdir(dir+".to", 0o755)); err != nil {
				t.Fatal(err)
			}
			err := os.WriteFile(dir, nil, 0o600)
			if link {
				os.Remove(dir)
				err = os.Symlink(dir+".to", dir)
			}
			if err != nil {
				t.Fatal(err)
			}
			p := s.all(t)
			r := s.run(t, p)
			if r.Lost.Reasons[reunpack.NoPlace].Files < 1 || r.Written.Files+r.Lost.Files() != p.Missing.Files {
				t.Errorf("%d levels above, link %v: %+v", levels, link, *r)
			}
			if in, err := os.ReadDir(dir + ".to"); err != nil || len(in) > 0 {
				t.Errorf("%d levels above, link %v: written into %v, %v", levels, link, in, err)
			}
			if err := errors.Join(os.Remove(dir), os.Remove(dir+".to"), os.Rename(dir+".away", dir)); err != nil {
				t.Fatal(err)
			}
			if r := s.run(t, s.all(t)); r.Lost.Reasons[reunpack.NoPlace].Files != 0 {
				t.Errorf("afterwards: %+v", *r)
			}
			if _, err := os.Stat(path); err != nil {
				t.Error(err)
			}
		}
	}
}
