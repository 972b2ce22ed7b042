package prune_test

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/prune"
	"repotool/repotest"
)

// A twins world is a small repository with files that are there more than once.
type twins struct {
	t    *testing.T
	dir  string // of journals
	repo fossology.Repository
}

func newTwins(t *testing.T, at string) *twins {
	return &twins{t: t, dir: filepath.Join(t.TempDir(), "dedup"), repo: fossology.Repository{Path: filepath.Join(at, "repository"), Depth: 3}}
}

// nameOf is the Name of a content.
func nameOf(content string) string {
	return fmt.Sprintf("%x.%x.%d", sha1.Sum([]byte(content)), md5.Sum([]byte(content)), len(content))
}

// put writes a file under its Name; times are 2001 and later, each another.
func (w *twins) put(top, content string, mode os.FileMode) string {
	return w.putAt(filepath.Join(top, fossology.FanOut(nameOf(content), 3), nameOf(content)), content, mode)
}

func (w *twins) putAt(path, content string, mode os.FileMode) string {
	w.t.Helper()
	full := filepath.Join(w.repo.Path, path)
	err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, []byte(content), 0o600), os.Chmod(full, mode))
	stamp := time.Unix(1e9+int64(len(path))*1000+int64(len(content)), int64(path[0])<<16)
	if err = errors.Join(err, os.Chtimes(full, stamp, stamp)); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// A state is what one can see of a file.
type state struct {
	content  string
	mode     uint32
	uid, gid uint32
	mtime    int64
}

