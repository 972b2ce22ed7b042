package goldindex_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/repotest"
	"repotool/unpack"
)

// smallHoard is a hoard whose golds share a member, so that segments are merged.
func smallHoard(t testing.TB, dir string) *hoard {
	h := &hoard{dir: dir}
	for i := range uint64(5) {
		h.add(t, []byte("shared"), random(i, 3000), random(i+100, 20_000))
	}
	return h
}

// TestEveryStep kills an update before and after each step that lasts, one after the
// other, and lets the next run go on from there: the ledger never says anything that is
// wrong, and in the end it says what one says that was made in one go. Then the same for
// an update by another unpacker.
func TestEveryStep(t *testing.T) {
	h := smallHoard(t, t.TempDir())
	whole := filepath.Join(t.TempDir(), "whole")
	fresh := func(unpacker int) map[string]string {
		dir := filepath.Join(t.TempDir(), "fresh")
		h.updateKilled(t, dir, unpacker, 0)
		return h.saidBy(t, dir, unpacker)
	}
	want := map[int]map[string]string{1: fresh(1), 2: fresh(2)}
	for _, unpacker := range []int{1, 2} { // the second finds the ledger of the first
		steps := 0
		for step := 1; ; step++ {
			ledger := filepath.Join(t.TempDir(), "ledger")
			if unpacker == 2 {
				if err := os.CopyFS(ledger, os.DirFS(whole)); err != nil {
					t.Fatal(err)
				}
			}
			if !h.updateKilled(t, ledger, unpacker, step) {
				break
			}
			steps++
			for n, says := range h.saidBy(t, ledger, unpacker) {
				if strings.HasPrefix(says, "confirmed") && says != want[unpacker][n] {
					t.Errorf("step %d: %s: %q, want %q", step, n, says, want[unpacker][n])
				}
			}
			// Killed once more, at the next step, then not.
			h.updateKilled(t, ledger, unpacker, 2)
			h.updateKilled(t, ledger, unpacker, 0)
			same(t, want[unpacker], h.saidBy(t, ledger, unpacker))
			if left, _ := os.ReadDir(filepath.Join(ledger, "tmp")); len(left) > 0 {
				t.Errorf("step %d: %d files are left in tmp", step, len(left))
			}
		}
		if steps < 30 {
			t.Errorf("unpacker %d: killed at %d steps only", unpacker, steps)
		}
		t.Logf("unpacker %d: killed at each of %d steps", unpacker, steps)
		h.updateKilled(t, whole, unpacker, 0)
	}
}

// saidBy is what a ledger says to a version of the unpacker.
func (h *hoard) saidBy(t testing.TB, ledger string, unpacker int) map[string]string {
	was := tools
	tools = goldindex.Unpacker{Version: unpacker}
	defer func() { tools = was }()
	return h.said(t, ledger)
}

// updateKilled runs an update in another process, which ends without further ado at a
// step; 0: never. It says whether it came to that.
func (h *hoard) updateKilled(t testing.TB, ledger string, unpacker, step int) bool {
	t.Helper()
	cmd := repotest.Again(t, "TestUpdateToBeKilled", "GOLDINDEX_REPO="+h.dir, "GOLDINDEX_LEDGER="+ledger,
		"GOLDINDEX_UNPACKER="+strconv.Itoa(unpacker), "GOLDINDEX_STEP="+strconv.Itoa(step))
	out, err := cmd.CombinedOutput()
	if !cmd.ProcessState.Exited() {
		return true
	}
	if err != nil {
		t.Fatalf("step %d: %v\n%s", step, err, out)
	}
	return false
}

// TestUpdateToBeKilled is the process that updateKilled starts.
func TestUpdateToBeKilled(t *testing.T) {
	dir := os.Getenv("GOLDINDEX_REPO")
	if dir == "" {
		t.Skip("it is run by TestEveryStep")
	}
	step, _ := strconv.Atoi(os.Getenv("GOLDINDEX_STEP"))
	version, _ := strconv.Atoi(os.Getenv("GOLDINDEX_UNPACKER"))
	var n atomic.Int64
	goldindex.AtStep(func() {
		if n.Add(1) == int64(step) {
			unix.Kill(os.Getpid(), unix.SIGKILL)
			select {}
		}
	})
	tools = goldindex.Unpacker{Version: version}
	l := openHoard(t, os.Getenv("GOLDINDEX_LEDGER"))
	h := rebuiltHoard(t, dir)
	if _, err := l.Update(t.Context(), goldindex.UpdateOptions{Repository: h.repository(), Database: h, TempDir: t.TempDir(), Parallel: 1}); err != nil {
		t.Fatal(err)
	}
}

