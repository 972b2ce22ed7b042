package goldindex

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// NotIndexed is why a content that is not there cannot be brought back yet: the gold
// that should make it was not unpacked by the present unpacker.
const NotIndexed Reason = "not-indexed"

// An Absent is a content that the database refers to and that does not stand in files
// as it should.
type Absent struct {
	Name   fossology.Name
	Golds  []fossology.Name // that make it, each once
	Reason Reason           // no gold makes it, for this
	Wrong  string           // it is there, at this path, but with other bytes
}

// Contents is a Database that also knows what it refers to.
type Contents interface {
	Database
	// PfileNames yields the Names of all pfiles, each once, in order.
	PfileNames(context.Context) iter.Seq2[fossology.Name, error]
}

// Absent yields what the database refers to and files lacks, in the order of the Names.
// troubled is told of what could not be read: what is in a directory that cannot be
// read counts as absent.
func (l *Ledger) Absent(ctx context.Context, repo fossology.Repository, db Contents, troubled func(error)) iter.Seq2[Absent, error] {
	return func(yield func(Absent, error) bool) {
		c := &classifier{l: l}
		if err := c.open(ctx, db); err != nil {
			yield(Absent{}, err)
			return
		}
		uses, stopUses := iter.Pull2(db.Uses(ctx))
		defer stopUses()
		c.uses = uses
		files, stopFiles := iter.Pull2(contents(ctx, repo, "files", func(x oddity) {
			if x.err != nil {
				troubled(x.err)
			}
		}))
		defer stopFiles()
		p := &presence{repo: repo, next: files}
		err := errors.Join(c.advance(), p.advance())
		for n, e := range db.PfileNames(ctx) {
			if passable(e) {
				continue
			}
			if err = errors.Join(err, e); err != nil {
				break
			}
			var a Absent
			var is bool
			if a, is, err = c.absent(p, n); err != nil {
				break
			}
			if is && !yield(a, nil) {
				return
			}
		}
		if err != nil {
			yield(Absent{}, err)
		}
	}
}

// absent decides about one Name; they come in order.
func (c *classifier) absent(p *presence, n fossology.Name) (a Absent, is bool, err error) {
	a.Name = n
	there, wrong, err := p.at(n)
	if there && wrong == "" || err != nil {
		return a, false, err
	}
	x, err := c.classify(found{name: n, stat: fossology.Stat{Size: n.Size}})
	if err != nil {
		return a, false, err
	}
	a.Wrong = wrong
	a.from(c.join.golds, x.Reason)
	return a, true, nil
}

// from says which golds make it, or why none does.
func (a *Absent) from(makers []maker, r Reason) {
	var golds distinct[fossology.Name]
	for _, m := range makers {
		golds.add(m.gold)
	}
	a.Golds = golds.list
	switch {
	case len(a.Golds) > 0:
	case r == "":
		a.Reason = NotIndexed
	default:
		a.Reason = r
	}
}

// AbsentOf is Absent for the contents of some uses, which come in the order of the
// Names. It looks for each by itself: good for an upload or a file, not for all. With
// read it reads what is there, and tells of what has other bytes.
func (l *Ledger) AbsentOf(ctx context.Context, repo fossology.Repository, db Database, uses iter.Seq2[fossology.Use, error], read bool) iter.Seq2[Absent, error] {
	return func(yield func(Absent, error) bool) {
		c := &classifier{l: l}
		if err := c.open(ctx, db); err != nil {
			yield(Absent{}, err)
			return
		}
		var of []fossology.Use // of one Name
		flush := func() (more bool) {
			if len(of) == 0 {
				return true
			}
			a, is, err := c.absentOf(ctx, repo, of, read)
			of = of[:0]
			return !is && err == nil || yield(a, err) && err == nil
		}
		for u, err := range uses {
			if passable(err) {
				continue
			}
			if err != nil {
				yield(Absent{}, err)
				return
			}
			if len(of) > 0 && of[0].Name != u.Name && !flush() {
				return
			}
			of = append(of, u)
		}
		flush()
	}
}

func (c *classifier) absentOf(ctx context.Context, repo fossology.Repository, uses []fossology.Use, read bool) (a Absent, is bool, err error) {
	a.Name = uses[0].Name
	there, wrong, err := stands(repo, a.Name)
	if err == nil && there && wrong == "" && read {
		wrong, err = contradicts(ctx, repo, a.Name)
	}
	if there && wrong == "" || err != nil {
		return a, false, err
	}
	makers, err := c.l.makers(a.Name)
	if err != nil {
		return a, false, err
	}
	reason := NotReferenced
	for _, u := range uses {
		if r := c.because(u, makers); rank[r] < rank[reason] {
			reason = r
		}
	}
	a.Wrong = wrong
	a.from(makers, reason)
	return a, true, nil
}

// presence goes through the files beside Names that come in order.
type presence struct {
	repo fossology.Repository
	next func() (found, error, bool)
	head found
	more bool
}

func (p *presence) advance() (err error) {
	p.head, err, p.more = p.next()
	return err
}

// at says whether a file stands under a Name, and at which path if its size is wrong.
func (p *presence) at(n fossology.Name) (there bool, wrong string, err error) {
	for p.more && p.head.name.Compare(n) < 0 {
		if err := p.advance(); err != nil {
			return false, "", err
		}
	}
	if !p.more || p.head.name != n {
		return false, "", nil
	}
	if paths, err := p.repo.Paths("files", n.String()); err != nil || !slices.Contains(paths, p.head.path) {
		return stands(p.repo, n) // on a host where FOSSology does not look for it
	}
	if p.head.stat.Size != n.Size {
		return true, p.head.path, nil
	}
	return true, "", nil
}

// stands asks the file system the same.
func stands(repo fossology.Repository, n fossology.Name) (there bool, wrong string, err error) {
	path, err := repo.Find("files", n.String())
	if err != nil {
		return false, "", err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR): // a file where a directory belongs
		return false, "", nil
	case err != nil:
		return false, "", err
	case !info.Mode().IsRegular() || info.Size() != n.Size:
		return true, path, nil
	}
	return true, "", nil
}

// contradicts reads a file, and returns its path if its bytes are not those of its Name.
func contradicts(ctx context.Context, repo fossology.Repository, n fossology.Name) (path string, err error) {
	f, err := repo.Open(n, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil // gone meanwhile; the next run sees it
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	s, m := sha1.New(), md5.New()
	size, err := io.CopyBuffer(io.MultiWriter(s, m), readerUntil{ctx, f}, make([]byte, 256<<10))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", f.Name(), err)
	}
	if (fossology.Name{SHA1: [20]byte(s.Sum(nil)), MD5: [16]byte(m.Sum(nil)), Size: size}) != n {
		return f.Name(), nil
	}
	return "", nil
}
