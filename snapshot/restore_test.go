package snapshot_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"repotool/repotest"
	"repotool/snapshot"
)

// tree describes everything in a repository that a backup must bring back:
// bytes, and with metadata also modes, owners and times, and which files are
// links to each other. Work files and empty directories are left out.
func tree(t testing.TB, root string, metadata bool) map[string]string {
	t.Helper()
	all := map[string]string{}
	inodes := map[uint64]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		parts := strings.Split(rel, "/")
		if d.IsDir() && len(parts) == 2 && (parts[1] == "ununpack" || parts[1] == "wget") {
			return fs.SkipDir
		}
		if d.IsDir() && !metadata || strings.HasSuffix(rel, ".I") {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		if d.IsDir() { // without its time, and the root without its mode: it may be there already
			if rel != "." {
				all[rel+"/"] = fmt.Sprintf("%o %d %d", st.Mode, st.Uid, st.Gid)
			}
			return nil
		}
		text := ""
		if d.Type()&fs.ModeSymlink != 0 {
			text, err = os.Readlink(path)
		} else {
			var b []byte
			b, err = os.ReadFile(path)
			text = string(b)
		}
		if metadata {
			text = fmt.Sprintf("%o %d %d %d\n", st.Mode, st.Uid, st.Gid, st.Mtim.Nano()) + text
			if st.Nlink > 1 && d.Type().IsRegular() {
				if first, ok := inodes[st.Ino]; ok {
					text = "link to " + first + "\n" + text
				} else {
					inodes[st.Ino] = rel
				}
			}
		}
		all[rel] = text
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func compareTrees(t testing.TB, want, got map[string]string) {
	t.Helper()
	bad := 0
	show := func(format string, args ...any) {
		if bad++; bad <= 10 {
			t.Errorf(format, args...)
		}
	}
	for path, w := range want {
		g, ok := got[path]
		if !ok {
			show("%s is missing", path)
		} else if g != w {
			wl, _, _ := strings.Cut(w, "\n")
			gl, _, _ := strings.Cut(g, "\n")
			show("%s: %.100q, want %.100q", path, gl, wl)
		}
	}
	for path := range got {
		if _, ok := want[path]; !ok {
			show("%s should not be there", path)
		}
	}
	if bad > 10 {
		t.Errorf("and %d more", bad-10)
	}
}

func restore(t testing.TB, s *snapshot.Snapshot, o snapshot.RestoreOptions) *snapshot.RestoreReport {
	t.Helper()
	r, err := s.Restore(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Everything comes back: bytes, modes, owners, times, links. A second restore
// writes nothing; a damaged, a missing and a touched file are put right, and
// no file is a link into the store.
func TestRestoreFixture(t *testing.T) {
	repository := repotest.Repository(t)
	want := tree(t, repository, true)
	files := int64(0)
	for path := range want {
		if !strings.HasSuffix(path, "/") {
			files++
		}
	}
	st := repotest.Store(t)
	take(t, options(st, repository))
	to := filepath.Join(t.TempDir(), "repository")
	s := find(t, st, "latest")
	if r := restore(t, s, snapshot.RestoreOptions{To: to, Plan: true}); r.Written != files || r.NewBytes == 0 {
		t.Errorf("plan: %+v, want %d files written", r, files)
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("the plan made the target")
	}
	r := restore(t, s, snapshot.RestoreOptions{To: to})
	if r.Written != files || r.Linked == 0 || r.Damaged != 0 {
		t.Errorf("restore: %+v, want %d files written, some of them links", r, files)
	}
	compareTrees(t, want, tree(t, to, true))
	if work := workFiles(t, to); len(work) > 0 {
		t.Errorf("work files were restored: %v", work)
	}
	if r := restore(t, s, snapshot.RestoreOptions{To: to}); r.Kept != files || r.Written+r.Replaced != 0 {
		t.Errorf("second restore: %+v, want %d files kept", r, files)
	}
	n := 0
	for path := range want {
		if strings.HasSuffix(path, "/") {
			continue
		}
		switch n++; n {
		case 1:
			os.Remove(filepath.Join(to, path))
		case 2:
			b, _ := os.ReadFile(filepath.Join(to, path))
			os.Remove(filepath.Join(to, path))
			os.WriteFile(filepath.Join(to, path), bytes.Repeat([]byte{'x'}, len(b)), 0o600)
		case 3:
			os.Chmod(filepath.Join(to, path), 0o600)
		}
	}
	restore(t, s, snapshot.RestoreOptions{To: to})
	compareTrees(t, withoutLinkLines(want), withoutLinkLines(tree(t, to, true)))
	for path := range want {
		var st syscall.Stat_t
		if err := syscall.Lstat(filepath.Join(to, path), &st); err != nil || st.Nlink > 2 && !strings.HasSuffix(path, "/") {
			t.Fatalf("%s: %d links: is it one into the store?", path, st.Nlink)
		}
	}
}

// withoutLinkLines leaves out what a file removed by the test may change in
// its former partner.
func withoutLinkLines(all map[string]string) map[string]string {
	m := map[string]string{}
	for path, text := range all {
		if strings.HasPrefix(text, "link to ") {
			_, text, _ = strings.Cut(text, "\n")
		}
		m[path] = text
	}
	return m
}

// --only takes a type, a host, a path and a file name.
func TestRestoreOnly(t *testing.T) {
	repository := repotest.Repository(t)
	st := repotest.Store(t)
	take(t, options(st, repository))
	all := tree(t, repository, false)
	var some string
	for path := range all {
		if strings.HasPrefix(path, "localhost/files/") {
			some = path
		}
	}
	for _, test := range []struct {
		only string
		want func(path string) bool
	}{
		{"gold", func(p string) bool { return strings.HasPrefix(p, "localhost/gold/") }},
		{"localhost", func(p string) bool { return strings.HasPrefix(p, "localhost/") }},
		{"localhost/files/0", func(p string) bool { return false }},
		{some, func(p string) bool { return p == some }},
		{filepath.Base(some), func(p string) bool { return filepath.Base(p) == filepath.Base(some) }},
	} {
		t.Run(test.only, func(t *testing.T) {
			to := t.TempDir()
			want := map[string]string{}
			for p, text := range all {
				if test.want(p) {
					want[p] = text
				}
			}
			_, err := find(t, st, "latest").Restore(t.Context(), snapshot.RestoreOptions{To: to, Only: []string{test.only}})
			if (err != nil) != (len(want) == 0) {
				t.Fatal(err)
			}
			compareTrees(t, want, tree(t, to, false))
		})
	}
}

// A target that is mounted read-only is called that, whether or not what is in
// it is right already; nothing is said of owners.
func TestRestoreReadOnly(t *testing.T) {
	if !repotest.Alone(t, repotest.OwnMounts()) {
		return
	}
	st := repotest.Store(t)
	take(t, options(st, repotest.Repository(t)))
	mount := repotest.Tmpfs(t, "")
	o := snapshot.RestoreOptions{To: filepath.Join(mount, "r"), NoOwner: os.Getuid() != 0}
	if _, err := find(t, st, "latest").Restore(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", mount, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"r", "new"} {
		var readOnly *snapshot.ReadOnlyError
		o := snapshot.RestoreOptions{To: filepath.Join(mount, to), Findings: new(snapshot.Findings)}
		if _, err := find(t, st, "latest").Restore(t.Context(), o); !errors.As(err, &readOnly) || readOnly.Hint() == "" {
			t.Errorf("to %s: %v", to, err)
		}
		if n := o.Findings.Counts(); len(n) > 0 {
			t.Errorf("to %s: findings %v", to, n)
		}
	}
	o.Plan = true
	if r, err := find(t, st, "latest").Restore(t.Context(), o); err != nil || r.Kept != r.Files {
		t.Errorf("plan: %+v, %v", r, err)
	}
}

// What cannot be set is named, and only that: here the time of a file that
// nobody may change.
func TestRestoreNamesWhatIsNotSet(t *testing.T) {
	if !repotest.Alone(t, repotest.OwnMounts()) {
		return
	}
	st := repotest.Store(t)
	take(t, options(st, repotest.Repository(t)))
	snap := find(t, st, "latest")
	to := t.TempDir()
	if _, err := snap.Restore(t.Context(), snapshot.RestoreOptions{To: to}); err != nil {
		t.Fatal(err)
	}
	var one string
	for e, err := range snap.Entries(t.Context(), "localhost/gold") {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == snapshot.File {
			one = e.Path
			break
		}
	}
	file := filepath.Join(to, one)
	if err := os.Chtimes(file, time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(file, file, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(file, unix.MNT_DETACH)
	if err := unix.Mount("", file, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	findings := new(snapshot.Findings)
	if _, err := snap.Restore(t.Context(), snapshot.RestoreOptions{To: to, Findings: findings}); err != nil {
		t.Fatal(err)
	}
	want := []snapshot.Finding{{Kind: snapshot.OwnerNotSet, Path: one, Detail: "time: read-only file system"}}
	if d := cmp.Diff(want, findings.First()); d != "" {
		t.Error(d)
	}
}

// RESTORE.txt is run as it stands, and every byte is there.
func TestRestoreText(t *testing.T) {
	repotest.Tool(t, "zstd")
	repository := repotest.Repository(t)
	if err := os.WriteFile(filepath.Join(repository, "localhost", "files", "a stray"), []byte("stray"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := tree(t, repository, false)
	for _, layout := range []snapshot.Layout{snapshot.LayoutFlat, snapshot.LayoutNative} {
		t.Run(string(layout), func(t *testing.T) {
			st := repotest.Store(t)
			o := options(st, repository)
			o.Layout = layout
			s := take(t, o)
			day := st.Path("days", "fossology", s.Name)
			to := filepath.Join(t.TempDir(), "repository")
			out := runRestoreText(t, day, "REPO="+to)
			if strings.Contains(out, "NOT COPIED") {
				t.Error(out)
			}
			compareTrees(t, want, tree(t, to, false))
		})
	}
}

// runRestoreText runs the commands in a day's RESTORE.txt.
func runRestoreText(t testing.TB, day string, env ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(day, "RESTORE.txt"))
	if err != nil {
		t.Fatal(err)
	}
	script := "set -e\n"
	for line := range strings.Lines(string(text)) {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			script += command
		}
	}
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = day
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("RESTORE.txt: %v\n%s\n%s", err, out, text)
	}
	return string(out)
}