// states are those of all files, and which share an inode with which.
func (w *twins) states() (all map[string]state, inodes map[string]uint64) {
	w.t.Helper()
	all, inodes = map[string]state{}, map[string]uint64{}
	err := filepath.WalkDir(w.repo.Path, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		var st unix.Stat_t
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(w.repo.Path, path)
		err = errors.Join(err, unix.Lstat(path, &st))
		all[rel], inodes[rel] = state{string(b), st.Mode, st.Uid, st.Gid, st.Mtim.Nano()}, st.Ino
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return all, inodes
}

func (w *twins) plan(o prune.DedupOptions) *prune.DedupPlan {
	w.t.Helper()
	o.Installation, o.Repository, o.TempDir = "x", w.repo, w.t.TempDir()
	p, err := prune.MakeDedup(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { p.Close() })
	return p
}

func (w *twins) execute(p *prune.DedupPlan) *prune.DedupReport {
	w.t.Helper()
	r, err := p.Execute(w.t.Context(), prune.DedupExecuteOptions{Dir: w.dir})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *twins) undo(plan string) *prune.DedupUndo {
	w.t.Helper()
	d, err := prune.ReadDedupRun(prune.JournalOf(w.dir, plan))
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := d.Undo(w.t.Context(), prune.DedupUndoOptions{Repository: w.repo.Path, TempDir: w.t.TempDir()})
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

// noneLeft says that no link stands beside its place.
func (w *twins) noneLeft() {
	w.t.Helper()
	all, _ := w.states()
	for path := range all {
		if strings.HasSuffix(path, ".repotool-dedup.I") {
			w.t.Errorf("left: %s", path)
		}
	}
}

// contentsOf leaves out all but the bytes.
func contentsOf(all map[string]state) map[string]string {
	c := map[string]string{}
	for path, s := range all {
		c[path] = s.content
	}
	return c
}

// TestDedupReal: on the real repository every pair of gold and files becomes one inode, as
// FOSSology made it at the upload; nothing else changes; undo brings everything back,
// owners, modes and times.
func TestDedupReal(t *testing.T) {
	w := &twins{t: t, dir: filepath.Join(t.TempDir(), "dedup"), repo: fossology.Repository{Path: repotest.Repository(t), Depth: 3}}
	before, inodes := w.states()
	pairs, shared, bytes := int64(0), int64(0), int64(0)
	for path := range before {
		twin := strings.Replace(path, "localhost/gold/", "localhost/files/", 1)
		if s, there := before[twin]; there && twin != path && s.content != "" {
			if inodes[twin] == inodes[path] {
				shared++
			} else {
				pairs, bytes = pairs+1, bytes+int64(len(s.content))
			}
		}
	}
	for _, deep := range []bool{false, true} {
		p := w.plan(prune.DedupOptions{Deep: deep})
		if want := (prune.Sum{Files: pairs, Bytes: bytes}); p.Same != want || p.Kept[prune.Shared].Files < shared || len(p.Troubles) > 0 || p.Freed < bytes || pairs < 80 {
			t.Errorf("deep %v: %+v, want %+v; %v", deep, p, want, p.Troubles)
		}
		r := w.execute(p)
		if r.Same != p.Same || r.Freed != p.Freed || len(r.Kept) > 0 {
			t.Errorf("deep %v: %+v, plan %+v", deep, r, p)
		}
		after, now := w.states()
		if !maps.Equal(contentsOf(after), contentsOf(before)) {
			t.Fatal("bytes have changed")
		}
		for path, s := range before {
			gold, isFiles := strings.CutPrefix(path, "localhost/files/")
			gold = "localhost/gold/" + gold
			switch _, there := before[gold]; {
			case isFiles && there && s.content != "":
				if now[path] != now[gold] || after[path] != before[gold] {
					t.Errorf("%s: %+v", path, after[path].mode)
				}
			case after[path] != s || now[path] != inodes[path]:
				t.Errorf("%s was changed", path)
			}
		}
		if again := w.plan(prune.DedupOptions{Deep: deep}); again.Same.Files != 0 || again.Kept[prune.Shared].Files < pairs {
			t.Errorf("again: %+v", again)
		}
		if u := w.undo(p.ID); u.Back != p.Same || u.Apart.Files != 0 || len(u.Left) > 0 {
			t.Errorf("undo: %+v", u)
		}
		if after, _ := w.states(); !maps.Equal(after, before) {
			t.Error("undo did not bring everything back")
		}
		if u := w.undo(p.ID); u.Back.Files != 0 || u.Apart != p.Same {
			t.Errorf("undo once more: %+v", u)
		}
	}
	w.noneLeft()
}

// TestDedupWho: who may share an inode with whom, by names and by bytes.
func TestDedupWho(t *testing.T) {
	chown := func(w *twins, path string, uid, gid int) {
		full := filepath.Join(w.repo.Path, path)
		info, _ := os.Stat(full)
		var st unix.Stat_t
		unix.Stat(full, &st)
		if err := errors.Join(os.Chown(full, uid, gid), unix.Chmod(full, st.Mode&0o7777), os.Chtimes(full, info.ModTime(), info.ModTime())); err != nil {
			t.Fatal(err)
		}
	}
	const setgid = 0o2000
	set := func(mode uint32) os.FileMode {
		m := os.FileMode(mode & 0o777)
		if mode&setgid != 0 {
			m |= os.ModeSetgid
		}
		return m
	}
	for _, c := range []struct {
		what               string
		gold, files        uint32
		goldUID, filesUID  int
		goldGID, filesGID  int
		other              string // where the second stands, if not in files
		exact, deep, links bool
	}{
		{what: "as FOSSology has it after an unpacking", gold: 0o2664, files: 0o2660, goldUID: 33, filesUID: 999, goldGID: 995, filesGID: 995, links: true},
		{what: "the same, exactly", gold: 0o2664, files: 0o2660, goldUID: 33, filesUID: 999, goldGID: 995, filesGID: 995, exact: true},
		{what: "another group", gold: 0o2664, files: 0o2660, goldUID: 33, filesUID: 999, goldGID: 995, filesGID: 996},
		{what: "the group could not write any more", gold: 0o2644, files: 0o2660, goldUID: 33, filesUID: 33, goldGID: 995, filesGID: 995},
		{what: "the owner could not write any more", gold: 0o2644, files: 0o2640, goldUID: 33, filesUID: 999, goldGID: 995, filesGID: 995},
		{what: "the same owner keeps his right", gold: 0o2644, files: 0o2640, goldUID: 33, filesUID: 33, goldGID: 995, filesGID: 995, links: true},
		{what: "others could not read any more", gold: 0o2660, files: 0o2664, goldUID: 33, filesUID: 33, goldGID: 995, filesGID: 995},
		{what: "a program", gold: 0o2775, files: 0o2664, goldUID: 33, filesUID: 33, goldGID: 995, filesGID: 995},
		{what: "a second host, as the first", gold: 0o2660, files: 0o2660, other: "second/gold", links: true},
		{what: "a second host, as the first, exactly", gold: 0o2660, files: 0o2660, other: "second/gold", exact: true},
		{what: "a second host, another mode", gold: 0o2660, files: 0o2664, other: "second/gold"},
		{what: "elsewhere, by bytes", gold: 0o2660, files: 0o2660, other: "first/license", deep: true},
		{what: "elsewhere, by names", gold: 0o2660, files: 0o2660, other: "first/license"},
	} {
		w := newTwins(t, t.TempDir())
		w.putAt("first/files/zz/other", "something else", 0o600)
		w.putAt("second/files/zz/other", "something different", 0o600)
		a := w.put("first/gold", "content", set(c.gold))
		top := c.other
		if top == "" {
			top = "first/files"
		}
		b := w.put(top, "content", set(c.files))
		chown(w, a, c.goldUID, c.goldGID)
		chown(w, b, c.filesUID, c.filesGID)
		before, _ := w.states()
		p := w.plan(prune.DedupOptions{Deep: c.deep, Exact: c.exact})
		if r := w.executeIfAny(p); c.links != (p.Same.Files == 1) || c.links != (r != nil && r.Same.Files == 1) {
			t.Errorf("%s: %+v", c.what, p)
		}
		if !c.links && (c.deep || c.other == "" || strings.HasPrefix(c.other, "second")) && p.Kept[prune.Metadata].Files != 1 {
			t.Errorf("%s: %+v", c.what, p.Kept)
		}
		after, inodes := w.states()
		if c.links && (inodes[a] != inodes[b] || after[a] != before[a]) || !c.links && !maps.Equal(after, before) {
			t.Errorf("%s: %+v, %+v", c.what, after[a], after[b])
		}
		// Times the same: then also elsewhere.
		if c.deep {
			info, _ := os.Stat(filepath.Join(w.repo.Path, a))
			os.Chtimes(filepath.Join(w.repo.Path, b), info.ModTime(), info.ModTime())
			if r := w.executeIfAny(w.plan(prune.DedupOptions{Deep: true, Exact: c.exact})); r == nil || r.Same.Files != 1 {
				t.Errorf("%s, the same time: %+v", c.what, r)
			}
		}
	}
}

func (w *twins) executeIfAny(p *prune.DedupPlan) *prune.DedupReport {
	if p.Same.Files == 0 {
		return nil
	}
	return w.execute(p)
}

// TestDedupDeep: by bytes, large and small, whatever their names; one inode counts once.
func TestDedupDeep(t *testing.T) {
	w := newTwins(t, t.TempDir())
	large := strings.Repeat("0123456789abcdef", 5000)
	for i := range 4 {
		w.putAt(fmt.Sprintf("h/files/a/large%d", i), large, 0o600)
		w.putAt(fmt.Sprintf("h/files/b/small%d", i), "small one", 0o600)
		w.putAt(fmt.Sprintf("h/files/c/empty%d", i), "", 0o600)
		w.putAt(fmt.Sprintf("h/files/d/end%d", i), large[:len(large)-1]+fmt.Sprint(i), 0o600)
		w.putAt(fmt.Sprintf("h/files/e/begin%d", i), fmt.Sprint(i+1)+large[1:], 0o600)
	}
	all, _ := filepath.Glob(filepath.Join(w.repo.Path, "h/files/*/*"))
	for _, path := range all {
		os.Chtimes(path, time.Unix(1e9, 0), time.Unix(1e9, 0))
	}
	// Two names of one inode lose both, or give back nothing.
	if err := os.Link(filepath.Join(w.repo.Path, "h/files/a/large3"), filepath.Join(w.repo.Path, "h/files/a/large4")); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(w.repo.Path, "h/files/b/small3"), filepath.Join(filepath.Dir(w.repo.Path), "outside")); err != nil {
		t.Fatal(err)
	}
	before, _ := w.states()
	p := w.plan(prune.DedupOptions{Deep: true})
	// large: 5 names, of 4 inodes; one, with two names, is kept. small: 4 inodes; that with two names is kept.
	if p.Same.Files != 3+3 || p.Kept[prune.Shared].Files != 1 || p.Freed != 3*4096*20+3*4096 {
		t.Errorf("%+v", p)
	}
	r := w.execute(p)
	if r.Same != p.Same || r.Freed != p.Freed {
		t.Errorf("%+v", r)
	}
	after, inodes := w.states()
	if !maps.Equal(before, after) {
		t.Error("something has changed")
	}
	distinct := map[uint64]bool{}
	for _, i := range inodes {
		distinct[i] = true
	}
	if len(distinct) != 1+1+4+4+4 {
		t.Errorf("%d inodes", len(distinct))
	}
	if u := w.undo(p.ID); u.Back.Files != 6 {
		t.Errorf("%+v", u)
	}
	if p := w.plan(prune.DedupOptions{Deep: true, MinSize: 100}); p.Same.Files != 3 {
		t.Errorf("%+v", p)
	}
}

// TestDedupMoved: what has changed between the plan and the deed stays, and is counted.
func TestDedupMoved(t *testing.T) {
	w := newTwins(t, t.TempDir())
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("not yours"), 0o600); err != nil {
		t.Fatal(err)
	}
	var golds, files []string
	for i := range 12 {
		golds = append(golds, w.put("h/gold", fmt.Sprint("content ", i), 0o664))
		files = append(files, w.put("h/files", fmt.Sprint("content ", i), 0o660))
	}
	full := func(p string) string { return filepath.Join(w.repo.Path, p) }
	rewrite := func(path string) { // as the unpacker does: the same bytes, another inode
		b, _ := os.ReadFile(full(path))
		if err := errors.Join(os.WriteFile(full(path)+".I", b, 0o660), os.Rename(full(path)+".I", full(path))); err != nil {
			t.Fatal(err)
		}
	}
	flip := func(path string) { // a bad sector: nothing but the bytes tells
		var st unix.Stat_t
		f, err := os.OpenFile(full(path), os.O_WRONLY, 0)
		if err == nil {
			err = errors.Join(unix.Fstat(int(f.Fd()), &st))
			f.WriteAt([]byte("K"), 1)
			f.Close()
			os.Chtimes(full(path), time.Unix(st.Mtim.Unix()), time.Unix(st.Mtim.Unix()))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	p := w.plan(prune.DedupOptions{})
	if p.Same.Files != 12 {
		t.Fatalf("%+v", p)
	}
	rewrite(files[0])
	flip(files[1])
	flip(golds[2])
	os.Remove(full(files[3]))
	os.Remove(full(golds[4]))
	os.Chmod(full(files[5]), 0o600)
	os.Remove(full(files[6]))
	if err := os.Symlink(outside, full(files[6])); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(full(files[7]))
	if err := errors.Join(os.Rename(dir, dir+"x"), os.Symlink(dir+"x", dir)); err != nil {
		t.Fatal(err)
	}
	open, err := os.OpenFile(full(files[8]), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	if err := unix.Setxattr(full(golds[9]), "user.note", []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	os.Chtimes(full(golds[10]), time.Now(), time.Now()) // somebody has read it
	before, _ := w.states()
	r := w.execute(p)
	want := prune.Kept{}
	for reason, n := range map[prune.Reason]int64{prune.Changed: 5, prune.Different: 2, prune.Gone: 2, prune.InUse: 1, prune.Metadata: 1} {
		want[reason] = prune.Sum{Files: n, Bytes: r.Kept[reason].Bytes}
	}
	if !maps.Equal(r.Kept, want) || r.Same.Files != 1 || len(r.Differ) != 2 {
		t.Errorf("%+v", r)
	}
	after, _ := w.states()
	before[files[11]] = before[golds[11]]
	if !maps.Equal(before, after) {
		t.Error("something has changed")
	}
	if b, _ := os.ReadFile(outside); string(b) != "not yours" {
		t.Error("outside")
	}
	w.noneLeft()
}

// TestDedupPlanFile: a plan is carried to another day, once, and only as it was written.
func TestDedupPlanFile(t *testing.T) {
	w := newTwins(t, t.TempDir())
	for i := range 40 {
		w.put("h/gold", fmt.Sprint("content ", i), 0o664)
		w.put("h/files", fmt.Sprint("content ", i), 0o660)
	}
	p := w.plan(prune.DedupOptions{})
	var b strings.Builder
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	for at := 0; at < b.Len()-1; at += 97 {
		for what, text := range map[string]string{"cut": b.String()[:at], "changed": b.String()[:at] + "\x00" + b.String()[at+1:]} {
			if _, err := prune.ReadDedupPlan(strings.NewReader(text), t.TempDir()); err == nil {
				t.Errorf("%s at %d", what, at)
			}
		}
	}
	q, err := prune.ReadDedupPlan(strings.NewReader(b.String()), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if err := q.Check("y", w.repo.Path); err == nil {
		t.Error("for another installation")
	}
	if err := q.Check("x", w.repo.Path); err != nil {
		t.Error(err)
	}
	if r := w.execute(q); r.Same.Files != 40 {
		t.Errorf("%+v", r)
	}
	var done *prune.DoneError
	if _, err := p.Execute(t.Context(), prune.DedupExecuteOptions{Dir: w.dir}); !errors.As(err, &done) {
		t.Error(err)
	}
	if _, err := prune.ReadPlan(strings.NewReader(b.String()), t.TempDir()); err == nil {
		t.Error("the plan of a dedup was taken for that of a prune")
	}
}

// TestDedupCrash ends a dedup, and its undo, before each step that lasts. Whatever is left:
// every path has its bytes, and resume and undo come to the same end as without a crash.
func TestDedupCrash(t *testing.T) {
	defer prune.SetStep(func() {})
	steps := 0
	for n := 0; ; n++ {
		w := newTwins(t, t.TempDir())
		for i := range 3 {
			w.put("h/gold", fmt.Sprint("content ", i), 0o664)
			w.put("h/files", fmt.Sprint("content ", i), 0o660)
		}
		before, _ := w.states()
		p := w.plan(prune.DedupOptions{})
		ctx, cancel := context.WithCancel(t.Context())
		var at atomic.Int64 // files of a batch are dealt with side by side
		prune.SetStep(func() {
			if at.Add(1) > int64(n) {
				cancel()
			}
		})
		_, err := p.Execute(ctx, prune.DedupExecuteOptions{Dir: w.dir})
		prune.SetStep(func() {})
		cancel()
		if err == nil {
			break
		}
		steps++
		after, _ := w.states()
		if !maps.Equal(contentsOf(after), contentsOf(before)) {
			t.Fatalf("step %d: bytes", n)
		}
		d, err := prune.ReadDedupRun(prune.JournalOf(w.dir, p.ID))
		if err != nil || !d.Interrupted() {
			t.Fatalf("step %d: %v", n, err)
		}
		r, err := prune.ResumeDedup(t.Context(), d, t.TempDir(), prune.DedupExecuteOptions{Dir: w.dir})
		if err != nil || r.Same.Files != 3 {
			t.Fatalf("step %d: %+v %v", n, r, err)
		}
		if u := w.undo(p.ID); u.Back.Files != 3 {
			t.Errorf("step %d: %+v", n, u)
		}
		if after, _ := w.states(); !maps.Equal(after, before) {
			t.Errorf("step %d: undo did not bring everything back", n)
		}
	}
	if steps < 4 {
		t.Errorf("%d steps", steps)
	}
}

// TestDedupReflink: on a file system that can, each keeps its inode, owner, mode and time,
// and the blocks are there once.
func TestDedupReflink(t *testing.T) {
	at := repotest.FileSystem(t, 512<<20, "mkfs.xfs", "-q")
	w := newTwins(t, at)
	rest := strings.Repeat("blocks of 4096 bytes", 40000)
	for i := range 5 {
		w.put("h/gold", fmt.Sprint(i)+rest, 0o664)
		w.put("h/files", fmt.Sprint(i)+rest, 0o600)
	}
	sync := func() (free uint64) {
		fd, err := unix.Open(at, unix.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		var st unix.Statfs_t
		if err := errors.Join(unix.Syncfs(fd), unix.Fstatfs(fd, &st)); err != nil {
			t.Fatal(err)
		}
		return st.Bfree * uint64(st.Bsize)
	}
	before, inodes := w.states()
	free := sync()
	p := w.plan(prune.DedupOptions{How: prune.Auto})
	if os.Geteuid() != 0 && p.How == prune.Link {
		t.Log("not root: no file system of its own; this one cannot share blocks")
		return
	}
	if p.How != prune.Reflink || p.Same.Files != 5 {
		t.Fatalf("%+v", p)
	}
	r := w.execute(p)
	if r.Same.Files != 5 || r.Freed < 5*int64(len(rest)) {
		t.Errorf("%+v", r)
	}
	after, now := w.states()
	if !maps.Equal(before, after) || !maps.Equal(inodes, now) {
		t.Error("something has changed")
	}
	if got := sync() - free; got < uint64(5*len(rest))*9/10 {
		t.Errorf("%d bytes are free that were not", got)
	}
	if again := w.plan(prune.DedupOptions{How: prune.Reflink}); again.Same.Files != 0 || again.Kept[prune.Shared].Files != 5 {
		t.Errorf("again: %+v", again)
	}
	if u := w.undo(p.ID); u.Back.Files != 5 {
		t.Errorf("%+v", u)
	}
	if got := sync(); got > free+uint64(len(rest)) {
		t.Errorf("undo: %d bytes are free, %d were", got, free)
	}
	if after, _ := w.states(); !maps.Equal(before, after) {
		t.Error("undo has changed something")
	}
	// Other bytes: the kernel finds them.
	flipped := slices.Sorted(maps.Keys(before))[0]
	p = w.plan(prune.DedupOptions{How: prune.Reflink})
	var st unix.Stat_t
	full := filepath.Join(w.repo.Path, flipped)
	f, err := os.OpenFile(full, os.O_WRONLY, 0)
	if err == nil {
		err = errors.Join(unix.Fstat(int(f.Fd()), &st))
		f.WriteAt([]byte("K"), int64(len(rest)/2))
		err = errors.Join(err, f.Close(), os.Chtimes(full, time.Unix(st.Mtim.Unix()), time.Unix(st.Mtim.Unix())))
	}
	if err != nil {
		t.Fatal(err)
	}
	if r := w.execute(p); r.Same.Files != 4 || r.Kept[prune.Different].Files != 1 {
		t.Errorf("%+v", r)
	}
}

// TestDedupNoReflink: it says so.
func TestDedupNoReflink(t *testing.T) {
	at := repotest.FileSystem(t, 64<<20, "mkfs.ext4", "-q")
	if os.Geteuid() != 0 {
		return
	}
	w := newTwins(t, at)
	w.put("h/gold", "content", 0o664)
	w.put("h/files", "content", 0o660)
	var none *prune.NoReflinkError
	if _, err := prune.MakeDedup(t.Context(), prune.DedupOptions{Repository: w.repo, How: prune.Reflink}); !errors.As(err, &none) {
		t.Error(err)
	}
	if p := w.plan(prune.DedupOptions{How: prune.Auto}); p.How != prune.Link || p.Same.Files != 1 {
		t.Errorf("%+v", p)
	}
}

// TestDedupFull: an inode with as many names as ext4 lets it have; the next ones share
// another.
func TestDedupFull(t *testing.T) {
	at := repotest.FileSystem(t, 256<<20, "mkfs.ext4", "-q", "-N", "8192")
	if os.Geteuid() != 0 {
		return
	}
	w := newTwins(t, at)
	stamp := time.Unix(1e9, 0)
	first := filepath.Join(w.repo.Path, w.putAt("h/files/a/first", "content", 0o600))
	os.Chtimes(first, stamp, stamp)
	if err := os.Mkdir(filepath.Join(w.repo.Path, "names.I"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 65000 - 3 { // the name it has, and two more
		if err := os.Link(first, fmt.Sprintf("%s/names.I/%d", w.repo.Path, i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 6 {
		os.Chtimes(filepath.Join(w.repo.Path, w.putAt(fmt.Sprintf("h/files/b/%d", i), "content", 0o600)), stamp, stamp)
	}
	p := w.plan(prune.DedupOptions{Deep: true})
	r := w.execute(p)
	if p.Same.Files != 6 || r.Same.Files != 5 || r.Kept[prune.Full].Files != 1 {
		t.Errorf("%+v, %+v", p, r)
	}
	if u := w.undo(p.ID); u.Back.Files != 5 || u.Apart.Files != 1 {
		t.Errorf("%+v", u)
	}
}

// TestDedupWriter: somebody opens a file to write to it while it is compared and linked. He
// waits, and is noticed: what he writes is where everybody finds it.
func TestDedupWriter(t *testing.T) {
	defer prune.SetStep(func() {})
	for _, top := range []string{"h/files", "h/gold"} {
		for at := range 3 { // before the link, the exchange; behind it he finds the shared inode
			w := newTwins(t, t.TempDir())
			content := strings.Repeat("content ", 1000)
			golds, files := w.put("h/gold", content, 0o664), w.put("h/files", content, 0o660)
			target := filepath.Join(w.repo.Path, golds)
			if top == "h/files" {
				target = filepath.Join(w.repo.Path, files)
			}
			p := w.plan(prune.DedupOptions{})
			wrote := make(chan error, 1)
			step := -1 // the journal's comes first
			prune.SetStep(func() {
				if step++; step != at+1 {
					return
				}
				// The writer has found the file by its path when he begins to wait.
				at := make(chan int)
				go func() {
					fd, err := unix.Open(target, unix.O_PATH, 0)
					at <- fd
					if err == nil {
						var f *os.File
						if f, err = os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_WRONLY, 0); err == nil {
							_, err = f.WriteAt([]byte("IMPORTANT"), 100)
							err = errors.Join(err, f.Close())
						}
						unix.Close(fd)
					}
					wrote <- err
				}()
				<-at
				time.Sleep(time.Second)
			})
			r := w.execute(p)
			prune.SetStep(func() {})
			if err := <-wrote; err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(target)
			if err != nil || !strings.Contains(string(b), "IMPORTANT") {
				t.Errorf("%s, step %d: what was written is not there; %+v", top, at, r)
			}
			if at < 2 && (r.Same.Files != 0 || r.Kept[prune.InUse].Files+r.Kept[prune.Changed].Files != 1) {
				t.Errorf("%s, step %d: %+v", top, at, r)
			}
			w.noneLeft()
		}
	}
}

// TestDedupUndoMoved: one file that cannot be given its bytes keeps no other from them; what
// was written since keeps its time.
func TestDedupUndoMoved(t *testing.T) {
	w := newTwins(t, t.TempDir())
	var golds, files []string
	for i := range 8 {
		golds = append(golds, w.put("h/gold", fmt.Sprint("content ", i), 0o664))
		files = append(files, w.put("h/files", fmt.Sprint("content ", i), 0o660))
	}
	full := func(p string) string { return filepath.Join(w.repo.Path, p) }
	before, _ := w.states()
	p := w.plan(prune.DedupOptions{})
	w.execute(p)
	written := time.Unix(1.7e9, 0)
	err := errors.Join(
		os.Remove(full(files[0])), os.Symlink("/etc/passwd", full(files[0])),
		os.Rename(filepath.Dir(full(files[1])), full("moved")), os.Symlink(full("moved"), filepath.Dir(full(files[1]))),
		os.Remove(full(files[2])),
		os.Remove(full(files[3])), os.Mkdir(full(files[3]), 0o755),
		os.WriteFile(full(files[4]), []byte("CONTENT 4"), 0), os.Chtimes(full(files[4]), written, written),
		os.Remove(full(golds[5])))
	if err != nil {
		t.Fatal(err)
	}
	u := w.undo(p.ID)
	if u.Back.Files != 4 || u.Left[prune.Changed].Files != 3 || u.Left[prune.Gone].Files != 1 {
		t.Errorf("%+v", u)
	}
	after, inodes := w.states()
	for _, i := range []int{5, 6, 7} {
		if after[files[i]] != before[files[i]] || inodes[files[i]] == inodes[golds[i]] {
			t.Errorf("%d: %+v, it was %+v", i, after[files[i]], before[files[i]])
		}
	}
	if s := after[files[4]]; s.content != "CONTENT 4" || s.mtime != written.UnixNano() || s.mode != before[files[4]].mode {
		t.Errorf("%+v", s)
	}
	w.noneLeft()
	if b, err := os.ReadFile("/etc/passwd"); err != nil || len(b) == 0 {
		t.Error("outside")
	}
}

// TestDedupUndoElsewhere: the run of another repository is not undone in this one.
func TestDedupUndoElsewhere(t *testing.T) {
	w, x := newTwins(t, t.TempDir()), newTwins(t, t.TempDir())
	for _, w := range []*twins{w, x} {
		w.put("h/gold", "content", 0o664)
		w.put("h/files", "content", 0o660)
	}
	p := w.plan(prune.DedupOptions{})
	w.execute(p)
	d, err := prune.ReadDedupRun(prune.JournalOf(w.dir, p.ID))
	if err != nil {
		t.Fatal(err)
	}
	var moved *prune.ElsewhereError
	if _, err := d.Undo(t.Context(), prune.DedupUndoOptions{Repository: x.repo.Path}); !errors.As(err, &moved) {
		t.Error(err)
	}
}

// TestDedupUndoNoRoom: an undo without room leaves nothing of its own, and goes on later.
func TestDedupUndoNoRoom(t *testing.T) {
	at := repotest.FileSystem(t, 64<<20, "mkfs.ext4", "-q", "-m", "0")
	if os.Geteuid() != 0 {
		return
	}
	w := newTwins(t, at)
	for i := range 3 {
		content := strings.Repeat(fmt.Sprint("content ", i), 600_000)
		w.put("h/gold", content, 0o664)
		w.put("h/files", content, 0o660)
	}
	before, _ := w.states()
	p := w.plan(prune.DedupOptions{})
	w.execute(p)
	filler := filepath.Join(at, "filler")
	if err := os.WriteFile(filler, make([]byte, 36<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := prune.ReadDedupRun(prune.JournalOf(w.dir, p.ID))
	if err != nil {
		t.Fatal(err)
	}
	var room *prune.NoRoomError
	if _, err := d.Undo(t.Context(), prune.DedupUndoOptions{Repository: w.repo.Path}); !errors.As(err, &room) {
		t.Error(err)
	}
	w.noneLeft()
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if u := w.undo(p.ID); u.Back.Files != 3 {
		t.Errorf("%+v", u)
	}
	if after, _ := w.states(); !maps.Equal(after, before) {
		t.Error("undo did not bring everything back")
	}
}

// TestDedupTidy: what an interrupted run has left goes only if its bytes are there; what
// somebody has written into it comes back into its place.
func TestDedupTidy(t *testing.T) {
	for what, newer := range map[string]bool{"as it was": false, "written to": true} {
		w := newTwins(t, t.TempDir())
		gold, file := w.put("h/gold", "content", 0o664), w.put("h/files", "content", 0o660)
		full := func(p string) string { return filepath.Join(w.repo.Path, p) }
		p := w.plan(prune.DedupOptions{})
		ctx, cancel := context.WithCancel(t.Context())
		prune.SetStep(cancel) // with the first batch begun, nothing done
		p.Execute(ctx, prune.DedupExecuteOptions{Dir: w.dir})
		prune.SetStep(func() {})
		cancel()
		// As a kill between exchange and removal leaves it.
		work := full(file) + ".repotool-dedup.I"
		if err := errors.Join(os.Rename(full(file), work), os.Link(full(gold), full(file))); err != nil {
			t.Fatal(err)
		}
		want := "content"
		if newer {
			want = "CONTENT"
			if err := os.WriteFile(work, []byte(want), 0); err != nil {
				t.Fatal(err)
			}
		}
		d, err := prune.ReadDedupRun(prune.JournalOf(w.dir, p.ID))
		if err != nil {
			t.Fatal(err)
		}
		r, err := prune.ResumeDedup(t.Context(), d, t.TempDir(), prune.DedupExecuteOptions{Dir: w.dir})
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(full(file)); string(b) != want || newer == (r.Same.Files == 1) {
			t.Errorf("%s: %q, %+v", what, b, r)
		}
		w.noneLeft()
	}
}
