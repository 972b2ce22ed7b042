package goldindex_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/repotest"
)

// ledgerFiles are the files of a ledger of some kind.
func ledgerFiles(t testing.TB, s *site, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.ledger, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	return files
}

// TestLedgerDamaged: whatever file of the ledger is cut short, changed, or gone, the
// next update notices and makes it anew, and the answers are the same.
func TestLedgerDamaged(t *testing.T) {
	s := newSite(t)
	s.fill(t)
	before := s.answers(t)
	for _, pattern := range []string{"golds/*/*", "segments/made-*", "segments/read-*"} {
		for what, harm := range map[string]func(string) error{
			"turned": func(path string) error { turnBit(t, path); return nil },
			"cut": func(path string) error {
				info, err := os.Stat(path)
				if err != nil {
					return err
				}
				return os.Truncate(path, info.Size()-5)
			},
			"empty": func(path string) error { return os.Truncate(path, 0) },
			"gone":  os.Remove,
		} {
			t.Run(pattern[:5]+" "+what, func(t *testing.T) {
				if err := harm(ledgerFiles(t, s, pattern)[0]); err != nil {
					t.Fatal(err)
				}
				r := s.update(t)
				if r.Rebuilt == 0 && what != "gone" {
					t.Errorf("not noticed: %+v", *r)
				}
				if strings.HasPrefix(pattern, "golds") != (r.New == 1) || strings.HasSuffix(pattern, "read-*") != (r.Read > 0) {
					t.Errorf("update: %+v", *r)
				}
				same(t, before, s.answers(t))
			})
		}
	}
	if err := os.RemoveAll(s.ledger); err != nil {
		t.Fatal(err)
	}
	if st := s.status(t); st.Classes[goldindex.Confirmed].Files != 0 {
		t.Errorf("without a ledger: %+v", *st)
	}
	s.update(t)
	same(t, before, s.answers(t))
}

// killed is set for a process that updates until it is killed.
const killed = "GOLDINDEX_TEST_KILLED"

// TestKilled kills updates at moments all over their run, and wants the same ledger in
// the end as without that, with each record whole at every moment.
func TestKilled(t *testing.T) {
	if os.Getenv(killed) != "" {
		updateUntilKilled(t)
		return
	}
	s := newSite(t)
	s.fill(t)
	want := s.answers(t)
	if err := os.RemoveAll(s.ledger); err != nil {
		t.Fatal(err)
	}
	dsn := repotest.Fossology(t)
	kills, again := 0, 0
	for delay := 150 * time.Millisecond; ; delay += delay / 4 { // a busy machine gets its time, too
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir(), fmt.Sprintf("%s=%s\n%s\n%s", killed, s.repo.Path, s.ledger, dsn))
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() && lines.Text() != "begins" {
		}
		timer := time.AfterFunc(delay, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		for lines.Scan() {
		}
		err = cmd.Wait()
		timer.Stop()
		if err == nil && kills < 3 && again < 5 { // we were slow, or it was fast
			again++
			delay = 20 * time.Millisecond
			if err := os.RemoveAll(s.ledger); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err == nil {
			break
		}
		kills++
		l := s.open(t)
		for _, err := range l.Records(t.Context()) {
			if err != nil {
				t.Errorf("after %v: %v", delay, err)
			}
		}
		l.Close()
		if kills > 60 {
			t.Fatal("no run came to its end")
		}
	}
	t.Logf("killed %d times", kills)
	if kills < 3 {
		t.Errorf("killed %d times only", kills)
	}
	same(t, want, s.answers(t))
	if left, _ := os.ReadDir(filepath.Join(s.ledger, "tmp")); len(left) > 0 {
		t.Errorf("%d files are left in tmp", len(left))
	}
}

func updateUntilKilled(t *testing.T) {
	c := strings.Split(os.Getenv(killed), "\n")
	s := &site{repo: fossology.Repository{Path: c[0], Depth: 3}, ledger: c[1]}
	s.view(t, fossology.DSN(c[2]))
	var err error
	if s.unpacker, err = goldindex.Present(t.Context()); err != nil {
		t.Fatal(err)
	}
	fmt.Println("begins")
	s.update(t)
}

// TestInterrupted: a run that is told to end has lost nothing that was done.
func TestInterrupted(t *testing.T) {
	s := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	o := s.options(t)
	n := 0
	opened := o.Opened
	o.Opened = func(path string) {
		opened(path)
		s.mu.Lock()
		defer s.mu.Unlock()
		if n++; n == 400 { // golds are done, some files are read
			cancel()
		}
	}
	l := s.open(t)
	there := goleak.IgnoreCurrent()
	if _, err := l.Update(ctx, o); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	repotest.NoneLeft(t, there)
	l.Close()
	r := s.update(t)
	if r.New != 0 || r.Read == 0 || r.Read > 809-200 { // of the 400, golds and what was being read are not
		t.Errorf("update: %+v", *r)
	}
	if st := s.status(t); st.Classes[goldindex.Confirmed].Files != 809 {
		t.Errorf("status: %+v", *st)
	}
}
