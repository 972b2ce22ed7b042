package fossology

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// plan walks the upper levels by itself and hands each directory at
// shardDepth to the workers. Known directories are read as they are needed.
func (w *walker) plan(ctx context.Context) error {
	defer close(w.parts)
	defer close(w.jobs)
	p := &planner{walker: w, ctx: ctx, next: func() (Dir, bool) { return Dir{}, false }}
	if w.o.Known != nil {
		next, stop := iter.Pull(w.o.Known)
		defer stop()
		p.next = next
	}
	p.advance()
	if err := p.open(); err != nil {
		return err
	}
	v := visitor{w: w, ctx: ctx, out: p.own, buf: make([]byte, 32<<10), plan: p}
	err := v.visit("", p.takeUpper(""))
	if err == nil {
		err = p.own.flush(ctx)
	}
	close(p.own.events)
	return err
}

// A planner is a visitor's view of the upper levels.
type planner struct {
	*walker
	ctx  context.Context
	next func() (Dir, bool)
	head Dir
	ok   bool
	own  *part // the part that takes the planner's own events
}

func (p *planner) advance() { p.head, p.ok = p.next() }

// open starts a new part for the planner's own events.
func (p *planner) open() error {
	p.own = newPart("", nil)
	select {
	case p.parts <- p.own:
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
}

// takeUpper returns what is known of a directory of the upper levels itself.
func (p *planner) takeUpper(path string) []Dir {
	for p.ok && ComparePaths(p.head.Path, path) < 0 {
		p.advance() // a directory that is gone
	}
	if p.ok && p.head.Path == path {
		d := p.head
		p.advance()
		return []Dir{d}
	}
	return nil
}

// nextChild returns the next known directory below path that an unchanged
// directory of the upper levels leads to.
func (p *planner) nextChild(path string) (string, bool) {
	if !p.ok || !isBelow(p.head.Path, path) {
		return "", false
	}
	rest := p.head.Path
	if path != "" {
		rest = rest[len(path)+1:]
	}
	name, _, _ := strings.Cut(rest, "/")
	return name, true
}

// leave passes over what is known at and below a directory that was dealt with.
// Something is left where it has lost directories, or is gone itself.
func (p *planner) leave(path string) {
	for p.ok && Within(p.head.Path, path) {
		p.advance()
	}
}

// shard hands the directory at path to the workers.
func (p *planner) shard(path string) error {
	var known []Dir
	for p.ok && ComparePaths(p.head.Path, path) < 0 {
		p.advance()
	}
	for p.ok && Within(p.head.Path, path) {
		known = append(known, p.head)
		p.advance()
	}
	if err := p.own.flush(p.ctx); err != nil {
		return err
	}
	close(p.own.events)
	job := newPart(path, known)
	for _, c := range []chan *part{p.parts, p.jobs} {
		select {
		case c <- job:
		case <-p.ctx.Done():
			p.own = newPart("", nil) // closed by plan
			return p.ctx.Err()
		}
	}
	return p.open()
}

// isBelow says whether path lies below dir, and is not dir itself.
func isBelow(path, dir string) bool { return path != dir && Within(path, dir) }

// A visitor walks one part of the tree.
type visitor struct {
	w    *walker
	ctx  context.Context
	out  *part
	buf  []byte
	plan *planner // set on the upper levels
}

func (v *visitor) emit(e Event) error {
	if v.plan != nil {
		return v.plan.own.emit(v.ctx, e)
	}
	return v.out.emit(v.ctx, e)
}

// visit looks at a directory. known is what an earlier walk knew at and below
// it; on the upper levels, of itself only.
func (v *visitor) visit(path string, known []Dir) error {
	if err := v.ctx.Err(); err != nil {
		return err
	}
	if len(known) > 0 && known[0].Path == path {
		var st unix.Stat_t
		err := unix.Fstatat(v.w.root, orDot(path), &st, unix.AT_SYMLINK_NOFOLLOW)
		if err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR && signature(&st) == known[0].Signature {
			return v.same(path, &st, known)
		}
		known = known[1:]
	}
	return v.read(path, known)
}

func orDot(path string) string {
	if path == "" {
		return "."
	}
	return path
}

// same goes on with the known directories below an unchanged one.
func (v *visitor) same(path string, st *unix.Stat_t, known []Dir) error {
	if err := v.emit(Event{Kind: DirSame, Path: path, Stat: StatOf(st), Known: known[0].Signature}); err != nil {
		return err
	}
	if v.plan != nil {
		for {
			name, ok := v.plan.nextChild(path)
			if !ok {
				return nil
			}
			child := join(path, name)
			if err := v.descend(child, nil); err != nil {
				return err
			}
			v.plan.leave(child)
		}
	}
	known = known[1:]
	for len(known) > 0 {
		n := 1
		for n < len(known) && isBelow(known[n].Path, known[0].Path) {
			n++
		}
		if err := v.visit(known[0].Path, known[:n]); err != nil {
			return err
		}
		known = known[n:]
	}
	return nil
}

// descend visits a child directory, or hands it to a worker.
func (v *visitor) descend(path string, known []Dir) error {
	switch {
	case v.plan != nil && v.w.o.Skip != nil && v.w.o.Skip(path):
		return nil
	case v.plan == nil:
		return v.visit(path, known)
	case depthOf(path) == shardDepth:
		return v.plan.shard(path)
	default:
		return v.visit(path, v.plan.takeUpper(path))
	}
}

// read lists a directory and goes through it by name.
func (v *visitor) read(path string, known []Dir) error {
	fd, err := unix.Openat(v.w.root, orDot(path), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return nil // gone since its parent was read
	}
	if err != nil {
		return v.emit(Event{Kind: Unreadable, Path: path, Err: &fs.PathError{Op: "open", Path: path, Err: err}})
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return v.emit(Event{Kind: Unreadable, Path: path, Err: &fs.PathError{Op: "stat", Path: path, Err: err}})
	}
	names, err := v.list(fd)
	if err != nil {
		return v.emit(Event{Kind: Unreadable, Path: path, Err: &fs.PathError{Op: "read directory", Path: path, Err: err}})
	}
	e := Event{Kind: DirRead, Path: path, Stat: StatOf(&st), Known: signature(&st)}
	if e.Known.Mtime >= v.w.racy || e.Known.Ctime >= v.w.racy {
		e.Known = Signature{}
	}
	depth := depthOf(path) + 1
	e.Stat.Size = 0
	for _, n := range names {
		if !isWorkFile(n.name, depth) {
			e.Stat.Size++
		}
	}
	if err := v.emit(e); err != nil {
		return err
	}
	for _, n := range names {
		child := join(path, n.name)
		if isWorkFile(n.name, depth) {
			if err := v.emit(Event{Kind: WorkFile, Path: child}); err != nil {
				return err
			}
			continue
		}
		if n.kind != unix.DT_DIR {
			isDir, err := v.file(fd, child, n.name)
			if err != nil {
				return err
			}
			if !isDir {
				continue
			}
		}
		var below []Dir
		below, known = cutKnown(known, child)
		if err := v.descend(child, below); err != nil {
			return err
		}
	}
	return nil
}

// cutKnown splits what is known into what is at and below path, and the rest
// behind it.
func cutKnown(known []Dir, path string) (below, rest []Dir) {
	i := 0
	for i < len(known) && ComparePaths(known[i].Path, path) < 0 {
		i++
	}
	j := i
	for j < len(known) && Within(known[j].Path, path) {
		j++
	}
	return known[i:j], known[j:]
}

// file emits what is no directory.
func (v *visitor) file(dirfd int, path, name string) (isDir bool, err error) {
	var st unix.Stat_t
	switch err := unix.Fstatat(dirfd, name, &st, unix.AT_SYMLINK_NOFOLLOW); {
	case errors.Is(err, unix.ENOENT):
		return false, nil
	case err != nil:
		return false, v.emit(Event{Kind: Unreadable, Path: path, Err: &fs.PathError{Op: "stat", Path: path, Err: err}})
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return true, nil
	}
	return false, v.emit(Event{Kind: FileFound, Path: path, Stat: StatOf(&st)})
}

// dirent is a name in a directory with its kind (DT_UNKNOWN where the file
// system does not say).
type dirent struct {
	name string
	kind uint8
}

// list reads a directory's names, sorted, each once.
func (v *visitor) list(fd int) ([]dirent, error) {
	var names []dirent
	for {
		n, err := unix.Getdents(fd, v.buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
		// struct linux_dirent64: ino 8, off 8, reclen 2, type 1, name.
		for b := v.buf[:n]; len(b) > 19; {
			length := binary.NativeEndian.Uint16(b[16:])
			name, _, _ := bytes.Cut(b[19:length], []byte{0})
			if s := string(name); s != "." && s != ".." {
				names = append(names, dirent{s, b[18]})
			}
			b = b[length:]
		}
	}
	return inOrder(names), nil
}

// inOrder sorts names, each once: a directory that changes while it is read may
// tell of one twice.
func inOrder(names []dirent) []dirent {
	slices.SortFunc(names, func(a, b dirent) int { return strings.Compare(a.name, b.name) })
	return slices.CompactFunc(names, func(a, b dirent) bool { return a.name == b.name })
}

func signature(st *unix.Stat_t) Signature {
	return Signature{st.Ino, st.Mtim.Nano(), st.Ctim.Nano()}
}