// rebuiltHoard is the small hoard of another process: the golds say all.
func rebuiltHoard(t testing.TB, dir string) *hoard {
	h := &hoard{dir: dir}
	golds, err := filepath.Glob(filepath.Join(dir, "localhost", "gold", "*", "*", "*", "*"))
	if err != nil || len(golds) == 0 {
		t.Fatalf("no golds: %v", err)
	}
	for i, path := range golds {
		n, ok := fossology.ParseName(filepath.Base(path))
		if !ok {
			t.Fatal(path)
		}
		h.uploads = append(h.uploads, fossology.Upload{PK: int64(i + 1), Filename: "upload.tar", Pfile: 1, Name: n})
	}
	return h
}

// TestUpdateFullDisk: the error says so, what was done stays, what is said is right, and
// with room the next run does the rest.
func TestUpdateFullDisk(t *testing.T) {
	if !repotest.Alone(t, repotest.OwnMounts()) {
		return
	}
	h := &hoard{dir: t.TempDir()}
	for i := range uint64(40) {
		var members [][]byte
		for j := range uint64(50) {
			members = append(members, random(i*100+j, 100))
		}
		h.add(t, members...)
	}
	update := func(ledger string) error {
		l := openHoard(t, ledger)
		defer l.Close()
		_, err := l.Update(t.Context(), goldindex.UpdateOptions{Repository: h.repository(), Database: h, TempDir: t.TempDir(), Parallel: 2})
		return err
	}
	whole := filepath.Join(t.TempDir(), "ledger")
	if err := update(whole); err != nil {
		t.Fatal(err)
	}
	want := h.said(t, whole)
	disk := repotest.Tmpfs(t, "size=64k")
	ledger := filepath.Join(disk, "ledger")
	full := 0
	for kb := 64; ; kb += 24 {
		if err := unix.Mount("", disk, "", unix.MS_REMOUNT, "size="+strconv.Itoa(kb)+"k"); err != nil {
			t.Fatal(err)
		}
		err := update(ledger)
		for n, says := range h.said(t, ledger) {
			if strings.HasPrefix(says, "confirmed") && says != want[n] {
				t.Errorf("%d KiB: %s: %q, want %q", kb, n, says, want[n])
			}
		}
		if err == nil {
			break
		}
		if !errors.Is(err, unix.ENOSPC) {
			t.Fatalf("%d KiB: %v", kb, err)
		}
		full++
	}
	if full < 5 {
		t.Errorf("the disk was full %d times only", full)
	}
	same(t, want, h.said(t, ledger))
}

// TestUpdateNoScratch: a gold that is too large for the directory of temporary files is told
// of, and those behind it are unpacked; with room it follows.
func TestUpdateNoScratch(t *testing.T) {
	if !repotest.Alone(t, repotest.OwnMounts()) {
		return
	}
	scratch := repotest.Tmpfs(t, "size=256k")
	h := &hoard{dir: t.TempDir()}
	for i := range uint64(8) {
		h.add(t, random(i, 100))
	}
	var large bytes.Buffer // a zip is read from its end
	z := zip.NewWriter(&large)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "member", Method: zip.Store})
	if err == nil {
		_, err = w.Write(random(100, 4<<20))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	h.add(t, large.Bytes())
	l := openHoard(t, filepath.Join(t.TempDir(), "ledger"))
	defer l.Close()
	for _, want := range []struct{ golds, troubles int64 }{{8, 1}, {1, 0}} {
		r, err := l.Update(t.Context(), goldindex.UpdateOptions{Repository: h.repository(), Database: h, TempDir: scratch, Parallel: 1,
			Limits: unpack.Limits{SpoolMemory: 64 << 10}})
		if err != nil {
			t.Fatal(err)
		}
		if r.New != want.golds || r.Troubles != want.troubles {
			t.Errorf("%d golds, %q; want %+v", r.New, r.First, want)
		}
		for _, trouble := range r.First {
			if !strings.Contains(trouble, scratch) || !strings.Contains(trouble, "TMPDIR") {
				t.Errorf("it does not say what is to be done: %s", trouble)
			}
		}
		scratch = t.TempDir()
	}
}
