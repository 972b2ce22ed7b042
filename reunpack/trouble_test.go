package reunpack_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/reunpack"
)

// intact checks that every file under a Name is what it was, and counts them.
func (s *site) intact(t *testing.T) (n int) {
	t.Helper()
	if _, err := os.Stat(s.files()); errors.Is(err, os.ErrNotExist) {
		return 0
	}
	for path, f := range treeOf(t, s.files()) {
		if _, is := fossology.ParseName(filepath.Base(path)); !is {
			continue
		}
		n++
		if f.bytes != s.before["/localhost/files"+path].bytes {
			t.Errorf("%s is not as it was", path)
		}
	}
	return n
}

// TestKilled kills runs at random moments: never is there anything but whole files
// under Names; the last run brings the rest, and nothing else is left.
func TestKilled(t *testing.T) {
	s := newSite(t)
	s.destroy(t)
	rng := rand.New(rand.NewPCG(3, uint64(os.Getpid())))
	amid := 0
	for round := 0; round < 6 || amid == 0 && round < 20; round++ {
		cmd := repotest.Again(t, "TestRunToBeKilled", "REUNPACK_REPO="+s.repo.Path, "REUNPACK_DSN="+s.dsn, "REUNPACK_LEDGER="+s.dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Half of the kills come at some time, half after some file had its Name.
		after := rng.IntN(150)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if round%2 == 0 && strings.Contains(lines.Text(), "begins") {
				time.Sleep(time.Duration(rng.Int64N(int64(time.Second))))
				break
			}
			if strings.Contains(lines.Text(), "written") {
				if after--; after < 0 {
					break
				}
			}
		}
		killed := cmd.Process.Kill()
		cmd.Wait()
		n := s.intact(t)
		t.Logf("killed (%v): %d files", killed, n)
		if n > 0 && n < 809 {
			amid++
		}
		if n == 809 { // the kill came late, on a busy machine
			s.destroy(t)
		}
	}
	if amid == 0 {
		t.Error("no kill came in the middle")
	}
	s.run(t, s.all(t))
	if n := s.intact(t); n != 809 {
		t.Errorf("%d files, want 809", n)
	}
	s.unchanged(t, treeOf(t, s.repo.Path))
}

// TestTopLeft: a run that was killed while it made files itself leaves nothing for long.
func TestTopLeft(t *testing.T) {
	s := newSite(t)
	s.destroy(t)
	left := filepath.Join(filepath.Dir(s.files()), ".repotool-reunpack-1-1.I")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	s.run(t, s.all(t))
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: %v", left, err)
	}
}

// TestRunToBeKilled is the process that TestKilled kills. It is slow, and tells of every file.
func TestRunToBeKilled(t *testing.T) {
	repo := os.Getenv("REUNPACK_REPO")
	if repo == "" {
		t.Skip("it is run by TestKilled")
	}
	s := siteAt(t, repo, os.Getenv("REUNPACK_DSN"), os.Getenv("REUNPACK_LEDGER"))
	p := s.all(t)
	fmt.Println("begins")
	_, err := p.Run(t.Context(), reunpack.RunOptions{TempDir: t.TempDir(), Prefix: prefix,
		Progress: func(int64, int64) {
			fmt.Println("written")
			time.Sleep(3 * time.Millisecond)
		}})
	if err != nil {
		t.Fatal(err)
	}
}

// TestFullDisk: the error says so, what was brought back stays, and with room the next
// run brings the rest.
func TestFullDisk(t *testing.T) {
	if !repotest.Alone(t, repotest.OwnMounts()) {
		return
	}
	s := newSite(t)
	s.destroy(t)
	if err := os.Mkdir(s.files(), 0o2770); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", s.files(), "tmpfs", 0, "size=12m,mode=2770"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(s.files(), unix.MNT_DETACH) })
	r, err := s.all(t).Run(t.Context(), reunpack.RunOptions{Prefix: prefix})
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), s.files()) {
		t.Fatalf("error %v, want one of a full disk", err)
	}
	t.Logf("%v: %+v", err, r.Written)
	if n := s.intact(t); int64(n) != r.Written.Files || n == 809 {
		t.Errorf("%d files, %d reported", n, r.Written.Files)
	}
	if err := unix.Mount("", s.files(), "", unix.MS_REMOUNT, "size=100m"); err != nil {
		t.Fatal(err)
	}
	s.run(t, s.all(t))
	if n := s.intact(t); n != 809 {
		t.Errorf("%d files, want 809", n)
	}
}

// TestNoUnnamedFiles: on a file system without them, what is not complete has a name
// that FOSSology passes over; what killed runs left is removed.
func TestNoUnnamedFiles(t *testing.T) {
	if !repotest.Alone(t, nil) {
		return
	}
	s := newSite(t)
	s.destroy(t)
	repotest.Forbid(t, unix.SYS_OPENAT, unix.O_TMPFILE&^unix.O_DIRECTORY, unix.EOPNOTSUPP)
	left := filepath.Join(s.files(), ".repotool-reunpack-1-1.I")
	if err := errors.Join(os.Mkdir(s.files(), 0o2770), os.WriteFile(left, []byte("half"), 0o600), os.Mkdir(left+".I", 0o700)); err != nil {
		t.Fatal(err)
	}
	if r := s.run(t, s.all(t)); r.Written.Files != 809 {
		t.Errorf("%+v", *r)
	}
	if n := s.intact(t); n != 809 {
		t.Errorf("%d files, want 809", n)
	}
	for path := range treeOf(t, s.files()) {
		if strings.HasSuffix(path, ".I") {
			t.Errorf("%s is left", path)
		}
	}
}

// TestInterrupted: a run whose context ends keeps what it has.
func TestInterrupted(t *testing.T) {
	s := newSite(t)
	s.destroy(t)
	stop := errors.New("enough")
	ctx, cancel := contextWithCause(t)
	r, err := s.all(t).Run(ctx, reunpack.RunOptions{Prefix: prefix, Parallel: 1, Progress: func(int64, int64) { cancel(stop) }})
	if err == nil {
		t.Fatal("no error")
	}
	if n := s.intact(t); n == 0 || n == 809 || int64(n) != r.Written.Files {
		t.Errorf("%d files, %d reported", n, r.Written.Files)
	}
}
